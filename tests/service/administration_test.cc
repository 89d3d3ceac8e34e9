// SPDX-License-Identifier: Apache-2.0
// Enrolment, sheets, settings, gates, events, console reset and who may call what.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <csignal>

#include "backupcodes/codes.h"
#include "tests/support/processes.h"
#include "tests/support/service_fixture.h"
#include "tests/support/store_file.h"

namespace sparekey::testing {
namespace {

using ::testing::HasSubstr;

class AdministrationTest : public ServiceTest {
 protected:
  Json Setting(const std::string& name) {
    const Json settings = Send("GET", "/v1/settings").body["settings"];
    for (const Json& setting : settings) {
      if (setting["name"] == name) return setting["value"];
    }
    return nullptr;
  }
  void SuperLock(const std::string& name) {
    for (int i = 0; i < 10; ++i) {
      Recover(name, {"0000-0000-0000-0000", "1111-1111-1111-1111"});
    }
  }
  std::vector<std::string> EventKinds(const std::string& query = "") {
    std::vector<std::string> kinds;
    const Json events = Send("GET", "/v1/events" + query).body["events"];
    for (const Json& event : events) {
      kinds.push_back(event["kind"]);
    }
    return kinds;
  }
};

TEST_F(AdministrationTest, EnrolmentIsPendingUntilACodeProvesIt) {
  const Answer begun = Send("POST", "/v1/accounts/ada/enrolment", Json::object());
  ASSERT_EQ(begun.status, 201) << begun.body;
  EXPECT_EQ(begun.body["enrolment"], "pending");
  EXPECT_EQ(begun.body["backup_codes"].size(), 10);
  EXPECT_THAT(begun.body["uri"].get<std::string>(), HasSubstr("otpauth://totp/"));
  EXPECT_EQ(Show("ada")["enrolment"], "pending");
  EXPECT_EQ(Begin("ada").body["reason"], "not_required");

  const Answer wrong =
      Send("POST", "/v1/accounts/ada/enrolment/confirmation", {{"code", WrongCodeOf(begun.body)}});
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(wrong.body["code"], "wrong_code");
  const std::string code = CodeOf(begun.body);
  const Answer right = Send("POST", "/v1/accounts/ada/enrolment/confirmation", {{"code", code}});
  EXPECT_EQ(right.body["enrolment"], "active");
  EXPECT_EQ(Show("ada")["codes_left"], 10);
  EXPECT_EQ(LogIn("ada", code).body["reason"], "wrong_code");  // spent by the proof
}

TEST_F(AdministrationTest, EnrolmentMustBeProvenWithinADay) {
  const Json begun = Send("POST", "/v1/accounts/ada/enrolment", Json::object()).body;
  now += std::chrono::hours(25);
  EXPECT_EQ(
      Send("POST", "/v1/accounts/ada/enrolment/confirmation", {{"code", CodeOf(begun)}}).status,
      409);
}

TEST_F(AdministrationTest, EnrolmentIsNotProvenByAWrongClock) {
  const Json begun = Send("POST", "/v1/accounts/ada/enrolment", Json::object()).body;
  const std::string target = "/v1/accounts/ada/enrolment/confirmation";
  EXPECT_EQ(Send("POST", target, Json::object()).status, 400);
  now = kBuilt - std::chrono::hours(1);
  const Answer answer = Send("POST", target, {{"code", CodeOf(begun)}});
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body["code"], "clock");
  EXPECT_EQ(Show("ada")["enrolment"], "pending");
}

TEST_F(AdministrationTest, ShowsWhoIsAnAdministratorBeforeTheFirstEnrolment) {
  EXPECT_EQ(Show("ada")["administrator"], true);
  EXPECT_EQ(Show("bob")["administrator"], false);
}

TEST_F(AdministrationTest, EnrolmentTakesWishesAndAGivenSecret) {
  const Json made = Enrol("ada", {{"digits", 8},
                                  {"interval", 60},
                                  {"algorithm", "sha512"},
                                  {"label", "YubiKey"},
                                  {"secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}});
  EXPECT_EQ(made["secret"], "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
  EXPECT_EQ(made["digits"], 8);
  EXPECT_EQ(Show("ada")["authenticators"][0]["label"], "YubiKey");
  EXPECT_EQ(LogIn("ada", CodeOf(made)).body["verdict"], "accept");
}

TEST_F(AdministrationTest, EnrolmentRefusesWhatIsOutOfRangeAndNamesTheRange) {
  for (const auto& [wish, text] :
       std::vector<std::pair<Json, std::string>>{{{{"digits", 5}}, "6..8"},
                                                 {{{"digits", "6"}}, "whole number"},
                                                 {{{"interval", 4}}, "5..3600"},
                                                 {{{"interval", 301}}, "900"},
                                                 {{{"algorithm", "md5"}}, "sha512"},
                                                 {{{"type", "totp2"}}, "totp, hotp"},
                                                 {{{"label", "a:b"}}, "label"},
                                                 {{{"secret", "not base32!"}}, "base32"},
                                                 {{{"secret", "MFRGG"}}, "16 to 64 bytes"}}) {
    const Answer answer = Send("POST", "/v1/accounts/ada/enrolment", wish);
    EXPECT_EQ(answer.status, 400) << wish;
    EXPECT_THAT(answer.body["detail"].get<std::string>(), HasSubstr(text));
  }
  EXPECT_EQ(Send("POST", "/v1/accounts/nobody/enrolment", Json::object()).status, 404);
  Enrol("ada");
  EXPECT_EQ(Send("POST", "/v1/accounts/ada/enrolment", Json::object()).status, 409);
}

TEST_F(AdministrationTest, ANewSheetVoidsTheOldOneWholeAndKeepsTheSecret) {
  const Json ada = Enrol("ada");
  const Answer sheet = Send("POST", "/v1/accounts/ada/backup-codes", Json::object());
  ASSERT_EQ(sheet.status, 201);
  EXPECT_EQ(sheet.body["sheet"], 2);
  EXPECT_EQ(Recover("ada", {ada["backup_codes"][0], ada["backup_codes"][1]}).body["reason"],
            "wrong_codes");
  EXPECT_EQ(Recover("ada", {sheet.body["backup_codes"][0], sheet.body["backup_codes"][1]})
                .body["verdict"],
            "accept");
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "accept");
  EXPECT_EQ(Send("GET", "/v1/accounts/ada/backup-codes").body["codes_left"], 8);
}

TEST_F(AdministrationTest, RemovalKeepsTheCountersForTheNextEnrolment) {
  const Json ada = Enrol("ada");
  LogIn("ada", WrongCodeOf(ada));
  Recover("ada", {"0000-0000-0000-0000", "1111-1111-1111-1111"});
  EXPECT_EQ(Send("DELETE", "/v1/accounts/ada").status, 204);
  EXPECT_EQ(Show("ada")["enrolment"], "none");
  EXPECT_EQ(Send("DELETE", "/v1/accounts/ada").status, 404);
  EXPECT_EQ(Enrol("ada")["sheet"], 2);
  EXPECT_EQ(Show("ada")["otp_failures"], 1);
  EXPECT_EQ(Show("ada")["recovery_failures"], 1);
}

TEST_F(AdministrationTest, UnlockEndsALockoutAndKeepsFailedRecoveries) {
  const Json ada = Enrol("ada");
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada));
  Recover("ada", {"0000-0000-0000-0000", "1111-1111-1111-1111"});
  const Answer answer = Send("POST", "/v1/accounts/ada/unlock");
  EXPECT_EQ(answer.body["lockout"], "none");
  EXPECT_EQ(answer.body["recovery_failures"], 1);
  EXPECT_EQ(answer.body["otp_budget_left"], 100);
}

TEST_F(AdministrationTest, SettingsChangeTogetherOrNotAtAll) {
  const Answer refused =
      Send("PATCH", "/v1/settings", {{"otp.digits", "8"}, {"otp.interval", "4"}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body["detail"].get<std::string>(), HasSubstr("5..3600"));
  EXPECT_EQ(Setting("otp.digits"), "6");
  Send("PATCH", "/v1/settings", {{"otp.digits", "8"}, {"otp.interval", "60"}});
  Restart();
  EXPECT_EQ(Setting("otp.digits"), "8");
  EXPECT_EQ(Setting("otp.interval"), "60");
  EXPECT_THAT(EventKinds(), ::testing::Contains("settings_changed"));
}

TEST_F(AdministrationTest, RaisingTheCodesOfARecoveryIsRefusedWhileItWouldStrandAccounts) {
  const Json ada = Enrol("ada");
  Enrol("bob");
  for (int i = 0; i < 8; i += 2) {
    Recover("ada", {ada["backup_codes"][i], ada["backup_codes"][i + 1]});
  }
  const Answer refused = Send("PATCH", "/v1/settings", {{"backup_codes.required", "3"}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body["detail"].get<std::string>(), HasSubstr("ada"));
  EXPECT_THAT(refused.body["detail"].get<std::string>(), Not(HasSubstr("bob")));
  Send("POST", "/v1/accounts/ada/backup-codes", Json::object());
  EXPECT_EQ(Send("PATCH", "/v1/settings", {{"backup_codes.required", "3"}}).status, 200);
}

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

TEST_F(AdministrationTest, WhoeverInheritsANameOrANumberIsEnrolledAnew) {
  Enrol("ada");
  const Json bob = Enrol("bob");
  people().erase("ada");
  people().at("bob").uid = 1000;  // ada's number before
  EXPECT_EQ(LogIn("bob", CodeOf(bob)).body["reason"], "identity_changed");
  const Json anew = Enrol("bob");
  EXPECT_EQ(LogIn("bob", CodeOf(anew)).body["verdict"], "accept");
  EXPECT_EQ(Show("bob")["uid"], 1000);
  EXPECT_EQ(Show("ada")["enrolment"], "none");
}

TEST_F(AdministrationTest, AConsoleResetHelpsWhoInheritedANumber) {
  config.console.allow_root = true;
  Enrol("ada");
  people().erase("ada");
  people().emplace("eve", Identity{"eve", 1000, {}, false});
  EXPECT_EQ(Begin("eve").body["reason"], "identity_changed");
  EXPECT_EQ(Send("POST", "/v1/console/resets", {{"account", "eve"}}).status, 200);
  EXPECT_EQ(Begin("eve").body["reason"], "not_enrolled");
  EXPECT_EQ(Show("eve")["uid"], 1000);
}

TEST_F(AdministrationTest, AResetOfASecondNameOfOneUidNamesTheAccount) {
  config.console.allow_root = true;
  Enrol("ada");
  people().emplace("ada2", Identity{"ada2", 1000, {}, false});
  const Answer answer = Send("POST", "/v1/console/resets", {{"account", "ada2"}});
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body["detail"].get<std::string>(), HasSubstr("another name of \"ada\""));
  EXPECT_EQ(Show("ada")["enrolment"], "active");
}

TEST_F(AdministrationTest, EveryVerbAboutASecondNameOfOneUidNamesTheAccount) {
  Enrol("ada");
  people().emplace("ada2", Identity{"ada2", 1000, {}, false});
  const std::pair<const char*, const char*> verbs[] = {{"DELETE", ""},
                                                       {"POST", "/unlock"},
                                                       {"GET", "/backup-codes"},
                                                       {"POST", "/backup-codes"},
                                                       {"GET", "/authenticators"},
                                                       {"DELETE", "/authenticators/phone"}};
  for (const auto& [method, verb] : verbs) {
    const Answer answer = Send(method, std::string("/v1/accounts/ada2") + verb);
    EXPECT_EQ(answer.status, 409) << method << verb;
    EXPECT_THAT(answer.body["detail"].get<std::string>(), HasSubstr("another name of \"ada\""));
  }
  EXPECT_EQ(Send("POST", "/v1/accounts/bob/unlock").status, 404);
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

TEST_F(AdministrationTest, ListsTheLockedAccountsAlone) {
  Send("PATCH", "/v1/settings", {{"lockout.scope", "account"}});
  const Json ada = Enrol("ada");
  for (const char* name : {"bob", "root"}) Enrol(name);
  const auto names = [this](const std::string& query) {
    std::vector<std::string> listed;
    const Json page = Send("GET", "/v1/accounts?locked=1" + query).body;
    for (const Json& account : page["accounts"]) listed.push_back(account["account"]);
    return listed;
  };
  EXPECT_THAT(names(""), ::testing::IsEmpty());
  SuperLock("bob");
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada));
  EXPECT_THAT(names(""), ::testing::ElementsAre("ada", "bob"));
  EXPECT_THAT(names("&limit=1"), ::testing::ElementsAre("ada"));
  EXPECT_THAT(names("&after=ada"), ::testing::ElementsAre("bob"));
}

TEST_F(AdministrationTest, PeersThatAreNotRootAskADirectoryOfTheirOwnOneAtATime) {
  Enrol("ada");
  EXPECT_EQ(self_directory.lookups, 0);
  const Peer ada{SocketKind::kApi, 1000, 1000, getpid(), 1};
  std::vector<int> statuses;
  const auto keep = [&](HttpResponse response) { statuses.push_back(response.status); };
  Start("GET", "/v1/accounts/ada", Json(), ada, keep);
  Start("GET", "/v1/accounts/bob", Json(), ada, keep);
  EXPECT_THAT(statuses, ::testing::ElementsAre(429));
  EXPECT_EQ(self_directory.lookups, 1);
  const Peer bob{SocketKind::kApi, 1001, 1001, getpid(), 1};
  Start("GET", "/v1/accounts/ada", Json(), bob, keep);
  queue.RunUntil([&] { return statuses.size() == 3; });
  EXPECT_THAT(statuses, ::testing::UnorderedElementsAre(429, 403, 200));
  EXPECT_EQ(self_directory.lookups, 3);  // Show asks once more
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Send("GET", "/v1/accounts/ada", Json(), ada).status, 200);
    EXPECT_EQ(Send("GET", "/v1/accounts/bob", Json(), ada).status, 403);
  }
}

