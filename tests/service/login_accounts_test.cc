// SPDX-License-Identifier: Apache-2.0
// Whose login it is: accounts that are not enrolled, a directory that hangs, names and numbers that
// were given to somebody else.
#include <gmock/gmock.h>

#include "tests/service/logins_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(LoginsTest, LeavesAccountsThatAreNotEnrolledToThePolicy) {
  EXPECT_EQ(Begin("bob").body["reason"], "not_required");
  EXPECT_EQ(Begin("stranger").body["reason"], "not_required");
  Send("PATCH", "/v1/settings", {{"required_for", "everyone"}});
  const Answer answer = Begin("bob");
  EXPECT_EQ(answer.body["reason"], "not_enrolled");
  EXPECT_THAT(Said(answer), HasSubstr("sparekey user enroll bob"));
}

TEST_F(LoginsTest, TellsTheTerminalWhoIsEnrolledAndWhoMustEnrol) {
  Enrol("ada");
  Send("PATCH", "/v1/settings", {{"enabled", "false"}});
  const Answer ada = Begin("ada");
  EXPECT_EQ(ada.body["reason"], "not_required");
  EXPECT_EQ(ada.body["enrolled"], true);
  EXPECT_EQ(Begin("bob").body["enrolled"], false);
  config.console.allow_root = true;
  ASSERT_EQ(Send("POST", "/v1/console/resets", {{"account", "ada"}}).status, 200);
  const Answer reset = Begin("ada");
  EXPECT_EQ(reset.body["reason"], "not_enrolled");
  EXPECT_EQ(reset.body["must_enrol"], true);
  EXPECT_EQ(reset.body["enrolled"], false);
}

TEST_F(LoginsTest, DecidesEnrolledAccountsWithoutTheDirectoryAndDeniesTheRest) {
  const Json ada = Enrol("ada");
  directory.hangs = true;
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "accept");
  const Answer bob = Begin("bob");
  EXPECT_EQ(bob.status, 503);
  EXPECT_EQ(bob.body["code"], "unavailable");
}

TEST_F(LoginsTest, KeepsAnAdministratorOneWhileTheDirectoryHangs) {
  Enrol("ada");
  directory.hangs = true;
  FailRecoveries("ada", 10);
  directory.hangs = false;
  EXPECT_EQ(Begin("bob").body["reason"], "super_locked");
}

TEST_F(LoginsTest, DeniesANameOrANumberThatHasBeenGivenToSomebodyElse) {
  const Json ada = Enrol("ada");
  people().at("ada").uid = 2000;
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["reason"], "identity_changed");
  people().erase("ada");
  EXPECT_EQ(Begin("ada").body["reason"], "identity_changed");
  people().emplace("eve", Identity{"eve", 1000, {}, false});
  EXPECT_EQ(Begin("eve").body["reason"], "identity_changed");
}

TEST_F(LoginsTest, TakesTwoNamesOfOneUidForOneAccount) {
  const Json ada = Enrol("ada");
  people().emplace("ada-backup", Identity{"ada-backup", 1000, {"ada"}, false});
  EXPECT_EQ(LogIn("ada-backup", CodeOf(ada)).body["verdict"], "accept");
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "deny");  // spent for both
  for (int i = 0; i < 5; ++i) LogIn("ada-backup", WrongCodeOf(ada));
  EXPECT_EQ(Begin("ada").body["ask"][0]["id"], "backup_code_1");
  EXPECT_EQ(Show("ada-backup")["account"], "ada");
  const Json access = {{"account", "ada-backup"}, {"door", "ssh"}};
  EXPECT_EQ(Send("POST", "/v1/access", access).body["reason"], "key_only");
  const Answer other = Send("POST", "/v1/accounts/ada-backup/enrolment", Json::object());
  EXPECT_EQ(other.status, 409);
}

