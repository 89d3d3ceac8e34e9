// SPDX-License-Identifier: Apache-2.0
#include "service/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <random>
#include <string>

#include "tests/support/config_files.h"
#include "tests/support/temp_folder.h"

namespace sparekey {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Config> Load(const std::string& path) { return LoadConfig({path, {}, {}}); }

std::string ErrorOf(const Result<Config>& config) {
  return config ? "no error" : config.error().message;
}

TEST(LoadConfig, ReadsEveryKey) {
  const TempFolder folder;
  const auto config = Load(folder.Write("c",
                                        "accounts = any\n"
                                        "admin_accounts = ada, bob\n"
                                        "master_key = /k/master.key\n"
                                        "state_dir = /s\n"
                                        "socket = /r/api.sock\n"
                                        "log_level = debug\n"
                                        "[events]\n"
                                        "keep_days = 0\n"
                                        "keep = 5000\n"
                                        "[console]\n"
                                        "ttys = tty1\n"
                                        "services = login\n"
                                        "allow = root\n"));
  ASSERT_TRUE(config) << ErrorOf(config);
  EXPECT_EQ(config->accounts, AccountNames::kAny);
  EXPECT_THAT(config->admin_accounts, ElementsAre("ada", "bob"));
  EXPECT_EQ(config->master_key, "/k/master.key");
  EXPECT_EQ(config->state_dir, "/s");
  EXPECT_EQ(config->socket, "/r/api.sock");
  EXPECT_EQ(config->PamSocket(), "/r/pam.sock");
  EXPECT_EQ(config->log_level, "debug");
  EXPECT_EQ(config->keep_event_days, 0);
  EXPECT_EQ(config->keep_events, 5000);
  EXPECT_THAT(config->console.ttys, ElementsAre("tty1"));
  EXPECT_THAT(config->console.services, ElementsAre("login"));
  EXPECT_TRUE(config->console.allow_root);
}

TEST(LoadConfig, HasDefaultsForAnEmptyFile) {
  const TempFolder folder;
  const auto config = Load(folder.Write("c", ""));
  ASSERT_TRUE(config) << ErrorOf(config);
  EXPECT_EQ(config->accounts, AccountNames::kNss);
  EXPECT_EQ(config->state_dir, kDefaultStateDir);
  EXPECT_EQ(config->socket, kDefaultSocket);
  EXPECT_EQ(config->master_key, kDefaultMasterKey);
  EXPECT_EQ(config->log_level, "info");
  EXPECT_EQ(config->keep_event_days, 365);
  EXPECT_EQ(config->keep_events, 1'000'000);
}

TEST(LoadConfig, SaysWhatIsWrongAndWhatIsPossible) {
  const TempFolder folder;
  const std::pair<const char*, const char*> files[] = {
      {"foo = bar\n", "unknown key foo; possible keys: accounts, admin_accounts, master_key"},
      {"[console]\nfoo = bar\n", "unknown key console.foo"},
      {"\n\nwhat\x1b[1m\n", "line 3 is no \"key = value\": what\\x1b[1m"},
      {"accounts = all\n", "accounts: nss or any"},
      {"log_level = loud\n", "log_level: possible values: trace, debug, info, warn, error"},
      {"log_level = info\nlog_level = info\n", "log_level is there twice"},
      {"socket = api.sock\n", "socket: an absolute path"},
      {"socket =\n", "socket: an absolute path"},
      {"socket = /r/pam.sock\n", "/r/pam.sock must be a file, and not pam.sock"},
      {"socket = /r/\n", "/r/ must be a file"},
      {"admin_accounts = ada, b/b\n", "admin_accounts: account names separated by commas"},
      {"events.keep_days = 40000\n", "events.keep_days: 0 or 1..36500"},
      {"events.keep = 10\n", "events.keep: 0 or 1000..1000000000"},
      {"events.keep = 1e6\n", "events.keep: 0 or 1000"},
      {"console.allow = yes\n", "console.allow: console or root"},
      {"console.ttys = /dev/tty1\n", "console.ttys: names separated by commas"},
  };
  for (const auto& [text, message] : files) {
    const auto config = Load(folder.Write("c", text));
    EXPECT_THAT(ErrorOf(config), HasSubstr(message)) << text;
  }
  EXPECT_THAT(ErrorOf(Load(folder.Write("c", "foo = 1"))), HasSubstr(folder.File("c")));
}

TEST(LoadConfig, RefusesFilesThatOthersMayWrite) {
  const TempFolder folder;
  const std::string path = folder.Write("c", "");
  for (const mode_t mode : {0664, 0646}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_THAT(ErrorOf(Load(path)), HasSubstr("nobody else may write to")) << mode;
  }
  EXPECT_THAT(ErrorOf(Load(folder.path())), HasSubstr("must be a file"));
}

TEST(LoadConfig, WantsAFileThatWasNamed) {
  const TempFolder folder;
  EXPECT_THAT(ErrorOf(Load(folder.File("missing"))), HasSubstr("there is no such file"));
}

TEST(LoadConfig, PutsSocketAndKeyIntoAStateFolderFromTheCommandLine) {
  const TempFolder folder;
  const std::string empty = folder.Write("empty", "");
  const auto config = LoadConfig({empty, "/tmp/x/", {}});
  ASSERT_TRUE(config) << ErrorOf(config);
  EXPECT_EQ(config->socket, "/tmp/x/api.sock");
  EXPECT_EQ(config->PamSocket(), "/tmp/x/pam.sock");
  EXPECT_EQ(config->master_key, "/tmp/x/master.key");
}

TEST(LoadConfig, LetsANamedFileDecideSocketAndKey) {
  const TempFolder folder;
  const std::string file =
      folder.Write("c", "socket = /r/a.sock\nmaster_key = /k\nstate_dir = /s\n");
  const auto config = LoadConfig({file, "/tmp/x", {}});
  ASSERT_TRUE(config) << ErrorOf(config);
  EXPECT_EQ(config->state_dir, "/tmp/x");
  EXPECT_EQ(config->socket, "/r/a.sock");
  EXPECT_EQ(config->master_key, "/k");
}

TEST(LoadConfig, FindsNotifyDBesideTheFileThatCounts) {
  const TempFolder folder;
  const std::string file = folder.Write("c", "");
  EXPECT_EQ(Load(file)->notify_dir, folder.File("notify.d"));
  EXPECT_EQ(LoadConfig({file, "/s", {}})->notify_dir, folder.File("notify.d"));
  EXPECT_EQ(LoadConfig({{}, "/s", {}})->notify_dir, "/s/notify.d");
}

TEST(LoadConfig, LetsTheCommandLineDecideTheSocket) {
  const TempFolder folder;
  const std::string file = folder.Write("c", "socket = /r/a.sock\n");
  const auto config = LoadConfig({file, "/tmp/x", "/tmp/y/z.sock"});
  ASSERT_TRUE(config) << ErrorOf(config);
  EXPECT_EQ(config->socket, "/tmp/y/z.sock");
  EXPECT_EQ(config->PamSocket(), "/tmp/y/pam.sock");
}

TEST(LoadConfig, MakesRelativePathsOfTheCommandLineAbsolute) {
  const TempFolder folder;
  const auto config = LoadConfig({folder.Write("c", ""), "state", "run/api.sock"});
  ASSERT_TRUE(config) << ErrorOf(config);
  const auto here = std::filesystem::current_path();
  EXPECT_EQ(config->state_dir, (here / "state").string());
  EXPECT_EQ(config->socket, (here / "run/api.sock").string());
  EXPECT_FALSE(LoadConfig({folder.File("c"), "", {}}));
}

TEST(LoadConfig, FindsTheDefaultsInTheExampleFile) {
  std::ifstream example(EXAMPLE_CONFIG);
  std::string text;
  int keys = 0;
  for (std::string line; std::getline(example, line);) {
    const bool is_setting = line.starts_with("#") && !line.starts_with("# ");
    keys += is_setting ? 1 : 0;
    text += (is_setting ? line.substr(1) : line) + "\n";
  }
  const TempFolder folder;
  const auto config = Load(folder.Write("c", text));
  const Config defaults;
  ASSERT_TRUE(config) << ErrorOf(config);
  EXPECT_EQ(keys, 11);
  EXPECT_EQ(config->accounts, defaults.accounts);
  EXPECT_EQ(config->admin_accounts, defaults.admin_accounts);
  EXPECT_EQ(config->master_key, defaults.master_key);
  EXPECT_EQ(config->state_dir, defaults.state_dir);
  EXPECT_EQ(config->socket, defaults.socket);
  EXPECT_EQ(config->log_level, defaults.log_level);
  EXPECT_EQ(config->keep_event_days, defaults.keep_event_days);
  EXPECT_EQ(config->keep_events, defaults.keep_events);
  EXPECT_EQ(config->console.ttys, defaults.console.ttys);
  EXPECT_EQ(config->console.services, defaults.console.services);
  EXPECT_FALSE(config->console.allow_root);
}

// What the service reads and what the PAM module reads.
void ExpectAgreement(const std::string& path, const std::string& text) {
  const auto config = Load(path);
  if (!config) return;
  const ConsoleConfig module = LoadConsoleConfig(path);
  EXPECT_EQ(config->console.ttys, module.ttys) << text;
  EXPECT_EQ(config->console.services, module.services) << text;
  EXPECT_EQ(config->console.allow_root, module.allow_root) << text;
}

TEST(LoadConfig, ReadsTheTableOfFilesAsTheModuleDoes) {
  const TempFolder folder;
  for (const ConfigFileCase& file : ConfigFileCases()) {
    const std::string path = folder.Write("c", file.text);
    const auto config = Load(path);
    ASSERT_EQ(config.ok(), file.console.has_value()) << file.text << ErrorOf(config);
    if (config) {
      EXPECT_EQ(config->console.ttys, file.console->ttys) << file.text;
    }
    ExpectAgreement(path, file.text);
  }
}

TEST(LoadConfig, AgreesWithTheModuleOnFilesOfRandomPieces) {
  const TempFolder folder;
  const std::string pieces[] = {"console.",   "ttys",     "services",
                                "allow",      "=",        " = ",
                                "\n",         "\n",       "\n",
                                "#",          "[",        "]",
                                " ",          "\t",       "\r\n",
                                "root",       "console",  "tty1",
                                ",",          ".",        "[console]\n",
                                "allow=root", "ttys=a\n", "\v",
                                "\f",         "\xff",     "accounts=any\n"};
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 1'500; ++i) {
    std::string text;
    for (std::size_t left = random() % 12; left > 0; --left) {
      text += pieces[random() % std::size(pieces)];
    }
    const std::string path = folder.Write("c", text);
    ExpectAgreement(path, text);
    accepted += Load(path).ok() ? 1 : 0;
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace sparekey
