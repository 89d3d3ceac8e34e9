// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/program.h"

namespace sparekey {
namespace {

TEST(Escape, KeepsPrintableTextOfEveryScript) {
  for (const char* text : {"ada", "K7QM-9TXR", "größer", "日本", "😀", "a b", "~"}) {
    EXPECT_EQ(Escape(text), text);
  }
}

TEST(Escape, ShowsWhatCouldMoveTheCursorOrTurnTheText) {
  EXPECT_EQ(Escape("a\nb\r\t"), "a\\x0ab\\x0d\\x09");
  EXPECT_EQ(Escape("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(Escape(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(Escape("\x7f"), "\\x7f");
  EXPECT_EQ(Escape("\xc2\x9b"), "\\xc2\\x9b");           // CSI of C1
  EXPECT_EQ(Escape("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left override
  EXPECT_EQ(Escape("a\xe2\x80\x8b"
                   "da"),
            "a\\xe2\\x80\\x8bda");                       // zero-width space
  EXPECT_EQ(Escape("\xef\xbb\xbf"), "\\xef\\xbb\\xbf");  // byte order mark
}

TEST(Escape, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(Escape("\xff"), "\\xff");
  EXPECT_EQ(Escape("\xc3"), "\\xc3");
  EXPECT_EQ(Escape("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(Escape("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(Escape("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Table, AlignsColumnsByCharacters) {
  EXPECT_EQ(Table({{"a", "b"}, {"größer", "c"}}), "a       b\ngrößer  c\n");
}

TEST(Coloured, IsPlainWhereNoTerminalReads) {
  const int file = fileno(std::tmpfile());
  EXPECT_EQ(Coloured(file, Colour::kBad, "text"), "text");
}

TEST(Coloured, ColoursOnATerminal) {
  testing::TerminalProgram program([] {
    unsetenv("NO_COLOR");
    Print(Coloured(1, Colour::kBad, "red"));
    setenv("NO_COLOR", "1", 1);
    Print(Coloured(1, Colour::kBad, "plain"));
    return 0;
  });
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_EQ(program.shown(), "\x1b[1;31mred\x1b[0mplain");
}

}  // namespace
}  // namespace sparekey
