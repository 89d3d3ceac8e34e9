// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Words(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

struct Wrong {
  const char* line;
  const char* named;  // what the message must name
  friend void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.line; }
};

class WrongUsage : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongUsage, IsRefusedWithATextThatNamesTheArgument) {
  const auto invocation = ParseArguments(Words(GetParam().line));
  ASSERT_FALSE(invocation.ok()) << GetParam().line;
  EXPECT_EQ(invocation.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(invocation.error().message, HasSubstr(GetParam().named));
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongUsage,
    ::testing::Values(
        Wrong{"", "command is missing"}, Wrong{"usr", "'usr'"}, Wrong{"Status", "'Status'"},
        Wrong{"status now", "'now'"}, Wrong{"status --now", "--now"}, Wrong{"-x", "-x"},
        Wrong{"--frobnicate", "--frobnicate"}, Wrong{"user", "'user'"}, Wrong{"user en", "'en'"},
        Wrong{"user confirm", "NAME"}, Wrong{"user enroll ada bob", "'bob'"},
        Wrong{"user enroll ada --lab x", "--lab"}, Wrong{"user enroll ada --label", "--label"},
        Wrong{"user enroll ada --label=", "--label"},
        Wrong{"user enroll ada --label a --label b", "--label"},
        Wrong{"user enroll ada --no-confirm=yes", "--no-confirm"},
        Wrong{"user enroll ada --codes-out", "--codes-out"}, Wrong{"user enroll ada --qr", "--qr"},
        Wrong{"user confirm", "NAME"}, Wrong{"user confirm ada 123456", "'123456'"},
        Wrong{"user list ada", "'ada'"}, Wrong{"user remove", "NAME"}, Wrong{"user unlock", "NAME"},
        Wrong{"user show ada --door ssh", "--door"}, Wrong{"codes", "'codes'"},
        Wrong{"codes new", "NAME"}, Wrong{"codes status", "NAME"},
        Wrong{"codes new ada --out", "--out"}, Wrong{"codes ada", "'ada'"}, Wrong{"verify", "NAME"},
        Wrong{"verify ada 123456", "'123456'"}, Wrong{"verify ada --door", "--door"},
        Wrong{"recover", "NAME"}, Wrong{"recover ada K7QM-9TXR-4HWD-P2VN", "'K7QM-9TXR-4HWD-P2VN'"},
        Wrong{"settings", "'settings'"}, Wrong{"settings get", "KEY"},
        Wrong{"settings get a b", "'b'"}, Wrong{"settings set", "KEY=VALUE"},
        Wrong{"settings show all", "'all'"}, Wrong{"ssh", "'ssh'"}, Wrong{"ssh open", "'open'"},
        Wrong{"ssh enable ada bob", "'bob'"}, Wrong{"ssh status ada", "'ada'"},
        Wrong{"events ada", "'ada'"}, Wrong{"events --since", "--since"},
        Wrong{"events --account", "--account"}, Wrong{"console ada", "'ada'"},
        Wrong{"console --system", "--system"}, Wrong{"console reset ada bob", "'bob'"},
        Wrong{"console reset ada --root", "--root"}, Wrong{"init now", "'now'"},
        Wrong{"status --config", "--config"}, Wrong{"--state-dir", "--state-dir"},
        Wrong{"status --socket", "--socket"}, Wrong{"status --json=1", "--json"},
        Wrong{"status --json --json", "--json"}, Wrong{"help user enroll now", "'now'"},
        Wrong{"status -- now", "'now'"}, Wrong{"status -j", "-j"}));

TEST(ParseArguments, TakesGlobalOptionsBeforeBetweenAndAfterNounAndVerb) {
  const auto invocation = ParseArguments(
      Words("--config /c user --state-dir=/s enroll --socket /k ada --json --label phone"));
  ASSERT_TRUE(invocation.ok()) << invocation.error().message;
  EXPECT_EQ(NameOf(*invocation->command), "user enroll");
  EXPECT_EQ(invocation->config.config, "/c");
  EXPECT_EQ(invocation->config.state_dir, "/s");
  EXPECT_EQ(invocation->config.socket, "/k");
  EXPECT_TRUE(invocation->json);
  EXPECT_EQ(invocation->First(), "ada");
  EXPECT_EQ(invocation->Get("label"), "phone");
  EXPECT_FALSE(invocation->Has("no-confirm"));
}

TEST(ParseArguments, TakesTheNounAloneAndWithAVerb) {
  EXPECT_EQ(ParseArguments(Words("console"))->command, FindCommand("console", ""));
  const auto reset = ParseArguments(Words("console reset --system"));
  EXPECT_EQ(reset->command, FindCommand("console", "reset"));
  EXPECT_TRUE(reset->Has("system"));
}

TEST(ParseArguments, TakesWhatFollowsTwoDashesAsArguments) {
  const auto invocation = ParseArguments(Words("settings get -- --odd"));
  ASSERT_TRUE(invocation.ok());
  EXPECT_THAT(invocation->arguments, ElementsAre("--odd"));
}

TEST(ParseArguments, TakesEveryAssignment) {
  EXPECT_THAT(ParseArguments(Words("settings set a=1 b=2 c=3"))->arguments,
              ElementsAre("a=1", "b=2", "c=3"));
}

class HelpAnywhere : public ::testing::TestWithParam<const char*> {};

TEST_P(HelpAnywhere, IsUnderstoodWhateverElseIsMissing) {
  const auto invocation = ParseArguments(Words(GetParam()));
  ASSERT_TRUE(invocation.ok()) << invocation.error().message;
  EXPECT_TRUE(invocation->help);
}

INSTANTIATE_TEST_SUITE_P(Table, HelpAnywhere,
                         ::testing::Values("--help", "-h", "user --help", "--help user",
                                           "user enroll --help", "user --help enroll",
                                           "--help user enroll", "verify ada --help",
                                           "console reset --help"));

TEST(ParseArguments, EscapesWhatItRepeats) {
  const auto invocation = ParseArguments({"\x1b[2J"});
  ASSERT_FALSE(invocation.ok());
  EXPECT_THAT(invocation.error().message, HasSubstr("'\\x1b[2J'"));
}

TEST(CheckNumber, RefusesWhatIsNoNumberOfTheRange) {
  for (const char* value : {"", "5", "9", "6x", " 6", "+6", "-6", "6.0", "99999999999999999999"}) {
    EXPECT_FALSE(CheckNumber("digits", value, 6, 8).ok()) << value;
  }
  EXPECT_TRUE(CheckNumber("digits", "6", 6, 8).ok());
  EXPECT_TRUE(CheckNumber("digits", "8", 6, 8).ok());
}

TEST(CheckExtension, RefusesOtherEndings) {
  for (const char* path : {"", ".txt", "codes", "codes.TXT", "codes.txt.bak", "txt"}) {
    EXPECT_FALSE(CheckExtension("out", path, {".txt", ".json"}).ok()) << path;
  }
  EXPECT_TRUE(CheckExtension("out", "codes.json", {".txt", ".json"}).ok());
}

}  // namespace
}  // namespace sparekey