TEST_F(AdministrationTest, AConsoleResetIsRefusedAwayFromTheConsole) {
  Enrol("ada");
  const Answer answer = Send("POST", "/v1/console/resets", {{"account", "ada"}},
                             Peer{SocketKind::kApi, 1000, 1000, getpid(), 1});
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(Show("ada")["must_enrol"], false);
}

TEST_F(AdministrationTest, OldEventsArePrunedInPiecesBetweenLogins) {
  config.keep_events = 1000;
  config.keep_event_days = 30;
  Restart();
  const Json made = Enrol("bob");
  decider->Read([this](Store& store) {
    std::vector<Work> works(1);
    works[0].step = [this](Records&) -> Result<Changes> {
      Changes changes;
      for (int i = 0; i < 1500; ++i) {
        Event event;
        event.account = "bob";
        event.time = now;
        changes.events.push_back(event);
      }
      return changes;
    };
    store.Run(works);
  });
  const auto count = [this] {
    std::size_t events = 0;
    std::int64_t before = std::numeric_limits<std::int64_t>::max();
    for (;;) {
      const Json page =
          Send("GET", "/v1/events?limit=1000&before_id=" + std::to_string(before)).body["events"];
      events += page.size();
      if (page.size() < 1000) return events;
      before = page.back()["id"];
    }
  };
  EXPECT_GT(count(), 1500u);
  routes->KeepHouse();
  routes->KeepHouse();
  queue.RunUntil([&] { return count() == 1000; });
  now += std::chrono::hours(24 * 31);
  EXPECT_EQ(LogIn("bob", CodeOf(made)).body["verdict"], "accept");
  routes->KeepHouse();
  queue.RunUntil([&] { return count() == 1; });
  EXPECT_EQ(Send("GET", "/v1/events").body["events"][0]["kind"], "login");
  now = kBuilt - std::chrono::seconds(1);  // a clock that is wrong makes nothing old
  config.keep_events = 0;
  routes->KeepHouse();
  EXPECT_EQ(count(), 1u);
}

