// SPDX-License-Identifier: Apache-2.0
#include "core/console_config.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/support/config_files.h"
#include "tests/support/temp_folder.h"

namespace sparekey {
namespace {

constexpr std::string_view kRootAllowed = "console.allow = root\n";

void ExpectSame(const ConsoleConfig& a, const ConsoleConfig& b, const std::string& text) {
  EXPECT_EQ(a.ttys, b.ttys) << text;
  EXPECT_EQ(a.services, b.services) << text;
  EXPECT_EQ(a.allow_root, b.allow_root) << text;
}

TEST(LoadConsoleConfig, ReadsTheTableOfFiles) {
  const TempFolder folder;
  for (const ConfigFileCase& file : ConfigFileCases()) {
    ExpectSame(LoadConsoleConfig(folder.Write("c", file.text)),
               file.console.value_or(ConsoleConfig{}), file.text.substr(0, 100));
  }
}

TEST(LoadConsoleConfig, LeavesOtherKeysToTheService) {
  const TempFolder folder;
  const std::string path = folder.Write("c", "foo = bar\naccounts = what\nconsole.allow = root\n");
  EXPECT_TRUE(LoadConsoleConfig(path).allow_root);
}

TEST(LoadConsoleConfig, TakesDefaultsWhereTheFileCannotBeTrusted) {
  const TempFolder folder;
  const std::string path = folder.Write("c", kRootAllowed);
  ASSERT_TRUE(LoadConsoleConfig(path).allow_root);
  for (const mode_t mode : {0664, 0646, 0666}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_FALSE(LoadConsoleConfig(path).allow_root) << std::oct << mode;
  }
  EXPECT_FALSE(LoadConsoleConfig(folder.File("missing")).allow_root);
  EXPECT_FALSE(LoadConsoleConfig(folder.path()).allow_root);
}

TEST(IsTrustedConfig, WantsAFileOfRootOrOfThisUser) {
  struct stat status {};
  status.st_mode = S_IFREG | 0644;
  for (const uid_t owner : {uid_t{0}, geteuid()}) {
    status.st_uid = owner;
    EXPECT_TRUE(IsTrustedConfig(status));
  }
  status.st_uid = geteuid() + 1;
  EXPECT_FALSE(IsTrustedConfig(status));
  status.st_uid = 0;
  status.st_mode = S_IFIFO | 0644;
  EXPECT_FALSE(IsTrustedConfig(status));
}

TEST(LoadConsoleConfig, DoesNotWaitForAFifo) {
  const TempFolder folder;
  ASSERT_EQ(mkfifo(folder.File("c").c_str(), 0644), 0);
  EXPECT_FALSE(LoadConsoleConfig(folder.File("c")).allow_root);
}

}  // namespace
}  // namespace sparekey
