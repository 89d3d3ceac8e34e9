// SPDX-License-Identifier: Apache-2.0
// The processes are those of real servers: OpenSSH 9.2 (Debian 12) and 10.0 (Debian 13), with one
// client of each kind: command, -N, terminal, sftp, ControlMaster, one at its prompt.
#include "lockout/ssh_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uid_t kBob = 58102, kSshdsUser = 999;

// Starts in the order of its number.
SshProcess Runs(const char* program, pid_t pid, pid_t parent, uid_t uid, const char* title) {
  return {{pid, 1000 + static_cast<std::uint64_t>(pid)}, parent, uid, program, true, true, title};
}
SshProcess Sshd(pid_t pid, pid_t parent, uid_t uid, const char* title) {
  return Runs("/usr/sbin/sshd", pid, parent, uid, title);
}
SshProcess Sshd10(pid_t pid, pid_t parent, uid_t uid, const char* title) {
  return Runs("/usr/lib/openssh/sshd-session", pid, parent, uid, title);
}
SshProcess Auth10(pid_t pid, pid_t parent, const char* title) {
  return Runs("/usr/lib/openssh/sshd-auth", pid, parent, 997, title);
}
ProcessId Id(pid_t pid) { return {pid, 1000 + static_cast<std::uint64_t>(pid)}; }

const SshProcess kListener = Sshd(46, 2, 0, "sshd: /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config");
const SshProcess kListener10 =
    Sshd(43, 21, 0, "sshd: /usr/sbin/sshd -D [listener] 2 of 10-100 startups");

std::vector<std::string> Describe(const std::vector<SshSession>& sessions) {
  std::vector<std::string> lines;
  for (const SshSession& session : sessions) {
    std::string line = std::to_string(session.monitor.pid) + ":";
    for (const ProcessId& child : session.children) line += " " + std::to_string(child.pid);
    line += session.uid ? " uid " + std::to_string(*session.uid) : " of nobody known";
    if (!session.account.empty()) line += " " + session.account;
    lines.push_back(line + (session.established ? "" : " undecided"));
  }
  return lines;
}

std::vector<std::string> Find(const std::vector<SshProcess>& processes,
                              const std::vector<KnownSession>& known = {},
                              const std::vector<LogindSession>& logind = {}) {
  return Describe(FindSshSessions(processes, known, logind));
}

TEST(SshSessions, OfAUserIn92AreTheMonitorAndItsChild) {
  EXPECT_THAT(
      Find({kListener, Sshd(56, 46, 0, "sshd: bob [priv]"), Sshd(57, 46, 0, "sshd: bob [priv]"),
            Sshd(60, 46, 0, "sshd: bob [priv]"), Sshd(66, 57, kBob, "sshd: bob@pts/0"),
            Sshd(67, 56, kBob, "sshd: bob@notty"), Sshd(71, 60, kBob, "sshd: bob")}),
      ElementsAre("56: 67 uid 58102 bob", "57: 66 uid 58102 bob", "60: 71 uid 58102 bob"));
}

TEST(SshSessions, OfRootIn92AreOneProcess) {
  EXPECT_THAT(Find({kListener, Sshd(75, 46, 0, "sshd: root@notty"), Sshd(76, 46, 0, "sshd: root"),
                    Sshd(82, 46, 0, "sshd: root@pts/0")}),
              ElementsAre("75: uid 0", "76: uid 0", "82: uid 0"));
}

TEST(SshSessions, BehindAControlMasterAreOne) {
  EXPECT_THAT(Find({kListener, Sshd(90, 46, 0, "sshd: bob [priv]"),
                    Sshd(92, 90, kBob, "sshd: bob@pts/0,pts/1")}),
              ElementsAre("90: 92 uid 58102 bob"));
}

TEST(SshSessions, BeforeALoginAreNone) {
  EXPECT_THAT(
      Find({kListener, Sshd(48, 46, 0, "sshd: [accepted]"), Sshd(50, 46, 0, "sshd: bob [priv]"),
            Sshd(51, 50, kSshdsUser, "sshd: bob [net]"), Sshd(52, 50, 0, "sshd: bob [pam]")}),
      IsEmpty());
}

