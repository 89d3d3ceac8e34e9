// SPDX-License-Identifier: Apache-2.0
// What an owner is told with an accepted login about what happened since the last one.
#include <gmock/gmock.h>

#include "tests/support/service_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class OwnerNoticeTest : public ServiceTest {
 protected:
  static std::string Said(const Answer& answer) {
    EXPECT_EQ(answer.body["verdict"], "accept") << answer.body;
    std::string text;
    for (const Json& line : answer.body["say"]) text += line["text"].get<std::string>();
    return text;
  }
  std::string LogInNow(const Json& enrolment, const std::string& name = "ada") {
    now += std::chrono::minutes(1);
    return Said(LogIn(name, CodeOf(enrolment)));
  }
};

TEST_F(OwnerNoticeTest, IsSilentWhereNothingHappened) {
  const Json ada = Enrol("ada");
  EXPECT_EQ(LogInNow(ada), "");
  EXPECT_EQ(LogInNow(ada), "");
}

TEST_F(OwnerNoticeTest, TellsFailuresOnceWithTimeAndHost) {
  const Json ada = Enrol("ada");
  LogInNow(ada);
  const std::string before = FormatLocalTime(now);
  now += std::chrono::hours(2);
  LogIn("ada", WrongCodeOf(ada));
  LogIn("ada", WrongCodeOf(ada));
  const std::string last = FormatLocalTime(now);
  EXPECT_EQ(LogInNow(ada), "2 failed attempts since your last login (" + before +
                               "), the last: " + last + " from 192.0.2.7. 10 backup codes left.");
  EXPECT_EQ(LogInNow(ada), "");
}

TEST_F(OwnerNoticeTest, SurvivesARestart) {
  const Json ada = Enrol("ada");
  LogIn("ada", WrongCodeOf(ada));
  Restart();
  EXPECT_THAT(LogInNow(ada), StartsWith("1 failed attempt since your last login: "));
}

TEST_F(OwnerNoticeTest, TellsARecoveryAtTheNextLogin) {
  const Json ada = Enrol("ada");
  const auto& codes = ada["backup_codes"];
  const std::string when = FormatLocalTime(now);
  EXPECT_EQ(Said(Recover("ada", {codes[0], codes[1]})),
            "You signed in with backup codes. 8 backup codes left.");
  EXPECT_EQ(LogInNow(ada),
            "Backup codes were used to sign in: " + when + " from 192.0.2.7. 8 backup codes left.");
  EXPECT_EQ(LogInNow(ada), "");
}

TEST_F(OwnerNoticeTest, WarnsOfFewCodesAtEveryLogin) {
  const Json ada = Enrol("ada");
  for (int i = 0; i < 8; i += 2) {
    Recover("ada", {ada["backup_codes"][i], ada["backup_codes"][i + 1]});
  }
  LogInNow(ada);
  EXPECT_EQ(LogInNow(ada), "2 backup codes left. Get a new sheet: sparekey codes new ada");
  EXPECT_EQ(LogInNow(ada), "2 backup codes left. Get a new sheet: sparekey codes new ada");
}

TEST_F(OwnerNoticeTest, TellsWhoHasNoSheetAtEveryLogin) {
  Json ada = Json{{"account", "ada"}, {"secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}};
  ASSERT_EQ(Send("POST", "/v1/enrolments", {{"accounts", {ada}}}).status, 200);
  ada.update({{"digits", 6}, {"interval", 30}, {"algorithm", "sha1"}});
  const std::string said = "You have no backup codes. Get a sheet: sparekey codes new ada";
  EXPECT_EQ(LogInNow(ada), said);
  EXPECT_EQ(LogInNow(ada), said);
  EXPECT_EQ(Send("POST", "/v1/accounts/ada/backup-codes").status, 201);
  EXPECT_EQ(LogInNow(ada), "");
}

TEST_F(OwnerNoticeTest, TellsNobodyWhoIsDenied) {
  const Json ada = Enrol("ada");
  LogIn("ada", WrongCodeOf(ada));
  const Answer denied = LogIn("ada", WrongCodeOf(ada));
  EXPECT_THAT(denied.body["say"].dump(), Not(HasSubstr("since your last login")));
}

TEST_F(OwnerNoticeTest, WritesAHostsNameAsOneHarmlessLine) {
  const Json ada = Enrol("ada");
  Json opening = Opening("ada");
  opening["remote_host"] = "x\n\x1b[2J";
  opening["answers"] = {{"code", WrongCodeOf(ada)}};
  Send("POST", "/v1/logins", opening);
  const std::string said = LogInNow(ada);
  EXPECT_EQ(said.find('\n'), std::string::npos);
  EXPECT_EQ(said.find('\x1b'), std::string::npos);
  EXPECT_THAT(said, EndsWith("10 backup codes left."));
}

}  // namespace
}  // namespace sparekey::testing
