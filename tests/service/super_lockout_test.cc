// SPDX-License-Identifier: Apache-2.0
// SSH gates, super-lockouts, and the console that ends them.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <csignal>
#include <string>
#include <tuple>
#include <vector>

#include "tests/service/administration_fixture.h"
#include "tests/support/processes.h"
#include "tests/support/store_file.h"

namespace sparekey::testing {
namespace {

TEST_F(AdministrationTest, GatesOpenOnlyByHandAndTheSystemsOpensAll) {
  Enrol("ada");
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}, {"account", "ada"}});
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}});
  Json gates = Send("GET", "/v1/ssh-gate").body;
  EXPECT_EQ(gates["ssh_gate"], "closed");
  EXPECT_EQ(gates["reason"], "closed by an administrator");
  EXPECT_EQ(gates["accounts"][0]["account"], "ada");
  EXPECT_EQ(Begin("bob").body["reason"], "gate_closed");
  gates = Send("PUT", "/v1/ssh-gate", {{"state", "open"}}).body;
  EXPECT_EQ(gates["ssh_gate"], "open");
  EXPECT_EQ(gates["accounts"], Json::array());
  EXPECT_EQ(Send("PUT", "/v1/ssh-gate", {{"state", "ajar"}}).status, 400);
}

TEST_F(AdministrationTest, OneAccountsSuperLockoutDoesNotKeepTheSystemsGateClosed) {
  Enrol("bob");
  SuperLock("bob");
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}});
  EXPECT_EQ(Send("PUT", "/v1/ssh-gate", {{"state", "open"}, {"account", "bob"}}).status, 403);
  const Answer opened = Send("PUT", "/v1/ssh-gate", {{"state", "open"}});
  EXPECT_EQ(opened.status, 200);
  EXPECT_EQ(opened.body["ssh_gate"], "open");
  EXPECT_EQ(opened.body["accounts"][0]["account"], "bob");
}

TEST_F(AdministrationTest, TheGateOfAnAccountThatNeverEnrolledCanBeClosed) {
  EXPECT_EQ(Send("PUT", "/v1/ssh-gate", {{"state", "closed"}, {"account", "bob"}}).status, 200);
  EXPECT_EQ(Begin("bob").body["reason"], "gate_closed");
  EXPECT_EQ(Send("PUT", "/v1/ssh-gate", {{"state", "closed"}, {"account", "nobody"}}).status, 404);
}

TEST_F(AdministrationTest, ADamagedRecordDoesNotKeepTheSystemsGateClosed) {
  Enrol("ada");
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}, {"account", "ada"}});
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}});
  Stop();
  EditStoreFile(folder + "/" + kStoreFile,
                "UPDATE account SET record = zeroblob(200) WHERE name = 'ada'");
  Start();
  const Answer opened = Send("PUT", "/v1/ssh-gate", {{"state", "open"}});
  EXPECT_EQ(opened.status, 200);
  EXPECT_EQ(opened.body["ssh_gate"], "open");
  EXPECT_EQ(Begin("ada").status, 500);
  EXPECT_EQ(Begin("bob").body["reason"], "not_required");
}

TEST_F(AdministrationTest, AGateHoldsForBothNamesOfOneUid) {
  Enrol("ada");
  people().emplace("ada2", Identity{"ada2", 1000, {}, false});
  const Json close = {{"state", "closed"}, {"account", "ada2"}};
  EXPECT_EQ(Send("PUT", "/v1/ssh-gate", close).status, 200);
  EXPECT_EQ(Begin("ada").body["reason"], "gate_closed");
  EXPECT_EQ(Begin("ada2").body["reason"], "gate_closed");
}

