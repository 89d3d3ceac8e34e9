// SPDX-License-Identifier: Apache-2.0
#include "cli/password.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/text.h"
#include "tests/support/program.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::ReadWholeFile;
using testing::TerminalProgram;
using testing::TestFolder;

TEST(FindLocalUid, ReadsThePasswdFileAlone) {
  const TestFolder folder;
  const std::string file = folder / "passwd";
  std::ofstream(file) << "root:x:0:0::/:/bin/sh\nada:x:1000:1000::/:/bin/sh\nbad:x:\n"
                         "adam:x:1001:1001::/:/bin/sh\n+::::::\n";
  EXPECT_EQ(FindLocalUid("ada", file), 1000U);
  EXPECT_EQ(FindLocalUid("root", file), 0U);
  for (const char* name : {"ad", "ada:x", "bad", "bob", "", "x"}) {
    EXPECT_FALSE(FindLocalUid(name, file).has_value()) << name;
  }
  EXPECT_FALSE(FindLocalUid("ada", folder / "none").has_value());
}

// libpam's own conversation, with a module that asks as pam_unix does.
class PasswordTest : public ::testing::Test {
 protected:
  PasswordTest() {
    std::ofstream(folder_ / "passwd")
        << "password required " << ASKING_PAM << ' ' << folder_ / "given" << '\n';
  }
  int Set() const {
    const PasswordChange change = SetPassword("ada", folder_.path().c_str());
    if (!change.status.ok()) Say(change.status.error().message);
    return change.given_up ? 6 : change.status.ok() ? 0 : 5;
  }
  void TypeHidden(TerminalProgram& program, const std::string& prompt, const std::string& text) {
    ASSERT_TRUE(program.WaitFor(prompt)) << program.shown();
    ASSERT_TRUE(program.WaitForEcho(false));
    program.Type(text + '\n');
  }
  TestFolder folder_;
};

TEST_F(PasswordTest, IsAskedForTwiceAndNotShown) {
  TerminalProgram program([this] { return Set(); });
  TypeHidden(program, "New password: ", "correct horse");
  TypeHidden(program, "Retype new password: ", "correct horse");
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.shown(), HasSubstr("Changing the password of ada."));
  EXPECT_THAT(program.shown(), Not(HasSubstr("horse")));
  EXPECT_EQ(ReadWholeFile(folder_ / "given"), "ada correct horse");
}

TEST_F(PasswordTest, IsAskedForAgainAfterARefusedOne) {
  TerminalProgram program([this] { return Set(); });
  TypeHidden(program, "New password: ", "weak");
  TypeHidden(program, "Retype new password: ", "weak");
  TypeHidden(program, "New password: ", "better");
  TypeHidden(program, "Retype new password: ", "better");
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_EQ(ReadWholeFile(folder_ / "given"), "ada better");
}

TEST_F(PasswordTest, FailsAfterThreeRefusedOnes) {
  TerminalProgram program([this] { return Set(); });
  for (int i = 0; i < 3; ++i) {
    TypeHidden(program, "New password: ", "weak");
    TypeHidden(program, "Retype new password: ", "weak");
  }
  EXPECT_EQ(program.Wait(), 5);
  EXPECT_THAT(program.shown(), HasSubstr("password of ada could not be set"));
}

TEST_F(PasswordTest, IsGivenUpAtTheEndOfInput) {
  TerminalProgram program([this] { return Set(); });
  ASSERT_TRUE(program.WaitFor("New password: "));
  ASSERT_TRUE(program.WaitForEcho(false));
  program.Type("\x04");
  EXPECT_EQ(program.Wait(), 6);
}

}  // namespace
}  // namespace sparekey
