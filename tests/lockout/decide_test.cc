// SPDX-License-Identifier: Apache-2.0
// Rules 2 to 6 for one attempt with a one-time code, by example.
#include <gmock/gmock.h>

#include "tests/lockout/decide_fixture.h"

namespace sparekey {
namespace {

using testing::CodeAt;
using testing::DecideTest;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kBuilt;
using testing::kNow;
using testing::MakeAuthenticator;

TEST_F(DecideTest, AcceptsARightCodeAndSpendsItsStepAndAllBefore) {
  account.otp_failures = 3;
  account.otp_budget_spent = 7;
  const Decision decision = TryRight();
  EXPECT_EQ(decision.verdict, Verdict::kAccept);
  EXPECT_EQ(decision.reason, Reason::kAccepted);
  EXPECT_TRUE(decision.account_changed);
  EXPECT_FALSE(decision.system_changed);
  EXPECT_EQ(account.authenticators[0].mark, *TotpStep(kNow, std::chrono::seconds(30)));
  EXPECT_EQ(account.authenticators[0].last_used, kNow);
  EXPECT_EQ(account.otp_failures, 0);
  EXPECT_EQ(account.otp_budget_spent, 6);
  EXPECT_EQ(account.last_login, kNow);
  EXPECT_THAT(Kinds(decision), ElementsAre(EventKind::kLogin));
}

TEST_F(DecideTest, GivesTheBudgetBackOnlyUpToFull) {
  TryRight();
  EXPECT_EQ(account.otp_budget_spent, 0);
}

TEST_F(DecideTest, DeniesTheSameCodeAgainAsAReplayAndDoesNotCountIt) {
  TryRight();
  const Decision decision = TryRight();
  EXPECT_EQ(decision.verdict, Verdict::kDeny);
  EXPECT_EQ(decision.reason, Reason::kReplay);
  EXPECT_FALSE(decision.account_changed);
  EXPECT_EQ(account.otp_failures, 0);
  EXPECT_THAT(Kinds(decision), ElementsAre(EventKind::kReplay));
}

TEST_F(DecideTest, CountsACodeOfAnEarlierStepAsWrong) {
  TryRight(+1);
  EXPECT_EQ(TryRight(0).reason, Reason::kWrongCode);
  EXPECT_EQ(account.otp_failures, 1);
}

TEST_F(DecideTest, AcceptsTheNextStepAfterAnAcceptedOne) {
  TryRight(0);
  EXPECT_EQ(TryRight(+1).verdict, Verdict::kAccept);
}

TEST_F(DecideTest, CountsAWrongCodeInARowAndInTheBudget) {
  const Decision decision = TryWrong();
  EXPECT_EQ(decision.verdict, Verdict::kDeny);
  EXPECT_EQ(decision.reason, Reason::kWrongCode);
  EXPECT_TRUE(decision.account_changed);
  EXPECT_EQ(account.otp_failures, 1);
  EXPECT_EQ(account.otp_budget_spent, 1);
  EXPECT_THAT(Kinds(decision), ElementsAre(EventKind::kWrongCode));
}

TEST_F(DecideTest, LocksAtTheLimitInARow) {
  for (int i = 0; i < 4; ++i) TryWrong();
  EXPECT_FALSE(account.locked);
  const Decision decision = TryWrong();
  EXPECT_EQ(account.locked, kNow);
  EXPECT_EQ(account.otp_failures, 5);
  EXPECT_THAT(Kinds(decision), ElementsAre(EventKind::kWrongCode, EventKind::kLockout));
  EXPECT_FALSE(account.gate);
}

TEST_F(DecideTest, LocksWhenTheBudgetIsEmptyHoweverOftenTheOwnerLogsIn) {
  policy.lockout_otp_budget = 10;
  int wrong = 0;
  while (!account.locked && wrong < 100) {
    for (int i = 0; i < 4 && !account.locked; ++i, ++wrong) TryWrong();
    clock.now += std::chrono::seconds(30);
    if (!account.locked) {
      EXPECT_EQ(TryRight().verdict, Verdict::kAccept);
    }
  }
  EXPECT_EQ(wrong, 12);  // 4 - 1 + 4 - 1 + 4 = 10 more wrong codes than accepted logins
}

TEST_F(DecideTest, NeverLocksByABudgetThatIsOff) {
  policy.lockout_otp_budget = 0;
  policy.lockout_otp_attempts = 100;
  account.otp_budget_spent = 5000;
  TryWrong();
  EXPECT_FALSE(account.locked);
}

TEST_F(DecideTest, NeitherVerifiesNorCountsOneTimeCodesWhileLocked) {
  account.locked = kNow;
  account.otp_failures = 5;
  for (const Decision& decision : {TryRight(), TryWrong()}) {
    EXPECT_EQ(decision.reason, Reason::kLocked);
    EXPECT_FALSE(decision.account_changed);
    EXPECT_THAT(decision.events, IsEmpty());
  }
  EXPECT_EQ(account.otp_failures, 5);
  EXPECT_EQ(account.authenticators[0].mark, -1);
}

TEST_F(DecideTest, DoesNotCountWhatIsNoCodeOfAnAuthenticatorsLength) {
  for (const std::string code : {"", "12345", "1234567", "12345678"}) {
    const Decision decision = TryCode(code);
    EXPECT_EQ(decision.reason, Reason::kNotAnAttempt) << code;
    EXPECT_FALSE(decision.account_changed);
  }
  EXPECT_EQ(account.otp_failures, 0);
}

TEST_F(DecideTest, AcceptsTheCodeOfAnyAuthenticator) {
  account.authenticators.push_back(MakeAuthenticator("key", "another secret of 20"));
  account.authenticators[1].digits = 8;
  const Decision decision = TryCode(CodeAt(account.authenticators[1], kNow));
  EXPECT_EQ(decision.verdict, Verdict::kAccept);
  EXPECT_EQ(account.authenticators[0].mark, -1);
  EXPECT_GT(account.authenticators[1].mark, 0);
}

TEST_F(DecideTest, SpendsACodeOfTwoAuthenticatorsWithOneSecretOnce) {
  account.authenticators.push_back(MakeAuthenticator("tablet"));
  EXPECT_EQ(TryRight().verdict, Verdict::kAccept);
  EXPECT_EQ(TryRight().reason, Reason::kReplay);
}

TEST_F(DecideTest, SpendsACodeForASecretThatOnlyHasZerosMore) {
  account.authenticators.push_back(
      MakeAuthenticator("padded", std::string("12345678901234567890\0", 21)));
  const std::string code = CodeAt(account.authenticators[0], kNow);
  ASSERT_EQ(CodeAt(account.authenticators[1], kNow), code);
  EXPECT_EQ(TryCode(code).verdict, Verdict::kAccept);
  EXPECT_EQ(TryRight(+1).verdict, Verdict::kAccept);
  EXPECT_EQ(TryCode(code).reason, Reason::kWrongCode);
}

TEST_F(DecideTest, HotpMissesNeverMoveTheCounter) {
  Authenticator& hotp = account.authenticators[0];
  hotp.type = OtpType::kHotp;
  hotp.mark = 4;
  TryCode(CounterCode(hotp, 15));
  EXPECT_EQ(hotp.mark, 4);
  EXPECT_EQ(account.otp_failures, 1);
  TryCode(CounterCode(hotp, 14));
  EXPECT_EQ(hotp.mark, 14);
  EXPECT_EQ(account.otp_failures, 0);
}

// What two authenticators have in common below is by chance.
TEST_F(DecideTest, MovesNoCounterForACodeThatIsTotp) {
  account.authenticators.insert(account.authenticators.begin(),
                                MakeAuthenticator("key", "another secret of 20"));
  account.authenticators[0].type = OtpType::kHotp;
  account.authenticators[0].mark = 256011;
  const std::string code = CodeAt(account.authenticators[1], kNow);
  ASSERT_EQ(CounterCode(account.authenticators[0], 256016), code);
  EXPECT_EQ(TryCode(code).verdict, Verdict::kAccept);
  EXPECT_EQ(account.authenticators[0].mark, 256011);
  EXPECT_FALSE(account.authenticators[0].last_used);
  EXPECT_EQ(account.authenticators[1].mark, *TotpStep(kNow, std::chrono::seconds(30)));
  EXPECT_EQ(account.authenticators[1].last_used, kNow);
  EXPECT_EQ(TryCode(code).reason, Reason::kReplay);
  EXPECT_EQ(account.authenticators[0].mark, 256011);
}

TEST_F(DecideTest, MovesTheCounterThatIsNearer) {
  account.authenticators.push_back(MakeAuthenticator("key", "another secret of 20"));
  for (Authenticator& one : account.authenticators) one.type = OtpType::kHotp;
  ASSERT_EQ(CounterCode(account.authenticators[0], 290), "444622");
  ASSERT_EQ(CounterCode(account.authenticators[1], 625), "444622");
  for (const auto& [first, second] : {std::pair(284, 624), {289, 619}}) {
    account.authenticators[0].mark = first;
    account.authenticators[1].mark = second;
    EXPECT_EQ(TryCode("444622").verdict, Verdict::kAccept);
    EXPECT_EQ(account.authenticators[0].mark, first == 289 ? 290 : 284);
    EXPECT_EQ(account.authenticators[1].mark, second == 624 ? 625 : 619);
  }
}

TEST_F(DecideTest, LeavesCodesUncheckedAndUncountedWhenTheClockIsWrong) {
  const std::string code = CodeAt(account.authenticators[0], kNow);
  clock.now = kBuilt - std::chrono::seconds(1);
  Decision decision = TryCode(code);
  EXPECT_EQ(decision.reason, Reason::kClockWrong);
  EXPECT_FALSE(decision.account_changed);
  EXPECT_THAT(Kinds(decision), ElementsAre(EventKind::kClockWrong));

  clock.now = kNow;
  account.authenticators[0].mark = *TotpStep(kNow, std::chrono::seconds(30)) + 2;
  EXPECT_EQ(TryWrong().reason, Reason::kClockWrong);
  EXPECT_EQ(account.otp_failures, 0);
}

TEST_F(DecideTest, StillCountsGuessesAtAHotpAuthenticatorWhenTheClockIsWrong) {
  account.authenticators.push_back(MakeAuthenticator("key", "another secret of 20"));
  account.authenticators[1].type = OtpType::kHotp;
  clock.now = kBuilt - std::chrono::seconds(1);
  EXPECT_EQ(TryCode("000000").reason, Reason::kWrongCode);
  EXPECT_EQ(account.otp_failures, 1);
}

TEST_F(DecideTest, SpendsAStepForEveryAuthenticatorOfItsSecretAndNoOther) {
  account.authenticators.push_back(testing::MakeAuthenticator("copy"));
  account.authenticators.push_back(testing::MakeAuthenticator("other", "another secret of 20"));
  EXPECT_EQ(TryRight().reason, Reason::kAccepted);
  const std::int64_t spent = account.authenticators[0].mark;
  EXPECT_GT(spent, 0);
  EXPECT_EQ(account.authenticators[1].mark, spent);
  EXPECT_EQ(account.authenticators[2].mark, -1);
  account.authenticators.erase(account.authenticators.begin());
  EXPECT_EQ(TryRight().reason, Reason::kReplay);
}

TEST_F(DecideTest, DeniesAnAccountThatIsNotEnrolled) {
  account.authenticators.clear();
  EXPECT_EQ(TryCode("123456").reason, Reason::kNotEnrolled);
  EXPECT_EQ(account.otp_failures, 0);
}

TEST(ToString, GivesReasonsTheNamesOfTheApi) {
  EXPECT_EQ(ToString(Reason::kAccepted), "accepted");
  EXPECT_EQ(ToString(Reason::kGateClosed), "gate_closed");
  EXPECT_EQ(ToString(Reason::kClockWrong), "clock_wrong");
}

}  // namespace
}  // namespace sparekey