TEST(SshSessions, BeforeALoginIn10AreNone) {
  EXPECT_THAT(Find({kListener10, Sshd10(46, 43, 0, "sshd-session: [accepted]"),
                    Sshd10(101, 43, 0, "sshd-session: bob [priv]"),
                    Auth10(102, 101, "sshd-auth: bob [net]")}),
              IsEmpty());
  // Whatever it calls itself.
  EXPECT_THAT(Find({kListener10, Sshd10(101, 43, 0, "sshd-session: bob [priv]"),
                    Auth10(102, 101, "sshd-session: bob@pts/0")}),
              IsEmpty());
}

TEST(SshSessions, OfAUserIn10AreTheMonitorAndItsChild) {
  EXPECT_THAT(Find({kListener10, Sshd10(160, 43, 0, "sshd-session: bob [priv]"),
                    Sshd10(162, 43, 0, "sshd-session: bob [priv]"),
                    Sshd10(179, 162, kBob, "sshd-session: bob"),
                    Sshd10(181, 160, kBob, "sshd-session: bob@notty")}),
              ElementsAre("160: 181 uid 58102 bob", "162: 179 uid 58102 bob"));
}

TEST(SshSessions, OfRootIn10AreTheMonitorAndItsChild) {
  EXPECT_THAT(Find({kListener10, Sshd10(292, 43, 0, "sshd-session: root [priv]"),
                    Sshd10(294, 43, 0, "sshd-session: root [priv]"),
                    Sshd10(309, 294, 0, "sshd-session: root@pts/0"),
                    Sshd10(310, 292, 0, "sshd-session: root")}),
              ElementsAre("292: 310 uid 0 root", "294: 309 uid 0 root"));
}

TEST(SshSessions, OfRootOutliveTheirListener) {
  EXPECT_THAT(Find({Sshd(75, 1, 0, "sshd: root@notty")}), ElementsAre("75: uid 0"));
}

TEST(SshSessions, OfRootAreNoPartOfWhatAUserRuns) {
  for (const char* title : {"sshd: bob@pts/0", "sshd: root [priv]"}) {
    EXPECT_THAT(Find({Sshd(70, 1, kBob, title), Sshd(71, 70, 0, "sshd: root@notty")}),
                ElementsAre("71: uid 0"))
        << title;
  }
}

TEST(SshSessions, WhatRootsSessionForksBelongsToIt) {
  EXPECT_THAT(Find({kListener, Sshd(75, 46, 0, "sshd: root@notty"),
                    Sshd(80, 75, 0, "sshd: root@internal-sftp")}),
              ElementsAre("75: uid 0"));
  EXPECT_THAT(Find({kListener10, Sshd10(294, 43, 0, "sshd-session: root [priv]"),
                    Sshd10(309, 294, 0, "sshd-session: root@notty"),
                    Sshd10(311, 309, 0, "sshd-session: root@internal-sftp")}),
              ElementsAre("294: 309 uid 0 root"));
}

TEST(SshSessions, OutliveTheirListener) {
  EXPECT_THAT(Find({Sshd(56, 1, 0, "sshd: bob [priv]"), Sshd(67, 56, kBob, "sshd: bob@notty")}),
              ElementsAre("56: 67 uid 58102 bob"));
  SshProcess upgraded = Sshd(56, 1, 0, "sshd: bob [priv]");
  upgraded.executable += " (deleted)";
  EXPECT_THAT(Find({upgraded, Sshd(67, 56, kBob, "sshd: bob@notty")}),
              ElementsAre("56: 67 uid 58102 bob"));
}

TEST(SshSessions, WithAUsersChildJustForkedAreThatUsers) {
  EXPECT_THAT(Find({kListener, Sshd(56, 46, 0, "sshd: bob [priv]"),
                    Sshd(67, 56, kBob, "sshd: bob [priv]")}),
              ElementsAre("56: 67 uid 58102 bob"));
}

TEST(SshSessions, AreUndecidedWhereAMonitorHasNoChildYet) {
  EXPECT_THAT(Find({kListener, Sshd(56, 46, 0, "sshd: bob [priv]")}),
              ElementsAre("56: of nobody known bob undecided"));
}

