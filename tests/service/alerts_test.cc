// SPDX-License-Identifier: Apache-2.0
// Alerts as an administrator meets them: raised by what people do, settled by what ends it.
#include "service/alerts.h"

#include <gmock/gmock.h>

#include "tests/support/service_fixture.h"
#include "tests/support/store_file.h"

namespace sparekey::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AlertsTest : public ServiceTest {
 protected:
  std::vector<Json> List(const std::string& query = "") {
    const Answer answer = Send("GET", "/v1/alerts" + query);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body["alerts"].get<std::vector<Json>>();
  }
  std::vector<std::string> Kinds(const std::string& query = "") {
    std::vector<std::string> kinds;
    for (const Json& alert : List(query)) kinds.push_back(alert["kind"]);
    return kinds;
  }
  Answer Acknowledge(const Json& alert) {
    return Send("POST", "/v1/alerts/" + alert["id"].dump() + "/acknowledgement");
  }
  int Set(const std::string& name, const std::string& value) {
    return Send("PATCH", "/v1/settings", {{name, value}}).status;
  }
  Json Lock(const std::string& name) {
    const Json made = Enrol(name);
    for (int i = 0; i < 5; ++i) LogIn(name, WrongCodeOf(made));
    return made;
  }
  std::vector<std::string> FirstTwo(const Json& made, int from = 0) {
    return {made["backup_codes"][from], made["backup_codes"][from + 1]};
  }
  std::vector<std::string> EventKinds() {
    std::vector<std::string> kinds;
    const Answer answer = Send("GET", "/v1/events");
    for (const Json& event : answer.body["events"]) kinds.push_back(event["kind"]);
    return kinds;
  }
  void Damage(const std::string& name) {
    Stop();
    EditStoreFile(folder + "/" + kStoreFile,
                  "UPDATE account SET flags=flags+4 WHERE name='" + name + "'");
    Start();
  }
};

TEST_F(AlertsTest, OfALockoutStaysUntilAnAdministratorUnlocks) {
  Lock("bob");
  const auto alerts = List();
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0]["kind"], "lockout");
  EXPECT_EQ(alerts[0]["account"], "bob");
  EXPECT_EQ(alerts[0]["state"], "open");
  EXPECT_THAT(alerts[0]["text"].get<std::string>(), HasSubstr("sparekey user unlock bob"));
  Restart();
  EXPECT_THAT(Kinds(), ElementsAre("lockout"));
  EXPECT_EQ(Send("POST", "/v1/accounts/bob/unlock").status, 200);
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(AlertsTest, OfALockoutIsSettledByARecovery) {
  const Json made = Lock("bob");
  EXPECT_EQ(Recover("bob", FirstTwo(made)).body["verdict"], "accept");
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(AlertsTest, OfASuperLockoutIsTheSystemsWhenItCoversEverybody) {
  Enrol("ada");
  Set("backup_codes.max_attempts", "1");
  Recover("ada", {"0000-0000-0000-0000", "1111-1111-1111-1111"});
  const auto alerts = List();
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0]["kind"], "super_lockout");
  EXPECT_TRUE(alerts[0]["account"].is_null());
  EXPECT_EQ(alerts[1]["kind"], "gate_closed");
  EXPECT_EQ(Acknowledge(alerts[0]).status, 403);
  EXPECT_EQ(Send("POST", "/v1/alerts/test").status, 503);  // nobody is notified here
}

TEST_F(AlertsTest, OfOneAccountsSuperLockoutIsThatAccountsAndCannotBeAcknowledged) {
  Enrol("bob");
  Set("backup_codes.max_attempts", "1");
  Recover("bob", {"0000-0000-0000-0000", "1111-1111-1111-1111"});
  ASSERT_THAT(Kinds(), ElementsAre("super_lockout", "gate_closed"));
  EXPECT_EQ(List()[0]["account"], "bob");
  EXPECT_EQ(Acknowledge(List()[0]).status, 403);
  EXPECT_THAT(Kinds("?state=open"), ElementsAre("super_lockout", "gate_closed"));
}

