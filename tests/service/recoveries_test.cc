// SPDX-License-Identifier: Apache-2.0
// Logins by backup codes, and the super-lockouts that failed ones end in.
#include <gmock/gmock.h>

#include "tests/service/logins_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(LoginsTest, RecoversWithTwoCodesAndSaysHowManyAreLeft) {
  const Json ada = Enrol("ada");
  const Answer answer = Recover("ada", {ada["backup_codes"][0], ada["backup_codes"][9]});
  EXPECT_EQ(answer.body["reason"], "recovered");
  EXPECT_EQ(answer.body["codes_left"], 8);
  EXPECT_THAT(Said(answer), HasSubstr("8 backup codes left"));
}

TEST_F(LoginsTest, TakesABackupCodeAtTheOneTimePromptAsCodeOne) {
  const Json ada = Enrol("ada");
  const Answer login = Begin("ada");
  const Answer asked = Give(login, {{"code", ada["backup_codes"][0]}});
  ASSERT_EQ(asked.body["ask"].size(), 1);
  EXPECT_EQ(asked.body["ask"][0]["id"], "backup_code_2");
  EXPECT_EQ(Show("ada")["codes_left"], 10);
  EXPECT_EQ(Give(login, {{"backup_code_2", ada["backup_codes"][1]}}).body["verdict"], "accept");
}

TEST_F(LoginsTest, TakesABackupCodeInTheFirstMessageEvenWhileLocked) {
  const Json ada = Enrol("ada");
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada));
  const Answer asked = LogIn("ada", ada["backup_codes"][0]);
  ASSERT_EQ(asked.body["ask"][0]["id"], "backup_code_2");
  EXPECT_EQ(Give(asked, {{"backup_code_2", ada["backup_codes"][1]}}).body["verdict"], "accept");
}

TEST_F(LoginsTest, SpendsNothingOnASetWithOneWrongCode) {
  const Json ada = Enrol("ada");
  const Answer answer = Recover("ada", {ada["backup_codes"][0], "0000-0000-0000-0000"});
  EXPECT_EQ(answer.body["reason"], "wrong_codes");
  EXPECT_EQ(Show("ada")["codes_left"], 10);
  EXPECT_EQ(Show("ada")["recovery_failures"], 1);
}

TEST_F(LoginsTest, CountsSpentAndOtherPeoplesCodesButNotOneCodeTwiceOrTheLastSet) {
  const Json ada = Enrol("ada");
  const Json bob = Enrol("bob");
  const Json& codes = ada["backup_codes"];
  Recover("ada", {codes[0], codes[1]});
  EXPECT_EQ(Recover("ada", {codes[0], codes[1]}).body["reason"], "wrong_codes");
  EXPECT_EQ(Show("ada")["recovery_failures"], 0);
  EXPECT_EQ(Recover("ada", {codes[2], codes[2]}).body["reason"], "not_an_attempt");
  EXPECT_EQ(Show("ada")["recovery_failures"], 0);
  EXPECT_EQ(Recover("ada", {codes[0], codes[2]}).body["reason"], "wrong_codes");
  EXPECT_EQ(Recover("ada", {bob["backup_codes"][0], bob["backup_codes"][1]}).body["reason"],
            "wrong_codes");
  EXPECT_EQ(Show("ada")["recovery_failures"], 2);
  EXPECT_EQ(Show("bob")["codes_left"], 10);
}

TEST_F(LoginsTest, AsksForNoCodesWhereTooFewAreLeftForARecovery) {
  const Json ada = Enrol("ada");
  Send("PATCH", "/v1/settings", {{"backup_codes.required", "3"}});
  for (int i = 0; i < 9; i += 3) {
    Recover("ada",
            {ada["backup_codes"][i], ada["backup_codes"][i + 1], ada["backup_codes"][i + 2]});
  }
  const Answer answer = Recover("ada", {ada["backup_codes"][9]});
  EXPECT_EQ(answer.body["reason"], "not_an_attempt");
  EXPECT_THAT(Said(answer), HasSubstr("sparekey codes new ada"));
  EXPECT_EQ(Show("ada")["recovery_failures"], 0);
}

TEST_F(LoginsTest, SuperLocksEverybodyAtAnAdministratorsTenthFailedRecovery) {
  const Json ada = Enrol("ada");
  const Json bob = Enrol("bob");
  FailRecoveries("ada", 10);
  for (const Json& who : {ada, bob}) {
    const Answer answer = LogIn(who["account"], CodeOf(who));
    EXPECT_EQ(answer.body["reason"], "super_locked");
    EXPECT_EQ(Said(answer),
              "Logins are disabled on this system. Reset it at the local console with: sparekey "
              "console");
  }
  EXPECT_EQ(Begin("root").body["reason"], "super_locked");
  EXPECT_EQ(Begin("nobody-knows").body["reason"], "super_locked");
  Restart();
  EXPECT_EQ(Begin("ada", "web").body["reason"], "super_locked");
  const Json status = Send("GET", "/v1/status").body;
  EXPECT_EQ(status["lockout"], "super_locked");
  EXPECT_EQ(status["ssh_gate"], "closed");
  EXPECT_EQ(status["lockout_causes"], Json::array({"ada"}));
}

TEST_F(LoginsTest, SuperLocksAnotherAccountAlone) {
  Enrol("bob");
  const Json ada = Enrol("ada");
  FailRecoveries("bob", 10);
  EXPECT_THAT(Said(Begin("bob")), HasSubstr("Logins of bob are disabled."));
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "accept");
}

TEST_F(LoginsTest, AsksForNoRecoveryWhereTheTerminalForbidsIt) {
  const Json ada = Enrol("ada");
  Json opening = Opening("ada");
  opening["recovery"] = false;
  opening["answers"] = {{"code", ada["backup_codes"][0]}};
  EXPECT_EQ(Send("POST", "/v1/logins", opening).body["reason"], "not_an_attempt");
  opening["answers"] = {{"code", "recover"}};
  EXPECT_EQ(Send("POST", "/v1/logins", opening).body["reason"], "not_an_attempt");
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada));
  opening.erase("answers");
  EXPECT_EQ(Send("POST", "/v1/logins", opening).body["reason"], "locked");
}
}  // namespace
}  // namespace sparekey::testing