TEST_F(AdministrationTest, EventsTellWhatHappenedNewestFirstAndCanBeFollowed) {
  const Json ada = Enrol("ada");
  LogIn("ada", CodeOf(ada));
  LogIn("ada", WrongCodeOf(ada));
  EXPECT_THAT(EventKinds(), ::testing::ElementsAre("wrong_code", "login", "enrolment_finished",
                                                   "enrolment_begun"));
  EXPECT_THAT(EventKinds("?after_id=2"), ::testing::ElementsAre("login", "wrong_code"));
  EXPECT_THAT(EventKinds("?account=bob"), ::testing::IsEmpty());
  EXPECT_THAT(EventKinds("?limit=1"), ::testing::ElementsAre("wrong_code"));
  const Json event = Send("GET", "/v1/events?limit=1").body["events"][0];
  EXPECT_EQ(event["door"], "ssh");
  EXPECT_EQ(event["remote_host"], "192.0.2.7");
  EXPECT_EQ(event["account"], "ada");
  for (const std::string bad : {"?limit=0", "?limit=x", "?since=yesterday", "?after_id=-2"}) {
    EXPECT_EQ(Send("GET", "/v1/events" + bad).status, 400) << bad;
  }
  std::optional<Json> followed;
  Start("GET", "/v1/events?after_id=4&follow=1", Json(), std::nullopt,
        [&followed](HttpResponse response) { followed = Json::parse(response.body.ExposeText()); });
  LogIn("ada", WrongCodeOf(ada));
  queue.RunUntil([&followed] { return followed.has_value(); });
  EXPECT_EQ((*followed)["events"][0]["kind"], "wrong_code");
}