TEST_F(AdministrationTest, ASuperLockoutEndsTheSessionsOfASecondNameToo) {
  Enrol("bob");
  people().emplace("bob2", Identity{"bob2", 1001, {}, false});
  const pid_t pid = CheckedFork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  EXPECT_EQ(Send("POST", "/v1/sessions", {{"account", "bob2"}, {"service", "sshd"}},
                 Peer{SocketKind::kPam, 0, 0, pid, 1})
                .status,
            201);
  SuperLock("bob");
  int how = 0;
  EXPECT_EQ(waitpid(pid, &how, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(how) && WTERMSIG(how) == SIGTERM);
}

TEST_F(AdministrationTest, ASuperLockoutEndsTheSessionsInItsScope) {
  Enrol("bob");
  std::vector<pid_t> sessions;
  for (const std::string name : {"bob", "ada"}) {
    const pid_t pid = CheckedFork();
    if (pid == 0) {
      pause();
      _exit(0);
    }
    sessions.push_back(pid);
    EXPECT_EQ(Send("POST", "/v1/sessions", {{"account", name}, {"service", "sshd"}},
                   Peer{SocketKind::kPam, 0, 0, pid, 1})
                  .status,
              201);
  }
  SuperLock("bob");
  int how = 0;
  EXPECT_EQ(waitpid(sessions[0], &how, 0), sessions[0]);
  EXPECT_TRUE(WIFSIGNALED(how) && WTERMSIG(how) == SIGTERM);
  EXPECT_EQ(waitpid(sessions[1], &how, WNOHANG), 0);
  CheckedKill(sessions[1], SIGKILL);
  waitpid(sessions[1], &how, 0);
}

TEST_F(AdministrationTest, EveryChangeIsRefusedUnderASuperLockoutButClosingTheGate) {
  Enrol("ada");
  Enrol("bob");
  SuperLock("ada");
  const std::vector<std::tuple<std::string, std::string, Json>> changes = {
      {"POST", "/v1/accounts/root/enrolment", Json::object()},
      {"POST", "/v1/accounts/bob/enrolment/confirmation", {{"code", "123456"}}},
      {"DELETE", "/v1/accounts/bob", Json()},
      {"POST", "/v1/accounts/bob/backup-codes", Json::object()},
      {"POST", "/v1/accounts/bob/unlock", Json()},
      {"PATCH", "/v1/settings", {{"enabled", "false"}}},
      {"PUT", "/v1/ssh-gate", {{"state", "open"}}},
      {"PUT", "/v1/ssh-gate", {{"state", "open"}, {"account", "bob"}}}};
  for (const auto& [method, target, body] : changes) {
    const Answer answer = Send(method, target, body);
    EXPECT_EQ(answer.status, 403) << method << " " << target;
    EXPECT_EQ(answer.body["code"], "not_allowed");
  }
  EXPECT_EQ(Send("PUT", "/v1/ssh-gate", {{"state", "closed"}}).status, 200);
}

TEST_F(AdministrationTest, ChangesOfASuperLockedAccountAloneAreRefused) {
  Enrol("ada");
  Enrol("bob");
  SuperLock("bob");
  EXPECT_EQ(Send("POST", "/v1/accounts/bob/unlock").status, 403);
  EXPECT_EQ(Send("DELETE", "/v1/accounts/bob").status, 403);
  EXPECT_EQ(Send("POST", "/v1/accounts/ada/unlock").status, 200);
  EXPECT_EQ(Send("PATCH", "/v1/settings", {{"otp.window", "2"}}).status, 200);
}

TEST_F(AdministrationTest, AConsoleResetEndsTheSuperLockoutAndResetsWhoCausedIt) {
  config.console.allow_root = true;
  Enrol("ada");
  const Json bob = Enrol("bob");
  SuperLock("ada");
  const Answer preview = Send("POST", "/v1/console/resets", {{"system", true}, {"preview", true}});
  EXPECT_EQ(preview.body["accounts"], Json::array({"ada"}));
  EXPECT_EQ(Begin("bob").body["reason"], "super_locked");
  const Answer reset = Send("POST", "/v1/console/resets", {{"system", true}});
  ASSERT_EQ(reset.status, 200) << reset.body;
  EXPECT_EQ(reset.body["super_lockout_ended"], true);
  EXPECT_EQ(Begin("bob").body["reason"], "gate_closed");
  Send("PUT", "/v1/ssh-gate", {{"state", "open"}});
  EXPECT_EQ(LogIn("bob", CodeOf(bob)).body["verdict"], "accept");
  EXPECT_EQ(Show("ada")["must_enrol"], true);
  EXPECT_EQ(Begin("ada").body["reason"], "not_enrolled");
  EXPECT_EQ(LogIn("ada", CodeOf(Enrol("ada"))).body["verdict"], "accept");
  EXPECT_EQ(Send("POST", "/v1/console/resets", {{"system", true}}).status, 409);
}

TEST_F(AdministrationTest, AConsoleResetOfAnAccountEndsItsOwnSuperLockout) {
  config.console.allow_root = true;
  Enrol("bob");
  SuperLock("bob");
  EXPECT_EQ(Send("POST", "/v1/console/resets", {{"account", "bob"}}).status, 200);
  EXPECT_EQ(Show("bob")["lockout"], "none");
  EXPECT_EQ(Send("POST", "/v1/console/resets", {{"account", "nobody"}}).status, 404);
  EXPECT_EQ(Send("POST", "/v1/console/resets", Json::object()).status, 400);
  EXPECT_EQ(Send("POST", "/v1/console/resets", {{"account", "bob"}, {"system", true}}).status, 400);
}

TEST_F(AdministrationTest, TheConsoleSwitchesTwoFactorOffUnderASuperLockoutWhichStays) {
  config.console.allow_root = true;
  Enrol("ada");
  SuperLock("ada");
  EXPECT_EQ(Send("PATCH", "/v1/settings", {{"enabled", "false"}}).status, 403);
  EXPECT_EQ(Send("PUT", "/v1/console/two-factor", {{"enabled", false}}).body["enabled"], false);
  EXPECT_EQ(Send("PUT", "/v1/console/two-factor", {{"enabled", false}}).status, 200);
  EXPECT_EQ(Setting("enabled"), "false");
  EXPECT_EQ(Begin("ada").body["reason"], "super_locked");
  EXPECT_EQ(Send("GET", "/v1/ssh-gate").body["ssh_gate"], "closed");
  EXPECT_EQ(Send("PUT", "/v1/console/two-factor", {{"enabled", true}}).status, 200);
  EXPECT_EQ(Setting("enabled"), "true");
  const Json events = Send("GET", "/v1/events?limit=2").body["events"];
  EXPECT_EQ(events[0]["kind"], "two_factor_on");
  EXPECT_EQ(events[1]["kind"], "two_factor_off");  // once: the second call changed nothing
  EXPECT_EQ(events[1]["door"], "console");
}

TEST_F(AdministrationTest, TwoFactorIsNotSwitchedAwayFromTheConsole) {
  EXPECT_EQ(Send("PUT", "/v1/console/two-factor", {{"enabled", false}}).status, 403);
  EXPECT_EQ(Setting("enabled"), "true");
  config.console.allow_root = true;
  EXPECT_EQ(Send("PUT", "/v1/console/two-factor", Json::object()).status, 400);
  EXPECT_EQ(Send("PUT", "/v1/console/two-factor", {{"enabled", "no"}}).status, 400);
}

TEST_F(AdministrationTest, AConsoleResetIsRefusedAwayFromTheConsole) {
  Enrol("ada");
  const Answer answer = Send("POST", "/v1/console/resets", {{"account", "ada"}},
                             Peer{SocketKind::kApi, 1000, 1000, getpid(), 1});
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(Show("ada")["must_enrol"], false);
}
}  // namespace
}  // namespace sparekey::testing
