// SPDX-License-Identifier: Apache-2.0
// console: the menu's ways back: nonsense, Ctrl-C, the end of input, no.
#include <gmock/gmock.h>

#include "tests/cli/console_person.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using testing::kBack;
using testing::kMenu;
using testing::Person;

using ConsoleWaysBack = testing::ConsoleMenuTest;

TEST_F(ConsoleWaysBack, AnswersNonsenseAndStays) {
  Person person = Sit();
  for (const char* text : {"0", "10", "-1", "1 2", "abc", "\x01\x7f\xff", "99999999999999999999"}) {
    person.Answer(kMenu, std::string(text) + "\n");
    person.Await("is none of 1 to 9.");
  }
  person.Answer(kMenu, std::string(4000, 'x') + "\n");
  person.Await("is none of 1 to 9.");
  person.Answer(kMenu, "\n");
  person.Await("sparekey console on ");
  EXPECT_EQ(person.Quit(), 0);
}

TEST_F(ConsoleWaysBack, TakesALineThatIsTooLongFromAPipeForAMistake) {
  const auto result = Run({"console"}, std::string(100'000, 'x') + "\nq\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("That line is too long."));
}

TEST_F(ConsoleWaysBack, EndsWithTheInput) {
  const auto result = Run({"console"}, "");
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("sparekey console on "));
}

struct Step {
  const char* prompt;
  const char* text;
};
struct Path {
  const char* name;
  std::vector<Step> steps;
  const char* prompt;  // at which the person turns back
  const char* no = "n\n";
  bool super_locked = true;  // which enrolment and new sheets are refused under
};

class WaysBack : public testing::ConsoleMenuTest, public ::testing::WithParamInterface<Path> {
 protected:
  // Nothing of what the entries could have done was done.
  void ExpectUnchanged() {
    EXPECT_EQ(IsSuperLocked(), GetParam().super_locked);
    EXPECT_EQ(IsGateClosed(), GetParam().super_locked);
    EXPECT_TRUE(IsTwoFactorOn());
    EXPECT_EQ(EnrolmentOf("ada"), Enrolment::kNone);
  }
};

TEST_P(WaysBack, ChangeNothing) {
  if (GetParam().super_locked) SuperLock("ada");
  // Ctrl-C, nothing, no, and what is no answer at all and then no.
  const std::string no = GetParam().no;
  for (const std::string& way :
       {std::string("\x03"), std::string("\n"), no, "\xc3\x28 what?\n" + no}) {
    Person person = Sit();
    for (const Step& step : GetParam().steps) person.Answer(step.prompt, step.text);
    person.Answer(GetParam().prompt, way);
    person.Answer(kBack, "\n");
    EXPECT_EQ(person.Quit(), 0) << way;
    ExpectUnchanged();
  }
  Person person = Sit();
  for (const Step& step : GetParam().steps) person.Answer(step.prompt, step.text);
  person.Answer(GetParam().prompt, "\x04\x04\x04");  // the line hangs up
  EXPECT_EQ(person.End(), 0);
  ExpectUnchanged();
}

INSTANTIATE_TEST_SUITE_P(
    Of, WaysBack,
    ::testing::Values(
        Path{"SuperLockout", {{kMenu, "1\n"}}, "Go on? (y/n) "},
        Path{"Reset", {{kMenu, "4\n"}, {"back): ", "ada\n"}}, "Go on? (y/n) "},
        Path{"ResetsName", {{kMenu, "4\n"}}, "back): ", "\n"},
        Path{"EnrolsName", {{kMenu, "5\n"}}, "back): ", "\n", false},
        Path{"Enrol", {{kMenu, "5\n"}, {"back): ", "ada\n"}}, "Go on? (y/n) ", "n\n", false},
        Path{"Sheet", {{kMenu, "6\n"}, {"back): ", "ada\n"}}, "Go on? (y/n) ", "n\n", false},
        Path{"TwoFactor", {{kMenu, "7\n"}}, "off? (y/n) "},
        Path{"StartAnew", {{kMenu, "8\n"}}, "Type YES: "}),
    [](const auto& path) { return std::string(path.param.name); });

}  // namespace
}  // namespace sparekey
