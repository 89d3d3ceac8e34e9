// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <gmock/gmock.h>

#include "tests/support/program.h"

namespace sparekey {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

TEST(ProgressText, SaysHowFarHowFastAndHowLong) {
  EXPECT_EQ(ProgressText({43210, 100000, seconds(5)}),
            "43,210 of 100,000 accounts, 8,642 a second, 7 s left");
  EXPECT_EQ(ProgressText({40, 100000, seconds(10)}),
            "40 of 100,000 accounts, 240 a minute, 7 h left");
  EXPECT_EQ(ProgressText({100, 4000, seconds(10)}),
            "100 of 4,000 accounts, 10 a second, 7 min left");
  EXPECT_EQ(ProgressText({0, 5, seconds(0)}), "0 of 5 accounts");
  EXPECT_EQ(ProgressText({7, 5, seconds(1)}), "7 of 5 accounts, 420 a minute, 0 s left");
}

TEST(ProgressBar, FillsWithWhatIsDone) {
  EXPECT_THAT(ProgressBar({50, 100, seconds(1)}, 200),
              HasSubstr("[###############...............]"));
  EXPECT_THAT(ProgressBar({0, 0, seconds(1)}, 200), HasSubstr("[......"));
  EXPECT_THAT(ProgressBar({100, 100, seconds(1)}, 200),
              HasSubstr('[' + std::string(30, '#') + ']'));
}

TEST(ProgressBar, FitsEveryWidth) {
  for (std::size_t columns = 0; columns < 120; ++columns) {
    EXPECT_LE(ProgressBar({50, 100, seconds(1)}, columns).size(), columns);
  }
}

TEST(ProgressOnATerminal, DrawsABarAndTakesItAway) {
  testing::TerminalProgram program([] {
    Progress progress(10);
    progress.Advance(5);
    progress.Tell("bob: is enrolled already");
    return 0;
  });
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.shown(), HasSubstr("5 of 10 accounts"));
  EXPECT_THAT(program.shown(), HasSubstr("\r\x1b[Kbob: is enrolled already\r\n"));
}

}  // namespace
}  // namespace sparekey
