// SPDX-License-Identifier: Apache-2.0
// The system clock is turned: what a wrong clock may and may not change.
#include <gmock/gmock.h>

#include "tests/support/service_fixture.h"

namespace sparekey {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::Answer;
using ::testing::HasSubstr;
using testing::kBuilt;
using testing::kNow;

const TimePoint k1970{seconds(1000)};
const TimePoint k1969{seconds(-1000)};
const TimePoint k2038{seconds((1LL << 31) + 5)};
const TimePoint k2106{seconds((1LL << 32) + 5)};
const TimePoint k9999{seconds(253402300000)};

class ClockTest : public testing::ServiceTest {
 protected:
  ClockTest() {
    ada_ = Enrol("ada");
    bob_ = Enrol("bob", {{"type", "hotp"}});
  }

  std::string HotpCode(std::uint64_t counter) const {
    const auto secret = DecodeBase32(bob_["secret"].get<std::string>());
    return std::string(ComputeOtp(HashAlgorithm::kSha1, *secret, counter, 6).ExposeText());
  }
  std::string LogInAda(int steps = 0) { return ReasonOf(LogIn("ada", CodeOf(ada_, steps))); }
  static std::string ReasonOf(const Answer& answer) { return answer.body["reason"]; }

  // Time-based codes are neither verified nor counted, in words that say why; all else works.
  void ExpectUnusable(std::uint64_t counter) {
    const Json before = Show("ada");
    for (const std::string& code : {CodeOf(ada_), WrongCodeOf(ada_), CodeOf(ada_, -1)}) {
      const Answer denied = LogIn("ada", code);
      EXPECT_EQ(ReasonOf(denied), "clock_wrong");
      EXPECT_THAT(denied.body["say"][0]["text"].get<std::string>(), HasSubstr("clock"));
    }
    EXPECT_EQ(Show("ada")["otp_failures"], before["otp_failures"]);
    EXPECT_EQ(Show("ada")["otp_budget_left"], before["otp_budget_left"]);
    EXPECT_EQ(ReasonOf(LogIn("bob", HotpCode(counter))), "accepted");
    EXPECT_EQ(ReasonOf(LogIn("bob", HotpCode(counter))), "wrong_code");
    std::vector<std::string> codes;
    const int left = before["codes_left"];
    for (int i = 10 - left; i < 12 - left; ++i) codes.push_back(ada_["backup_codes"][i]);
    EXPECT_EQ(ReasonOf(Recover("ada", codes)), "recovered");
  }

  void SuperLock() {
    Send("PATCH", "/v1/settings", {{"backup_codes.max_attempts", "1"}});
    Recover("ada", {"0000000000000000", "1000000000000000"});
  }