TEST_F(AdministrationTest, ListsAccountsByPage) {
  for (const std::string name : {"ada", "bob", "root"}) Enrol(name);
  const Json first = Send("GET", "/v1/accounts?limit=2").body;
  EXPECT_EQ(first["accounts"].size(), 2);
  EXPECT_EQ(first["next"], "bob");
  const Json second = Send("GET", "/v1/accounts?limit=2&after=bob").body;
  EXPECT_EQ(second["accounts"][0]["account"], "root");
  EXPECT_TRUE(second["next"].is_null());
}

TEST_F(AdministrationTest, KeepsSessionsOfLiveProcessesOverARestart) {
  const Answer begun = Send("POST", "/v1/sessions",
                            {{"account", "ada"}, {"service", "sshd"}, {"remote_host", "::1"}});
  ASSERT_EQ(begun.status, 201) << begun.body;
  Show("ada");  // until the directory has said whose session it is
  EXPECT_EQ(Send("GET", "/v1/status").body["sessions"], 1);
  Restart();
  EXPECT_EQ(Send("GET", "/v1/status").body["sessions"], 1);
  const std::string target = "/v1/sessions/" + begun.body["session"].get<std::string>();
  EXPECT_EQ(Send("DELETE", target).status, 204);
  EXPECT_EQ(Send("DELETE", target).status, 404);
  EXPECT_EQ(Send("GET", "/v1/status").body["sessions"], 0);
}

