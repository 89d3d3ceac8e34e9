// SPDX-License-Identifier: Apache-2.0
// How an account is enrolled and removed, and what becomes of an enrolment when names and numbers
// of accounts change.
#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/service/administration_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::HasSubstr;

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
}  // namespace
}  // namespace sparekey::testing