  Json ada_, bob_;
};

TEST_F(ClockTest, AnHourBackMakesTimeBasedCodesUnusableAndNothingElse) {
  ASSERT_EQ(LogInAda(), "accepted");
  now = kNow - hours(1);
  ExpectUnusable(0);
  now = kNow;
  EXPECT_EQ(LogInAda(), "wrong_code") << "spent, in the words of a wrong code";
  EXPECT_EQ(Show("ada")["otp_failures"], 0) << "a replay is not counted";
  now = kNow + seconds(30);
  EXPECT_EQ(LogInAda(), "accepted");
}

TEST_F(ClockTest, AnHourBackWithoutALoginBeforeTakesTheCodesOfThatTime) {
  now = kNow - hours(1);
  EXPECT_EQ(LogInAda(), "accepted");
  now = kNow;
  EXPECT_EQ(LogInAda(), "accepted");
}

TEST_F(ClockTest, ADayAheadTakesTheCodesOfThatTimeOnly) {
  const std::string today = CodeOf(ada_);
  now = kNow + hours(24);
  EXPECT_EQ(ReasonOf(LogIn("ada", today)), "wrong_code");
  EXPECT_EQ(Show("ada")["otp_failures"], 1);
  EXPECT_EQ(LogInAda(), "accepted");
  now = kNow;  // set right again, with a step of tomorrow spent
  ExpectUnusable(0);
  now = kNow + hours(24);
  EXPECT_EQ(LogInAda(), "wrong_code");
  now += seconds(30);
  EXPECT_EQ(LogInAda(), "accepted");
}

TEST_F(ClockTest, BeforeTheBuildDateNoTimeBasedCodeIsTaken) {
  std::uint64_t counter = 0;
  for (const TimePoint time : {k1970, kBuilt - seconds(1)}) {
    now = time;
    ExpectUnusable(counter++);
    const Json status = Send("GET", "/v1/status").body;
    EXPECT_EQ(status["clock"]["usable"], false);
  }
  now = k1969;
  EXPECT_EQ(ReasonOf(LogIn("ada", "123456")), "clock_wrong");
  EXPECT_EQ(ReasonOf(LogIn("bob", HotpCode(counter))), "accepted");
  now = kBuilt;
  EXPECT_EQ(LogInAda(), "accepted");
}

TEST_F(ClockTest, BeyondThirtyOneAndThirtyTwoBitsCodesAreTakenOnce) {
  std::uint64_t counter = 0;
  for (const TimePoint time : {k2038, k2106, k9999}) {
    now = time;
    EXPECT_EQ(LogInAda(), "accepted") << FormatTime(time);
    EXPECT_EQ(LogInAda(), "wrong_code") << FormatTime(time);
    EXPECT_EQ(Show("ada")["otp_failures"], 0);
    EXPECT_EQ(Show("ada")["last_login"], FormatTime(time));
    EXPECT_EQ(ReasonOf(LogIn("bob", HotpCode(counter++))), "accepted");
  }
  Restart();
  for (const TimePoint time : {k2106, k2038, kNow, k1970}) {
    now = time;
    EXPECT_EQ(LogInAda(), "clock_wrong") << FormatTime(time);
  }
}

TEST_F(ClockTest, NoTimeEndsALockout) {
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada_));
  for (const TimePoint time :
       {k1970, kNow - hours(1), kNow + hours(24 * 365), k2038, k2106, k9999}) {
    now = time;
    const Answer asked = LogIn("ada", CodeOf(ada_));
    EXPECT_EQ(asked.body["ask"][0]["id"], "backup_code_1") << FormatTime(time);
    Restart();
    EXPECT_EQ(Show("ada")["lockout"], "locked");
    EXPECT_EQ(Show("ada")["locked_since"], FormatTime(kNow));
  }
}

TEST_F(ClockTest, NoTimeEndsASuperLockoutOrOpensAGate) {
  SuperLock();
  for (const TimePoint time :
       {k1970, kNow - hours(1), kNow + hours(24 * 365), k2038, k2106, k9999}) {
    now = time;
    for (const char* door : {"ssh", "web", "other"}) {
      EXPECT_EQ(ReasonOf(LogIn("bob", HotpCode(0), door)), "super_locked") << FormatTime(time);
    }
    Restart();
    const Json status = Send("GET", "/v1/status").body;
    EXPECT_EQ(status["lockout"], "super_locked");
    EXPECT_EQ(status["ssh_gate"], "closed");
  }
}

TEST_F(ClockTest, AConsoleResetWorksAtAnyTime) {
  config.console.allow_root = true;
  for (const TimePoint time : {k1970, kBuilt - seconds(1), k2106}) {
    now = time;
    SuperLock();
    ASSERT_EQ(Send("GET", "/v1/status").body["lockout"], "super_locked");
    EXPECT_EQ(Send("POST", "/v1/console/resets", {{"system", true}}).status, 200);
    EXPECT_EQ(Send("PUT", "/v1/ssh-gate", {{"state", "open"}}).status, 200);
    EXPECT_EQ(Send("GET", "/v1/status").body["lockout"], "none");
    ada_ = Enrol("ada");
  }
  EXPECT_EQ(LogInAda(), "accepted");
}

TEST_F(ClockTest, AnEnrolmentIsNotConfirmedByAWrongClock) {
  now = k1970;
  Send("DELETE", "/v1/accounts/ada");
  const Json ada = Send("POST", "/v1/accounts/ada/enrolment", Json::object()).body;
  const Answer answer =
      Send("POST", "/v1/accounts/ada/enrolment/confirmation", {{"code", CodeOf(ada)}});
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body["code"], "clock");
  EXPECT_EQ(Show("ada")["enrolment"], "pending");
}

}  // namespace
}  // namespace sparekey
