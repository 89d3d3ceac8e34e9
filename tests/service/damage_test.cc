// SPDX-License-Identifier: Apache-2.0
// A damaged record: denied, shown, never taken for "not enrolled", and replaced by a console reset.
#include <gmock/gmock.h>

#include "tests/support/service_fixture.h"
#include "tests/support/store_file.h"

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DamageTest : public testing::ServiceTest {
 protected:
  DamageTest() { config.console.allow_root = true; }

  void Damage(const std::string& sql) {
    Stop();
    testing::EditStoreFile(folder + "/" + kStoreFile, sql);
    Start();
  }
  void DamageRecordOf(const std::string& name) {
    Damage("UPDATE account SET record = zeroblob(200) WHERE name = '" + name + "'");
  }
  void SuperLock(const std::string& name) {
    Send("PATCH", "/v1/settings", {{"backup_codes.max_attempts", "1"}});
    Recover(name, {"0000000000000000", "1000000000000000"});
  }
  testing::Answer Reset(const Json& what) { return Send("POST", "/v1/console/resets", what); }
  std::vector<std::string> KindsOf(const std::string& name) {
    std::vector<std::string> kinds;
    const Json body = Send("GET", "/v1/events?account=" + name).body;
    for (const Json& event : body["events"]) kinds.push_back(event["kind"]);
    return kinds;
  }
};

TEST_F(DamageTest, ADamagedRecordIsListedAsDamagedBesideTheOthers) {
  Enrol("ada");
  Enrol("bob");
  DamageRecordOf("ada");
  const Json body = Send("GET", "/v1/accounts").body;
  ASSERT_EQ(body["accounts"].size(), 2U);
  EXPECT_EQ(body["accounts"][0], Json({{"account", "ada"}, {"damaged", true}}));
  EXPECT_EQ(body["accounts"][1]["enrolment"], "active");
  EXPECT_EQ(body["nameless"], 0);
  EXPECT_EQ(Send("GET", "/v1/accounts?limit=1").body["next"], "ada");
  EXPECT_EQ(Send("GET", "/v1/accounts/ada").status, 500);
}

TEST_F(DamageTest, ARecordWithoutANameIsCounted) {
  Enrol("ada");
  Enrol("bob");
  Damage("UPDATE account SET name = CAST(x'e1' || 'da' AS TEXT) WHERE name = 'ada'");
  const Json body = Send("GET", "/v1/accounts").body;
  ASSERT_EQ(body["accounts"].size(), 1U);
  EXPECT_EQ(body["nameless"], 1);
  // ada's number is still known.
  EXPECT_EQ(LogIn("ada", "123456").body["reason"], "identity_changed");
}

TEST_F(DamageTest, ADamagedEventHidesNoOther) {
  Enrol("ada");
  Enrol("bob");
  Damage("UPDATE event SET body = zeroblob(60) WHERE id = 1");
  const Json events = Send("GET", "/v1/events").body["events"];
  ASSERT_GE(events.size(), 2U);
  EXPECT_EQ(events.back(), Json({{"id", 1}, {"damaged", true}}));
  EXPECT_EQ(events[0]["account"], "bob");
}

TEST_F(DamageTest, AConsoleResetReplacesADamagedRecord) {
  Enrol("ada");
  const Json bob = Enrol("bob");
  DamageRecordOf("ada");
  EXPECT_EQ(LogIn("ada", "123456").status, 500);
  EXPECT_THAT(Send("GET", "/v1/accounts/ada").body["detail"].get<std::string>(),
              HasSubstr("sparekey console reset ada"));
  EXPECT_EQ(Reset({{"account", "ada"}, {"preview", true}}).body["accounts"], Json({"ada"}));
  EXPECT_EQ(LogIn("ada", "123456").status, 500) << "a preview changes nothing";
  ASSERT_EQ(Reset({{"account", "ada"}}).status, 200);
  Restart();
  const Json ada = Show("ada");
  EXPECT_EQ(ada["enrolment"], "none");
  EXPECT_EQ(ada["must_enrol"], true);
  EXPECT_EQ(ada["uid"], 1000);
  EXPECT_EQ(ada["otp_failures"], 0);
  EXPECT_EQ(LogIn("ada", "123456", "other").body["reason"], "not_enrolled");
  EXPECT_THAT(KindsOf("ada"),
              ElementsAre("gate_closed", "console_reset", "enrolment_finished", "enrolment_begun"));
  EXPECT_EQ(LogIn("bob", CodeOf(bob)).body["verdict"], "accept");
}

// Whether it was closed cannot be known any more, and only an administrator opens it.
TEST_F(DamageTest, TheGateOfAReplacedRecordIsClosed) {
  Enrol("ada");
  DamageRecordOf("ada");
  ASSERT_EQ(Reset({{"account", "ada"}}).status, 200);
  EXPECT_EQ(Begin("ada").body["reason"], "gate_closed");
  EXPECT_EQ(Send("PUT", "/v1/ssh-gate", {{"state", "open"}, {"account", "ada"}}).status, 200);
  const Json ada = Enrol("ada");
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "accept");
}

TEST_F(DamageTest, ASystemSuperLockoutEndsThoughWhoCausedItIsDamaged) {
  Enrol("ada");
  SuperLock("ada");
  DamageRecordOf("ada");
  ASSERT_EQ(Reset({{"system", true}}).status, 200);
  EXPECT_EQ(Send("GET", "/v1/status").body["lockout"], "none");
  EXPECT_EQ(Show("ada")["must_enrol"], true);
  EXPECT_EQ(LogIn("ada", "123456", "other").body["reason"], "not_enrolled");
  const Json ada = Enrol("ada");
  EXPECT_EQ(Show("ada")["uid"], 1000);
  EXPECT_EQ(LogIn("ada", CodeOf(ada), "other").body["verdict"], "accept");
}

TEST_F(DamageTest, AConsoleResetTakesTheNumberFromARecordWithoutAName) {
  Enrol("ada");
  Damage("UPDATE account SET name = CAST(x'e1' || 'da' AS TEXT) WHERE name = 'ada'");
  ASSERT_EQ(Reset({{"account", "ada"}}).status, 200);
  EXPECT_EQ(Show("ada")["uid"], 1000);
  const Json ada = Enrol("ada");
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "accept");
}

TEST_F(DamageTest, NothingButAConsoleResetReplacesADamagedRecord) {
  Enrol("ada");
  DamageRecordOf("ada");
  EXPECT_EQ(Send("DELETE", "/v1/accounts/ada").status, 500);
  EXPECT_EQ(Send("POST", "/v1/accounts/ada/unlock").status, 500);
  EXPECT_EQ(Send("POST", "/v1/accounts/ada/enrolment", {{"confirm", false}}).status, 500);
  EXPECT_EQ(Send("PUT", "/v1/ssh-gate", {{"state", "closed"}, {"account", "ada"}}).status, 500);
  for (const char* door : {"ssh", "web", "other"}) {
    EXPECT_EQ(LogIn("ada", "123456", door).status, 500);
  }
}

}  // namespace
}  // namespace sparekey