TEST_F(AdministrationTest, RefusesBodiesThatAreNoObject) {
  for (const std::string text :
       {"", "[]", "null", "{", "{\"a\":}", "\xff", "{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}"}) {
    HttpRequest request;
    request.method = "PATCH";
    request.path = "/v1/settings";
    request.body = SecretBytes(text);
    request.peer = Peer{SocketKind::kApi, 0, 0, getpid(), 1};
    int status = 0;
    routes->Handle(std::move(request),
                   [&status](HttpResponse response) { status = response.status; });
    EXPECT_EQ(status, 400) << text;
  }
}

// Who may call what, for every route of the table.
TEST_F(AdministrationTest, EveryRouteRefusesWhomItsRowDoesNotName) {
  Enrol("ada");
  const auto peer = [](SocketKind socket, uid_t uid) { return Peer{socket, uid, uid, 1, 1}; };
  for (const Routes::Route& route : Routes::Table()) {
    std::string target(route.pattern);
    if (const auto brace = target.find("{}"); brace != std::string::npos) {
      target.replace(brace, 2, "ada");
    }
    const auto refuses = [&](SocketKind socket, uid_t uid) {
      return Send(std::string(route.method), target, Json::object(), peer(socket, uid)).status ==
             403;
    };
    const bool anyone = route.who == Who::kAnyone;
    const bool self = route.who == Who::kRootOrSelf || route.who == Who::kSelf;
    EXPECT_EQ(refuses(SocketKind::kApi, 1001), !anyone) << target;
    EXPECT_EQ(refuses(SocketKind::kApi, 1000), !anyone && !self) << target;
    EXPECT_EQ(refuses(SocketKind::kPam, 1000), !anyone) << target;
    if (route.who == Who::kRootOnPamSocket) {
      EXPECT_TRUE(refuses(SocketKind::kApi, 0)) << target;
    } else if (!anyone) {
      EXPECT_TRUE(refuses(SocketKind::kPam, 0)) << target;
    }
  }
  EXPECT_EQ(Show("ada")["enrolment"], "active");
  EXPECT_EQ(Send("GET", "/v1/nothing").status, 404);
  EXPECT_EQ(Send("DELETE", "/v1/health").status, 405);
}

}  // namespace
}  // namespace sparekey::testing