TEST(SshSessions, AreNoProgramsOfUsersThatAreCalledSshd) {
  SshProcess mine = Runs("/home/bob/sshd", 70, 69, kBob, "sshd: bob@pts/0");
  mine.executable_is_roots = false;
  SshProcess monitor = Runs("/home/bob/sshd", 69, 1, 0, "sshd: bob [priv]");
  monitor.executable_is_roots = false;
  EXPECT_THAT(Find({mine, monitor, Runs("/usr/bin/ssh", 71, 1, 0, "sshd: bob [priv]"),
                    Runs("/usr/sbin/sshd-like", 72, 71, kBob, "sshd: bob@notty")}),
              IsEmpty());
  // Root's sshd, started by a user for himself.
  EXPECT_THAT(Find({Sshd(80, 1, kBob, "sshd: /usr/sbin/sshd -f mine [listener] 0 of 10-100"),
                    Sshd(81, 80, kBob, "sshd: bob [priv]"), Sshd(82, 81, kBob, "sshd: bob@pts/3")}),
              IsEmpty());
}

TEST(SshSessions, OfAContainerAreNone) {
  SshProcess monitor = Sshd(56, 46, 0, "sshd: bob [priv]");
  SshProcess child = Sshd(67, 56, kBob, "sshd: bob@notty");
  monitor.in_own_namespaces = child.in_own_namespaces = false;
  EXPECT_THAT(Find({monitor, child}), IsEmpty());
}

TEST(SshSessions, AreNeverAListener) {
  for (const char* title :
       {"sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "/usr/sbin/sshd", "sshd", "",
        "sshd: ", "sshd: /usr/sbin/sshd -D -o x=[priv]", "/usr/sbin/sshd: bob [priv]",
        "sshd: bob [listener] 1 of", "a b: bob@pts/0"}) {
    EXPECT_THAT(Find({Sshd(46, 1, 0, title), Sshd(47, 46, kBob, "sshd: bob@notty")}), IsEmpty())
        << title;
    EXPECT_THAT(Find({Sshd(46, 1, 0, title)}, {{Id(46), "bob"}}, {{46, kBob}}), IsEmpty()) << title;
  }
}

TEST(SshSessions, HaveALinksNameAndNamesWithMarks) {
  EXPECT_EQ(FindRole("sshd-two: bob [priv]"), SshRole::kMonitor);
  EXPECT_EQ(FindRole("sshd: bob@corp.example@pts/0"), SshRole::kSession);
  EXPECT_EQ(FindRole("sshd: [priv]@notty"), SshRole::kOther);
  EXPECT_EQ(FindRole("sshd: bob[net]"), SshRole::kPreAuth);
}

TEST(SshSessions, OfANameWithASpaceAreFoundBelowTheirMonitor) {
  const SshProcess monitor = Sshd(56, 46, 0, "sshd: john doe [priv]");
  for (const char* title : {"sshd: john doe@pts/0", "sshd: john doe"}) {
    EXPECT_THAT(Find({monitor, Sshd(57, 56, kBob, title)}),
                ElementsAre("56: 57 uid 58102 john doe"));
  }
  EXPECT_THAT(Find({monitor, Sshd(57, 56, kBob, "sshd: john smith@pts/0")}),
              ElementsAre("56: of nobody known john doe undecided"));
}

TEST(SshSessions, AreNotNamedAfterWhatNamesNobody) {
  const SshProcess root = Sshd(75, 46, 0, "sshd: root@notty");
  for (const char* title : {"sshd", "sshd: roo@[net", "sshd: @pts 0"}) {
    EXPECT_THAT(Find({root, Sshd(80, 75, kBob, title)}), ElementsAre("75: uid 0")) << title;
  }
  EXPECT_THAT(Find({Sshd(56, 46, 0, "sshd:  [priv]"), Sshd(57, 56, kBob, "sshd")}),
              ElementsAre("56: of nobody known undecided"));
}

TEST(SshSessions, OfAUserAreNotNamedAfterALongerName) {
  EXPECT_THAT(
      Find({Sshd(56, 46, 0, "sshd: john doe [priv]"), Sshd(57, 56, kBob, "sshd: john does@pts/0")}),
      ElementsAre("56: of nobody known john doe undecided"));
}

