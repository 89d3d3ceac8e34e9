// SPDX-License-Identifier: Apache-2.0
// Is there a way in when SSH is shut? Over recorded processes, inittabs and shadow files.
#include "cli/way_out.h"

#include "tests/cli/recorded_system.h"

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WayOut : public testing::RecordedSystem {
 protected:
  WayOut() {
    terminals_ = {{"agetty", "tty1"}, {"Xorg", "tty7"}};
    Write("/etc/passwd",
          "root:x:0:0:root:/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\n"
          "bob:x:1001:27::/home/bob:/bin/bash\n");
    Write("/etc/shadow",
          "root:*:19000:0:99999:7:::\nada:$y$j9T$s$h:19000:0:99999:7:::\nbob:!::::::\n");
    Write("/etc/group", "sudo:x:27:ada\n");
    Write("/usr/bin/sudo", "");
  }
  Findings Check() { return CheckWayOut(system_, facts); }
  WayOutFacts facts{{}, {"sudo", "wheel"}};
};

TEST_F(WayOut, IsThereWithAGettyAndAnAdministratorsPassword) {
  const auto findings = Check();
  EXPECT_THAT(Ids(findings), ElementsAre("way_out.console", "way_out.administrator"));
  EXPECT_EQ(CountOf(findings, Severity::kOk), 2u);
  EXPECT_THAT(findings[0].found, HasSubstr("tty1"));
  EXPECT_THAT(findings[1].found, HasSubstr("ada"));
}

TEST_F(WayOut, IsNotThereWithoutAGetty) {
  for (const auto& processes : std::vector<std::vector<TerminalProcess>>{{},
                                                                         {{"Xorg", "tty7"}},
                                                                         {{"bash", "tty1"}},
                                                                         {{"agetty", "console"}},
                                                                         {{"agetty", "tty0"}}}) {
    terminals_ = processes;
    const auto findings = Check();
    EXPECT_EQ(findings[0].id, "way_out.no_console");
    EXPECT_EQ(findings[0].severity, Severity::kProblem);
    EXPECT_THAT(findings[0].found, HasSubstr("SSH is the only door"));
  }
}

TEST_F(WayOut, IsThereWhereSomebodyIsLoggedInAtTheConsole) {
  terminals_ = {{"login", "ttyS0"}, {"bash", "ttyS0"}};
  EXPECT_EQ(Check()[0].id, "way_out.console");
}

TEST_F(WayOut, FollowsConsoleTtys) {
  facts.console.ttys = {"ttyUSB*"};
  EXPECT_EQ(Check()[0].id, "way_out.no_console");
  terminals_.push_back({"agetty", "ttyUSB0"});
  EXPECT_EQ(Check()[0].id, "way_out.console");
}

TEST_F(WayOut, AsksSystemdWhereNoProcessIsSeen) {
  terminals_.clear();
  const CommandResult units{
      0,
      "getty@tty1.service          loaded active running Getty on tty1\n"
      "serial-getty@ttyS0.service  loaded active running Serial Getty on ttyS0\n",
      ""};
  answers_ = {{"list-units", units}};
  EXPECT_EQ(Check()[0].id, "way_out.no_console");  // systemd does not run
  Write("/run/systemd/system/x", "");
  EXPECT_THAT(Check()[0].found, HasSubstr("tty1, ttyS0"));
}

TEST_F(WayOut, PassesOverLinesOfOddBlanks) {
  terminals_.clear();
  Write("/run/systemd/system/x", "");
  Write("/etc/inittab", "\f\n:::\v\n::respawn:\f\n");
  answers_ = {{"list-units", {0, "\f\n\v \n\r\f", ""}}};
  EXPECT_EQ(Check()[0].id, "way_out.no_console");
}

TEST_F(WayOut, ReadsInittabs) {
  terminals_.clear();
  for (const char* line :
       {"1:2345:respawn:/sbin/getty 38400 tty1\n", "tty1::askfirst:/sbin/getty 38400\n",
        "T0:23:respawn:/sbin/agetty -L ttyS0 9600 vt100\n"}) {
    Write("/etc/inittab", line);
    EXPECT_EQ(Check()[0].id, "way_out.console") << line;
  }
  for (const char* line :
       {"#1:2345:respawn:/sbin/getty 38400 tty1\n", "1:2345:off:/sbin/getty tty1\n",
        "1:2345:respawn:/usr/bin/top tty1\n", "1:2345:respawn:\n"}) {
    Write("/etc/inittab", line);
    EXPECT_EQ(Check()[0].id, "way_out.no_console") << line;
  }
}

TEST_F(WayOut, NeedsAnAdministratorsPassword) {
  Write("/etc/shadow", "root:!$6$a$b:1::::::\nada:!:1::::::\nbob:$6$a$b:1::::::\n");
  auto findings = Check();  // bob's own group is sudo
  EXPECT_THAT(findings[1].found, HasSubstr("bob"));
  std::filesystem::remove(folder_.path() + "/usr/bin/sudo");
  findings = Check();
  EXPECT_EQ(findings[1].id, "way_out.no_administrator");
  EXPECT_EQ(findings[1].severity, Severity::kProblem);
  EXPECT_THAT(findings[1].advice, HasSubstr("nobody else"));
  Write("/etc/shadow", "root:$6$a$b:1::::::\n");
  EXPECT_THAT(Check()[1].found, HasSubstr("root"));
}

TEST_F(WayOut, TakesNobodyWithoutAShell) {
  Write("/etc/passwd", "root:x:0:0::/root:/usr/sbin/nologin\nada:x:1:27::/:/bin/false\n");
  Write("/etc/shadow", "root:$6$a$b:1::::::\nada:$6$a$b:1::::::\n");
  EXPECT_EQ(Check()[1].id, "way_out.no_administrator");
}

TEST_F(WayOut, SaysWhatItMayNotSee) {
  std::filesystem::remove(folder_.path() + "/etc/shadow");
  EXPECT_EQ(Check()[1].id, "way_out.not_checked");
}

TEST_F(WayOut, SendsWhoIsNotRootToRootForWhatIsHiddenAlone) {
  EXPECT_TRUE(FindAgainstWayOut(system_, facts).empty());
  std::filesystem::remove(folder_.path() + "/etc/shadow");
  auto against = FindAgainstWayOut(system_, facts);
  EXPECT_THAT(Ids(against), ElementsAre("way_out.not_checked"));
  EXPECT_EQ(against[0].advice, "Ask root to run: sparekey doctor");
  terminals_.clear();
  against = FindAgainstWayOut(system_, facts);
  EXPECT_THAT(Ids(against), ElementsAre("way_out.no_console", "way_out.not_checked"));
  EXPECT_THAT(against[0].advice, HasSubstr("systemctl"));
}

TEST_F(WayOut, TellsThatAnyRootShellMayReset) {
  facts.console.allow_root = true;
  EXPECT_THAT(Ids(Check()),
              ElementsAre("way_out.console", "way_out.administrator", "way_out.allow_root"));
  terminals_.clear();
  const auto findings = Check();
  EXPECT_THAT(Ids(findings), ElementsAre("way_out.no_console", "way_out.administrator"));
  EXPECT_EQ(findings[0].severity, Severity::kWarning);
}

}  // namespace
}  // namespace sparekey