TEST_F(LoginsTest, ASecondNameHasNoWayAroundTheAccountsOwnLockouts) {
  const Json bob = Enrol("bob");
  people().emplace("bob2", Identity{"bob2", 1001, {"bob"}, false});
  FailRecoveries("bob2", 10);
  EXPECT_EQ(Show("bob")["lockout"], "super_locked");
  ASSERT_EQ(Send("PATCH", "/v1/settings", {{"enabled", "false"}}).status, 200);
  EXPECT_EQ(Begin("bob2").body["reason"], "super_locked");
}

TEST_F(LoginsTest, DeniesARenamedAccountUntilItIsEnrolledAnew) {
  const Json ada = Enrol("ada");
  people().emplace("augusta", Identity{"augusta", 1000, {"sudo"}, false});
  people().erase("ada");
  EXPECT_EQ(LogIn("augusta", CodeOf(ada)).body["reason"], "identity_changed");
  const Json augusta = Enrol("augusta");
  EXPECT_EQ(LogIn("augusta", CodeOf(augusta)).body["verdict"], "accept");
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["reason"], "identity_changed");  // account gone
}

TEST_F(LoginsTest, DeniesWhomAGroupThatIsNotKnownNowMayRequireToEnrol) {
  const Json ada = Enrol("ada");
  for (const char* name : {"ada", "bob"}) {
    people().at(name).groups = {"users"};
    people().at(name).groups_complete = false;
  }
  EXPECT_EQ(Begin("bob").body["reason"], "not_required");
  const Json wish = {{"required_for", "groups"}, {"required_groups", "staff"}};
  ASSERT_EQ(Send("PATCH", "/v1/settings", wish).status, 200);
  EXPECT_EQ(Begin("bob").status, 503);
  EXPECT_EQ(Send("POST", "/v1/accounts/bob/enrolment", Json::object()).status, 503);
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "accept");
  EXPECT_EQ(Show("ada")["administrator"], true);
  people().at("bob").groups = {"staff"};
  EXPECT_EQ(Begin("bob").body["reason"], "not_enrolled");
}

TEST_F(LoginsTest, KeepsAccountsWithoutANumberApart) {
  config.console.allow_root = true;
  for (const char* name : {"eve", "fay"}) people().emplace(name, Identity{name, kNoUid, {}, false});
  const Json eve = Enrol("eve");
  const Json fay = Enrol("fay");
  EXPECT_EQ(LogIn("eve", CodeOf(eve)).body["verdict"], "accept");
  EXPECT_EQ(LogIn("fay", WrongCodeOf(fay)).body["verdict"], "deny");
  EXPECT_EQ(Show("eve")["otp_failures"], 0);
  EXPECT_EQ(Show("fay")["otp_failures"], 1);
  EXPECT_EQ(Show("fay")["uid"], Json());
  EXPECT_EQ(Show("fay")["administrator"], false);
  EXPECT_EQ(Send("POST", "/v1/accounts/eve/enrolment", Json::object()).status, 409);
  people().emplace("gus", Identity{"gus", kNoUid, {}, false});
  for (const char* name : {"eve", "gus"}) {
    EXPECT_EQ(Send("POST", "/v1/console/resets", {{"account", name}}).status, 200) << name;
    EXPECT_EQ(Show(name)["must_enrol"], true) << name;
    EXPECT_EQ(LogIn(name, CodeOf(Enrol(name))).body["verdict"], "accept") << name;
  }
}

TEST_F(LoginsTest, NeverTakesAnAccountWithoutANumberForAPeersOwn) {
  people().emplace("eve", Identity{"eve", kNoUid, {}, false});
  Enrol("eve");
  for (const uid_t uid : {uid_t{1000}, kNoUid}) {
    const Peer peer{SocketKind::kApi, uid, uid, getpid(), 1};
    EXPECT_EQ(Send("GET", "/v1/accounts/eve", Json(), peer).status, 403);
  }
}
}  // namespace
}  // namespace sparekey::testing