TEST(SshSessions, AreNotFoundBelowAParentThatCameLater) {
  SshProcess reused = Sshd(56, 46, 0, "sshd: ada [priv]");
  reused.id.start_time = 9999;
  EXPECT_THAT(Find({reused, Sshd(67, 56, kBob, "sshd: bob@notty"),
                    Sshd(68, 56, kSshdsUser, "sshd: ada [net]")}),
              IsEmpty());
}

TEST(SshSessions, AreCompletedByWhatPamSaid) {
  const SshProcess monitor = Sshd(56, 46, 0, "sshd: bob2 [priv]");
  EXPECT_THAT(Find({kListener, monitor}, {{Id(56), "bob"}}),
              ElementsAre("56: of nobody known bob"));
  EXPECT_THAT(Find({kListener, monitor, Sshd(67, 56, kBob, "sshd: bob2@notty")}, {{Id(56), "bob"}}),
              ElementsAre("56: 67 uid 58102 bob"));
  EXPECT_THAT(Find({kListener}, {{Id(900), "ada"}}), ElementsAre("900: of nobody known ada"));
  // The number is another process's now.
  EXPECT_THAT(Find({kListener, monitor}, {{{56, 7}, "ada"}}),
              ElementsAre("56: of nobody known bob2 undecided"));
}

TEST(SshSessions, AreCompletedByWhatPamSaidOfThatSessionAlone) {
  const std::vector<SshProcess> two{
      kListener, Sshd(56, 46, 0, "sshd: bob [priv]"), Sshd(57, 46, 0, "sshd: bob [priv]"),
      Sshd(67, 56, kBob, "sshd: bob@notty"), Sshd(68, 57, kBob, "sshd: bob@pts/0")};
  // PAM's session may have been opened by the user's child.
  for (const pid_t teller : {57, 68}) {
    EXPECT_THAT(Find(two, {{Id(teller), "bob2"}}),
                ElementsAre("56: 67 uid 58102 bob", "57: 68 uid 58102 bob2"));
  }
}

TEST(SshSessions, AreToldApartByTheStartOfTheirProcess) {
  EXPECT_THAT(Find({}, {{{900, 7}, "ada"}, {{900, 5}, "bob"}, {{900, 9}, "eve"}}),
              ElementsAre("900: of nobody known bob", "900: of nobody known ada",
                          "900: of nobody known eve"));
}

TEST(SshSessions, AreCompletedByLogindOnlyWhereTheKernelSaysNothing) {
  const SshProcess monitor = Sshd(56, 46, 0, "sshd: bob [priv]");
  EXPECT_THAT(Find({kListener, monitor}, {}, {{56, kBob}}), ElementsAre("56: uid 58102 bob"));
  EXPECT_THAT(Find({kListener, monitor, Sshd(67, 56, kBob, "sshd: bob@notty")}, {}, {{56, 7}}),
              ElementsAre("56: 67 uid 58102 bob"));
  EXPECT_THAT(
      Find({kListener, monitor, Sshd(51, 56, kSshdsUser, "sshd: bob [net]")}, {}, {{56, kBob}}),
      IsEmpty());
  EXPECT_THAT(Find({kListener}, {}, {{46, 0}, {900, 0}}), IsEmpty());
  EXPECT_THAT(Find({kListener, monitor, Sshd(57, 46, 0, "sshd: ada [priv]")}, {}, {{57, 7}}),
              ElementsAre("56: of nobody known bob undecided", "57: uid 7 ada"));
}

TEST(SshSessions, HaveTheTerminalsOfTheProcessesBelowThem) {
  const SshSession session{Id(90), {Id(92)}, kBob, "bob", true};
  const auto pts = [](unsigned number) { return makedev(136, number); };
  EXPECT_THAT(FindTerminals({{90, 46, 0},
                             {92, 90, 0},
                             {95, 92, pts(0)},
                             {96, 95, pts(0)},
                             {97, 96, pts(4)},         // script in it
                             {98, 1, pts(5)},          // tmux's server went away
                             {99, 92, makedev(4, 1)},  // no pseudo-terminal
                             {46, 46, pts(6)},         // its own parent: no end of parents
                             {200, 201, pts(7)},
                             {201, 200, 0}},
                            session),
              ElementsAre(pts(0), pts(4)));
}

}  // namespace
}  // namespace sparekey
