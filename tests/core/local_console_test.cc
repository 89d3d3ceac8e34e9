// SPDX-License-Identifier: Apache-2.0
#include "core/local_console.h"

#include <gtest/gtest.h>

#include "tests/core/recorded_proc.h"

namespace sparekey {
namespace {

constexpr pid_t kCaller = RecordedProc::kCaller;

struct Case {
  const char* name;
  std::vector<Runs> chain;
  std::string terminal;  // "": not local
};

class Localities : public testing::TestWithParam<Case> {};

TEST_P(Localities, AreFoundFromTheProcessAndItsParents) {
  const RecordedProc proc(GetParam().chain);
  const Locality locality = FindLocality(proc, {}, kCaller);
  EXPECT_EQ(locality.local, !GetParam().terminal.empty()) << locality.reason;
  EXPECT_EQ(locality.terminal, GetParam().terminal);
  EXPECT_EQ(locality.reason.empty(), locality.local);
}

std::string NameOf(const testing::TestParamInfo<Case>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Yes, Localities,
    testing::Values(
        Case{"LoginOnVirtualTerminal", {{"login", kTty1}, {"systemd", kNone}}, "tty1"},
        Case{"ShellOnVirtualTerminal",
             {{"sparekey", kTty1}, {"bash", kTty1}, {"login", kTty1}, {"systemd", kNone}},
             "tty1"},
        Case{"SerialLine", {{"bash", kTtyS0}, {"login", kTtyS0}, {"systemd", kNone}}, "ttyS0"},
        Case{"HypervisorScreen", {{"login", kHvc0}, {"systemd", kNone}}, "hvc0"},
        Case{"SudoOnItsOwnTerminal",
             {{"sparekey", Pts(0)},
              {"sudo", Pts(0)},
              {"sudo", kTty1},
              {"bash", kTty1},
              {"login", kTty1},
              {"systemd", kNone}},
             "tty1"},
        Case{"SudoWithoutItsOwnTerminal",
             {{"sparekey", kTty1}, {"sudo", kTty1}, {"bash", kTty1}, {"systemd", kNone}},
             "tty1"},
        Case{"SuWithItsOwnTerminal",
             {{"bash", Pts(3)}, {"su", kTty1}, {"bash", kTty1}, {"systemd", kNone}},
             "tty1"},
        Case{"Runuser",
             {{"bash", Pts(3)}, {"/usr/sbin/runuser", kTty1}, {"bash", kTty1}, {"systemd", kNone}},
             "tty1"},
        Case{"Script",
             {{"bash", Pts(300)}, {"script", kTty1}, {"bash", kTty1}, {"systemd", kNone}},
             "tty1"},
        Case{"ScriptInSudo",
             {{"bash", Pts(2)},
              {"script", Pts(1)},
              {"bash", Pts(1)},
              {"sudo", Pts(1)},
              {"sudo", kTty1},
              {"bash", kTty1},
              {"systemd", kNone}},
             "tty1"},
        Case{"SudoThatWasUpgradedMeanwhile",
             {{"bash", Pts(1)},
              {"/usr/bin/sudo (deleted)", kTty1},
              {"bash", kTty1},
              {"systemd", kNone}},
             "tty1"},
        Case{"ScreenThatWasOpenedFromADesktopTerminal",
             {{"bash", kTty1}, {"openvt", Pts(1)}, {"bash", Pts(1)}, {"systemd", kNone}},
             "tty1"},
        Case{"NoInitAboveTheShell", {{"bash", kTty1}}, "tty1"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    No, Localities,
    testing::Values(
        Case{"Ssh", {{"bash", Pts(0)}, {"sshd", kNone}, {"sshd", kNone}, {"systemd", kNone}}, ""},
        Case{"SshdItself", {{"/usr/sbin/sshd", kNone}, {"systemd", kNone}}, ""},
        Case{"SshdOnVirtualTerminal",
             {{"/usr/sbin/sshd", kTty1}, {"bash", kTty1}, {"systemd", kNone}},
             ""},
        Case{"SshdThatWasUpgradedMeanwhile",
             {{"bash", kTty1}, {"/usr/sbin/sshd (deleted)", kTty1}, {"systemd", kNone}},
             ""},
        Case{"SshdSession",
             {{"bash", kTty1}, {"/usr/lib/openssh/sshd-session", kNone}, {"systemd", kNone}},
             ""},
        Case{"SshdAuth",
             {{"bash", kTty1}, {"/usr/lib/openssh/sshd-auth", kNone}, {"systemd", kNone}},
             ""},
        Case{"Dropbear", {{"bash", kTty1}, {"dropbear", kNone}, {"systemd", kNone}}, ""},
        Case{"WebGateway", {{"bash", kTty1}, {"sparekey-web", kNone}, {"systemd", kNone}}, ""},
        Case{"SudoOverSsh",
             {{"sparekey", Pts(1)},
              {"sudo", Pts(1)},
              {"sudo", Pts(0)},
              {"bash", Pts(0)},
              {"sshd", kNone},
              {"systemd", kNone}},
             ""},
        Case{"ScreenThatWasOpenedOverSsh",
             {{"bash", kTty1},
              {"openvt", Pts(0)},
              {"bash", Pts(0)},
              {"sshd", kNone},
              {"systemd", kNone}},
             ""},
        Case{"Tmux", {{"bash", Pts(1)}, {"tmux", kNone}, {"systemd", kNone}}, ""},
        Case{"ScreenInTheForeground",
             {{"bash", Pts(1)}, {"screen", kTty1}, {"bash", kTty1}, {"systemd", kNone}},
             ""},
        Case{"TerminalServerOnVirtualTerminal",
             {{"bash", Pts(1)}, {"ttyd", kTty1}, {"bash", kTty1}, {"systemd", kNone}},
             ""},
        Case{"TerminalServerBelowSudo",
             {{"bash", Pts(2)},
              {"ttyd", Pts(1)},
              {"sudo", Pts(1)},
              {"sudo", kTty1},
              {"bash", kTty1},
              {"systemd", kNone}},
             ""},
        Case{"SudoInADesktopTerminal",
             {{"sudo", Pts(1)},
              {"sudo", Pts(0)},
              {"bash", Pts(0)},
              {"xterm", kTty1},
              {"startx", kTty1},
              {"systemd", kNone}},
             ""},
        Case{"DesktopTerminal",
             {{"bash", Pts(0)}, {"gnome-terminal", kNone}, {"systemd", kNone}},
             ""},
        Case{"SomebodysOwnSudo",
             {{"bash", Pts(1)},
              {"/home/eve/sudo", kTty1, false},
              {"bash", kTty1},
              {"systemd", kNone}},
             ""},
        Case{"ProgramWithALikeName",
             {{"bash", Pts(1)}, {"sudoedit-server", kTty1}, {"bash", kTty1}, {"systemd", kNone}},
             ""},
        Case{"Cron", {{"sh", kNone}, {"cron", kNone}, {"systemd", kNone}}, ""},
        Case{"SystemdRun", {{"sparekey", kNone}, {"systemd", kNone}}, ""},
        Case{"SystemdRunWithPty", {{"bash", Pts(0)}, {"systemd", kNone}}, ""},
        Case{"Machinectl",
             {{"bash", Pts(0)}, {"systemd", kNone}, {"systemd-nspawn", kNone}, {"systemd", kNone}},
             ""},
        Case{"DockerExec", {{"bash", Pts(0)}}, ""},
        Case{"WebShell", {{"bash", Pts(0)}, {"php-fpm", kNone}, {"systemd", kNone}}, ""},
        Case{"TerminalWithoutANode", {{"bash", makedev(4, 99)}, {"systemd", kNone}}, ""},
        Case{"UsbModem", {{"login", makedev(188, 0)}, {"systemd", kNone}}, ""},
        Case{"OldPseudoTerminal", {{"bash", makedev(3, 1)}, {"systemd", kNone}}, ""}),
    NameOf);

TEST(FindLocality, RefusesARemoteSessionOfAnyParent) {
  RecordedProc proc({{"login", kTty1}, {"bash", kTty1}, {"systemd", kNone}});
  proc.remote = {kCaller - 1};
  EXPECT_FALSE(FindLocality(proc, {}, kCaller).local);
}

TEST(FindLocality, RefusesAProcessThatIsGone) {
  RecordedProc proc({{"login", kTty1}, {"bash", kTty1}, {"systemd", kNone}});
  EXPECT_FALSE(FindLocality(proc, {}, 4711).local);
  EXPECT_FALSE(FindLocality(proc, {}, 0).local);
  EXPECT_FALSE(FindLocality(proc, {}, -1).local);
  proc.processes.erase(kCaller - 1);
  EXPECT_FALSE(FindLocality(proc, {}, kCaller).local);
}

// A security module may hide PID 1's program even from root.
TEST(FindLocality, GoesByTheShortNameOfAProgramThatCannotBeRead) {
  RecordedProc proc({{"login", kTty1}, {"", kTty1, false}, {"", kNone, false}});
  EXPECT_TRUE(FindLocality(proc, {}, kCaller).local);
  for (const char* name : {"sshd", "sshd-session", "sshd-auth", "dropbear", "sparekey-web"}) {
    proc.processes[1].name = name;
    EXPECT_FALSE(FindLocality(proc, {}, kCaller).local) << name;
  }
}

TEST(FindLocality, PassesNoTerminalOnThroughAProgramThatCannotBeRead) {
  RecordedProc proc({{"bash", Pts(0)}, {"", kTty1, true}, {"systemd", kNone}});
  proc.processes[kCaller - 1].name = "sudo";
  EXPECT_FALSE(FindLocality(proc, {}, kCaller).local);
}

TEST(FindLocality, EndsOnParentsWithoutAnEnd) {
  RecordedProc proc({{"login", kTty1}, {"bash", kTty1}, {"systemd", kNone}});
  proc.processes[1].parent = kCaller;
  EXPECT_FALSE(FindLocality(proc, {}, kCaller).local);
}

TEST(FindLocality, TakesTheTerminalsThatAreConfigured) {
  const RecordedProc proc({{"login", kTty1}, {"systemd", kNone}});
  ConsoleConfig config;
  config.ttys = {"ttyS*"};
  EXPECT_FALSE(FindLocality(proc, config, kCaller).local);
  config.ttys = {"nothing", "tty1"};
  EXPECT_TRUE(FindLocality(proc, config, kCaller).local);
  config.ttys = {};
  EXPECT_FALSE(FindLocality(proc, config, kCaller).local);
}

TEST(FindLocality, NeverTakesTtyOrConsoleForATerminal) {
  // No process has 5:0 or 5:1 as its terminal; a pattern that matches their names changes nothing.
  ConsoleConfig config;
  config.ttys = {"*"};
  const RecordedProc proc({{"bash", Pts(0)}, {"xterm", kNone}, {"systemd", kNone}});
  EXPECT_FALSE(FindLocality(proc, config, kCaller).local);
}

// ---- console logins

PamFacts LoginFacts() { return {.service = "login", .rhost = "", .tty = "tty1", .caller = 0}; }

TEST(IsConsoleLogin, AcceptsLoginOnAPrivateTerminal) {
  const RecordedProc proc({{"login", kTty1}, {"systemd", kNone}});
  EXPECT_TRUE(IsConsoleLogin(proc, {}, kCaller, LoginFacts()));
}

TEST(IsConsoleLogin, NeedsAListedServiceNoRemoteHostNoSshTerminalAndRoot) {
  const RecordedProc proc({{"login", kTty1}, {"systemd", kNone}});
  PamFacts facts = LoginFacts();
  for (const char* service : {"sshd", "", "Login", "login2", "gdm-password"}) {
    facts.service = service;
    EXPECT_FALSE(IsConsoleLogin(proc, {}, kCaller, facts)) << service;
  }
  facts = LoginFacts();
  facts.rhost = "192.0.2.1";
  EXPECT_FALSE(IsConsoleLogin(proc, {}, kCaller, facts));
  facts = LoginFacts();
  facts.tty = "ssh";
  EXPECT_FALSE(IsConsoleLogin(proc, {}, kCaller, facts));
  facts = LoginFacts();
  facts.caller = 1000;
  EXPECT_FALSE(IsConsoleLogin(proc, {}, kCaller, facts));
}

TEST(IsConsoleLogin, NeedsATerminalThatNobodyElseCanOpen) {
  RecordedProc proc({{"login", kTtyS0}, {"systemd", kNone}});
  auto& node = proc.nodes[4];
  ASSERT_EQ(node.name, "ttyS0");
  for (const mode_t mode : {0660U, 0640U, 0604U, 0666U, 0644U}) {
    node.mode = mode;
    EXPECT_FALSE(IsConsoleLogin(proc, {}, kCaller, LoginFacts())) << std::oct << mode;
  }
  for (const mode_t mode : {0600U, 0620U, 0622U}) {
    node.mode = mode;
    EXPECT_TRUE(IsConsoleLogin(proc, {}, kCaller, LoginFacts())) << std::oct << mode;
  }
}

TEST(IsConsoleLogin, NeedsEveryNodeOfTheTerminalToBePrivate) {
  RecordedProc proc({{"login", kTty1}, {"systemd", kNone}});
  proc.nodes.push_back({"alias", kTty1, 0, 0666});
  EXPECT_FALSE(IsConsoleLogin(proc, {}, kCaller, LoginFacts()));
}

TEST(IsConsoleLogin, RefusesADaemonWithTheConsoleAsStandardInput) {
  RecordedProc proc({{"su", kNone}, {"daemon", kNone}, {"systemd", kNone}});
  proc.WithFiles(kConsole, kConsole);
  PamFacts facts = LoginFacts();
  facts.service = "su";
  EXPECT_FALSE(IsConsoleLogin(proc, {}, kCaller, facts));
}

TEST(IsConsoleLogin, IsNeverMadeByAllowRoot) {
  ConsoleConfig config;
  config.allow_root = true;
  const RecordedProc proc({{"su", Pts(0)}, {"bash", Pts(0)}, {"sshd", kNone}, {"systemd", kNone}});
  PamFacts facts = LoginFacts();
  facts.service = "su";
  EXPECT_FALSE(IsConsoleLogin(proc, config, kCaller, facts));
}

// ---- resets

RecordedProc ShellOnTty1() {
  RecordedProc proc({{"sparekey", kTty1}, {"bash", kTty1}, {"login", kTty1}, {"systemd", kNone}});
  return proc.WithFiles(kTty1, kTty1);
}

TEST(MayReset, AllowsRootOnAConsoleTerminal) {
  const auto permission = MayReset(ShellOnTty1(), {}, kCaller, 0);
  EXPECT_TRUE(permission.allowed) << permission.reason;
  EXPECT_TRUE(permission.reason.empty());
}

TEST(MayReset, AllowsRootOnAnOpenSerialLine) {
  RecordedProc proc({{"sparekey", kTtyS0}, {"bash", kTtyS0}, {"systemd", kNone}});
  EXPECT_TRUE(MayReset(proc.WithFiles(kTtyS0, kTtyS0), {}, kCaller, 0).allowed);
}

TEST(MayReset, AllowsSudosOwnTerminal) {
  RecordedProc proc({{"sparekey", Pts(0)}, {"sudo", Pts(0)}, {"sudo", kTty1}, {"systemd", kNone}});
  EXPECT_TRUE(MayReset(proc.WithFiles(Pts(0), Pts(0)), {}, kCaller, 0).allowed);
}

TEST(MayReset, AllowsOtherNamesOfTheTerminalAsStandardFiles) {
  auto proc = ShellOnTty1();
  EXPECT_TRUE(MayReset(proc.WithFiles(kConsole, makedev(5, 0)), {}, kCaller, 0).allowed);
}

TEST(MayReset, RefusesWhoeverIsNotRoot) {
  EXPECT_FALSE(MayReset(ShellOnTty1(), {}, kCaller, 1000).allowed);
  ConsoleConfig config;
  config.allow_root = true;
  EXPECT_FALSE(MayReset(ShellOnTty1(), config, kCaller, 1000).allowed);
}

TEST(MayReset, RefusesRootOfAContainer) {
  auto proc = ShellOnTty1();
  proc.foreign = {kCaller};
  EXPECT_FALSE(MayReset(proc, {}, kCaller, 0).allowed);
  ConsoleConfig config;
  config.allow_root = true;
  EXPECT_FALSE(MayReset(proc, config, kCaller, 0).allowed);
}

TEST(MayReset, RefusesStandardFilesThatAreNotTheTerminal) {
  auto proc = ShellOnTty1();
  EXPECT_FALSE(MayReset(proc.WithFiles(kTtyS0, kTty1), {}, kCaller, 0).allowed);
  EXPECT_FALSE(MayReset(proc.WithFiles(kTty1, makedev(1, 3)), {}, kCaller, 0).allowed);
  proc.devices.erase({kCaller, 0});  // a pipe
  EXPECT_FALSE(MayReset(proc, {}, kCaller, 0).allowed);
}

TEST(MayReset, RefusesWhatIsNotLocalAndSaysWhy) {
  RecordedProc proc({{"sparekey", Pts(0)}, {"bash", Pts(0)}, {"sshd", kNone}, {"systemd", kNone}});
  const auto permission = MayReset(proc.WithFiles(Pts(0), Pts(0)), {}, kCaller, 0);
  EXPECT_FALSE(permission.allowed);
  EXPECT_EQ(permission.reason, "the process runs below sshd");
}

TEST(MayReset, AllowsAnyRootShellWhereTheConfigurationSaysSo) {
  ConsoleConfig config;
  config.allow_root = true;
  const RecordedProc proc({{"sparekey", Pts(0)}, {"bash", Pts(0)}, {"sshd", kNone}});
  EXPECT_TRUE(MayReset(proc, config, kCaller, 0).allowed);
}

RecordedProc RescueShell(dev_t input_of_init) {
  RecordedProc proc({{"sparekey", kNone}, {"sh", kNone}, {"sh", kNone}});
  proc.WithFiles(kConsole, kConsole);
  proc.devices[{kCaller - 1, 0}] = kConsole;
  proc.devices[{1, 0}] = input_of_init;
  return proc;
}

TEST(MayReset, AllowsARescueShellWithoutATerminal) {
  EXPECT_TRUE(MayReset(RescueShell(kConsole), {}, kCaller, 0).allowed);
  EXPECT_TRUE(MayReset(RescueShell(kTtyS0), {}, kCaller, 0).allowed);
}

TEST(MayReset, RefusesADaemonThatWasGivenTheConsole) {
  EXPECT_FALSE(MayReset(RescueShell(makedev(1, 3)), {}, kCaller, 0).allowed);
}

TEST(MayReset, RefusesARescueShellsRemoteAndRedirectedChildren) {
  auto remote = RescueShell(kConsole);
  remote.processes[kCaller - 1].executable = "/usr/sbin/dropbear";
  EXPECT_FALSE(MayReset(remote, {}, kCaller, 0).allowed);
  auto redirected = RescueShell(kConsole);
  redirected.devices.erase({kCaller, 1});
  EXPECT_FALSE(MayReset(redirected, {}, kCaller, 0).allowed);
  auto with_terminal = RescueShell(kConsole);
  with_terminal.processes[kCaller].terminal = Pts(0);
  EXPECT_FALSE(MayReset(with_terminal, {}, kCaller, 0).allowed);
}

TEST(MayReset, RefusesARescueShellOutsideThePidNamespace) {
  RecordedProc proc({{"sparekey", kNone}});
  EXPECT_FALSE(MayReset(proc.WithFiles(kConsole, kConsole), {}, kCaller, 0).allowed);
}

TEST(IsSshServer, KnowsTheProgramsByTheirFilesName) {
  for (const char* path :
       {"/usr/sbin/sshd", "/usr/lib/openssh/sshd-session", "/usr/libexec/sshd-auth",
        "/usr/sbin/dropbear", "/usr/sbin/sshd (deleted)", "sshd"}) {
    EXPECT_TRUE(IsSshServer(path)) << path;
  }
  for (const char* path : {"", "/", "/usr/bin/ssh", "/opt/sshd/bin/login", "/bin/sshd2"}) {
    EXPECT_FALSE(IsSshServer(path)) << path;
  }
}

}  // namespace
}  // namespace sparekey