TEST_F(AlertsTest, OfAClosedGateIsSettledByOpeningAndByNothingElse) {
  Enrol("bob");
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}});
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}, {"account", "bob"}});
  ASSERT_THAT(Kinds(), ElementsAre("gate_closed", "gate_closed"));
  const Answer refused = Acknowledge(List()[0]);
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body["detail"].get<std::string>(), HasSubstr("sparekey ssh enable"));
  EXPECT_THAT(List()[0]["text"].get<std::string>(), HasSubstr("enable it again?"));
  Send("PUT", "/v1/ssh-gate", {{"state", "open"}});
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(AlertsTest, OfFewCodesIsSettledByANewSheet) {
  const Json made = Enrol("bob");
  for (int i = 0; i < 6; i += 2) Recover("bob", FirstTwo(made, i));
  EXPECT_THAT(List(), IsEmpty());
  Recover("bob", FirstTwo(made, 6));
  ASSERT_THAT(Kinds(), ElementsAre("codes_low"));
  EXPECT_THAT(List()[0]["text"].get<std::string>(), HasSubstr("2 backup codes left"));
  Recover("bob", FirstTwo(made, 8));
  EXPECT_EQ(List().at(0)["count"], 2);
  Send("POST", "/v1/accounts/bob/backup-codes");
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(AlertsTest, OfFewCodesIsSettledByAnEnrolmentForAnotherUid) {
  for (const bool listed : {false, true}) {
    const Json made = Enrol("bob");
    for (int i = 0; i < 8; i += 2) Recover("bob", FirstTwo(made, i));
    ASSERT_THAT(Kinds(), ElementsAre("codes_low"));
    ++people().at("bob").uid;
    const Json one = {{"account", "bob"}, {"secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}};
    if (listed) {
      Send("POST", "/v1/enrolments", {{"accounts", std::vector<Json>{one}}});
    } else {
      Send("POST", "/v1/accounts/bob/enrolment", {{"confirm", true}});
    }
    EXPECT_THAT(List(), IsEmpty());
    EXPECT_EQ(Show("bob")["enrolment"], listed ? "active" : "pending");
    EXPECT_EQ(Show("bob")["sheet"], Json());
    const Json events = Send("GET", "/v1/events?account=bob&limit=2").body["events"];
    EXPECT_EQ(events[0]["kind"], listed ? "enrolment_finished" : "enrolment_begun");
    EXPECT_EQ(events[1]["kind"], "enrolment_removed");
    EXPECT_EQ(events[1]["detail"], "its uid has changed");
  }
}

TEST_F(AlertsTest, OfAWrongClockIsOverWhenSomebodyHasSeenIt) {
  const Json made = Enrol("bob");
  now = kBuilt - std::chrono::hours(1);
  EXPECT_EQ(LogIn("bob", WrongCodeOf(made)).body["reason"], "clock_wrong");
  ASSERT_THAT(Kinds(), ElementsAre("clock_wrong"));
  EXPECT_EQ(Acknowledge(List()[0]).status, 200);
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(AlertsTest, OfTwoFactorSwitchedOffStaysUntilItIsOnAgain) {
  EXPECT_EQ(Set("enabled", "false"), 200);
  EXPECT_EQ(Set("otp.digits", "8"), 200);
  ASSERT_THAT(Kinds(), ElementsAre("two_factor_off"));
  EXPECT_EQ(Set("enabled", "true"), 200);
  EXPECT_EQ(Set("enabled", "true"), 200);
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_THAT(EventKinds(), ElementsAre("settings_changed", "two_factor_on", "settings_changed",
                                        "settings_changed", "two_factor_off", "settings_changed"));
}

TEST_F(AlertsTest, AcknowledgedAreShownApartUntilTheirReasonIsGone) {
  const Json made = Lock("bob");
  const Json alert = List()[0];
  const Answer seen = Acknowledge(alert);
  EXPECT_EQ(seen.body["state"], "acknowledged");
  EXPECT_THAT(List("?state=open"), IsEmpty());
  EXPECT_EQ(List("?state=acknowledged").size(), 1u);
  EXPECT_EQ(Acknowledge(alert).status, 200);  // again: nothing new
  EXPECT_EQ(EventKinds()[0], "alert_acknowledged");
  EXPECT_EQ(EventKinds()[1], "lockout");
  Send("POST", "/v1/accounts/bob/unlock");
  EXPECT_EQ(Acknowledge(alert).status, 404);
  for (int i = 0; i < 5; ++i) LogIn("bob", WrongCodeOf(made));
  EXPECT_EQ(List("?state=open").size(), 1u);
}

TEST_F(AlertsTest, OfADamagedRecordIsRaisedOnceAnHour) {
  Enrol("bob");
  Damage("bob");
  DamageReports damage(*backend);
  backend->damage = &damage;
  EXPECT_EQ(Begin("bob").status, 500);
  EXPECT_EQ(Begin("bob").status, 500);
  ASSERT_THAT(Kinds(), ElementsAre("unsealing_failed"));
  EXPECT_EQ(List()[0]["count"], 1);
  EXPECT_EQ(List()[0]["account"], "bob");
  steady_now += std::chrono::hours(1);
  Begin("bob");
  EXPECT_EQ(List()[0]["count"], 2);
  EXPECT_EQ(Acknowledge(List()[0]).status, 200);
  EXPECT_THAT(List("?state=open"), IsEmpty());
  backend->damage = nullptr;
}

TEST_F(AlertsTest, OfADamagedRecordIsRaisedByTheNextWhereItCouldNotBeRecorded) {
  Enrol("bob");
  Damage("bob");
  DamageReports damage(*backend);
  backend->damage = &damage;
  // Only what is recorded is lost, not the login before it.
  backend->steady_clock = [this] {
    faults.fails = true;
    return steady_now;
  };
  EXPECT_EQ(Begin("bob").status, 500);
  queue.RunUntil([this] { return faults.failed > 0; });
  backend->steady_clock = [this] { return steady_now; };
  faults.fails = false;
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_EQ(Begin("bob").status, 500);
  EXPECT_EQ(Begin("bob").status, 500);
  ASSERT_THAT(Kinds(), ElementsAre("unsealing_failed"));
  EXPECT_EQ(List()[0]["count"], 1);
  backend->damage = nullptr;
}

TEST_F(AlertsTest, OfADamagedRecordIsTheAccountsWhateverNameMetIt) {
  config.console.allow_root = true;
  Enrol("bob");
  people().emplace("bob2", Identity{"bob2", 1001, {}, false});
  Damage("bob");
  const Json access = {{"account", "bob2"}, {"door", "ssh"}};
  for (const bool by_key : {false, true}) {
    DamageReports damage(*backend);
    backend->damage = &damage;
    EXPECT_EQ((by_key ? Send("POST", "/v1/access", access) : Begin("bob2")).status, 500);
    ASSERT_THAT(Kinds(), ElementsAre("unsealing_failed"));
    EXPECT_EQ(List()[0]["account"], "bob");
    backend->damage = nullptr;
  }
  EXPECT_EQ(List()[0]["count"], 2);
  EXPECT_EQ(Send("POST", "/v1/console/resets", {{"account", "bob"}}).status, 200);
  EXPECT_THAT(Kinds(), ElementsAre("gate_closed"));
}

TEST_F(AlertsTest, OfADamagedRecordIsRaisedByNobodyWhoKnowsOnlyTheName) {
  Enrol("bob");
  Damage("bob");
  DamageReports damage(*backend);
  backend->damage = &damage;
  Json opening = Opening("bob");
  opening["first_factor"] = "none";
  EXPECT_EQ(Send("POST", "/v1/logins", opening).status, 500);
  EXPECT_THAT(List(), IsEmpty());
  backend->damage = nullptr;
}

TEST_F(AlertsTest, ShowOnTheStatusAreThoseThatAreOpen) {
  Lock("bob");
  Json status = Send("GET", "/v1/status").body;
  EXPECT_EQ(status["alerts"].size(), 1u);
  EXPECT_EQ(status["alerts_open"], 1);
  Acknowledge(List()[0]);
  status = Send("GET", "/v1/status").body;
  EXPECT_TRUE(status["alerts"].empty());
  EXPECT_EQ(status["alerts_open"], 0);
}

TEST_F(AlertsTest, ThatCannotBeStoredStandInNoLockoutsWay) {
  const Json made = Enrol("bob");
  for (const char* index : {"alert_of", "alert_state"}) {
    Send("POST", "/v1/accounts/bob/unlock");
    Stop();
    BreakStoreFile(folder + "/" + kStoreFile, index);
    Start();
    for (int i = 0; i < 5; ++i) LogIn("bob", WrongCodeOf(made));
    EXPECT_EQ(Show("bob")["lockout"], "locked") << index;
    const Answer status = Send("GET", "/v1/status");
    EXPECT_EQ(status.status, 200) << status.body;
    EXPECT_EQ(status.body["accounts"]["locked"], 1);
    EXPECT_TRUE(status.body["alerts_open"].is_null());
    EXPECT_THAT(status.body["alerts_problem"].get<std::string>(), HasSubstr("malformed"));
  }
}

TEST_F(AlertsTest, OfPlainLoginsThereAreNone) {
  const Json made = Enrol("bob");
  EXPECT_EQ(LogIn("bob", CodeOf(made)).body["verdict"], "accept");
  LogIn("bob", WrongCodeOf(made));
  EXPECT_THAT(List(), IsEmpty());
}

}  // namespace
}  // namespace sparekey::testing
