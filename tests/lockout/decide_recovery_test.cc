// SPDX-License-Identifier: Apache-2.0
// Recoveries with backup codes, by example.
#include <gmock/gmock.h>

#include "tests/lockout/decide_fixture.h"

namespace sparekey {
namespace {

using testing::DecideTest;
using ::testing::ElementsAre;
using testing::kNow;

TEST_F(DecideTest, RecoversWithUnspentCodesAndClearsLockFailuresAndBudget) {
  account.locked = kNow;
  account.otp_failures = 5;
  account.otp_budget_spent = 50;
  account.recovery_failures = 9;
  const Decision decision = TrySet({7, 2});
  EXPECT_EQ(decision.verdict, Verdict::kAccept);
  EXPECT_EQ(decision.reason, Reason::kRecovered);
  EXPECT_TRUE(account.sheet->codes[2].spent);
  EXPECT_TRUE(account.sheet->codes[7].spent);
  EXPECT_EQ(account.sheet->CodesLeft(), 8);
  EXPECT_FALSE(account.locked);
  EXPECT_EQ(account.otp_failures, 0);
  EXPECT_EQ(account.otp_budget_spent, 0);
  EXPECT_EQ(account.recovery_failures, 0);
  EXPECT_THAT(Kinds(decision), ElementsAre(EventKind::kRecovery));
}

TEST_F(DecideTest, TellsThatFewCodesAreLeftAfterARecovery) {
  policy.codes_low = 6;
  EXPECT_THAT(Kinds(TrySet({0, 1})), ElementsAre(EventKind::kRecovery));
  const Decision decision = TrySet({2, 3});
  EXPECT_THAT(Kinds(decision), ElementsAre(EventKind::kRecovery, EventKind::kCodesLow));
  EXPECT_EQ(decision.events.back().detail, "6 backup codes left");
}

TEST_F(DecideTest, TellsThatFewerThanTwoRecoveriesAreLeftWhateverTheSettingSays) {
  policy.codes_low = 0;
  policy.codes_required = 4;
  EXPECT_THAT(Kinds(TrySet({0, 1, 2, 3})), ElementsAre(EventKind::kRecovery, EventKind::kCodesLow));
}

TEST_F(DecideTest, SpendsNothingWhenOneCodeOfTheSetIsWrong) {
  const Decision decision = TrySet({1, std::nullopt});
  EXPECT_EQ(decision.verdict, Verdict::kDeny);
  EXPECT_EQ(decision.reason, Reason::kWrongCodes);
  EXPECT_EQ(account.sheet->CodesLeft(), 10);
  EXPECT_EQ(account.recovery_failures, 1);
}

TEST_F(DecideTest, CountsAMatchBeyondTheSheetAsWrong) {
  EXPECT_EQ(TrySet({1, 10}).reason, Reason::kWrongCodes);  // places 0 to 9
  EXPECT_EQ(account.sheet->CodesLeft(), 10);
  EXPECT_EQ(account.recovery_failures, 1);
}

TEST_F(DecideTest, DeniesTheLastSpentSetInAnyOrderAsAReplay) {
  TrySet({1, 2});
  const Decision decision = TrySet({2, 1});
  EXPECT_EQ(decision.reason, Reason::kReplay);
  EXPECT_EQ(account.recovery_failures, 0);
}

TEST_F(DecideTest, CountsAnOlderSpentSetAndAMixOfSpentAndUnspent) {
  TrySet({1, 2});
  TrySet({3, 4});
  EXPECT_EQ(TrySet({1, 2}).reason, Reason::kWrongCodes);
  EXPECT_EQ(TrySet({3, 5}).reason, Reason::kWrongCodes);
  EXPECT_EQ(account.recovery_failures, 2);
  EXPECT_FALSE(account.sheet->codes[5].spent);
}

TEST_F(DecideTest, CountsCodesOfAReplacedSheet) {
  const Decision decision = Try(BackupCodeSet{account.sheet->number + 1, {1, 2}});
  EXPECT_EQ(decision.reason, Reason::kWrongCodes);
  EXPECT_EQ(account.recovery_failures, 1);
}

TEST_F(DecideTest, CountsARecoveryOfAnAccountWithoutASheet) {
  account.sheet.reset();
  EXPECT_EQ(TrySet({0, 1}).reason, Reason::kWrongCodes);
  EXPECT_EQ(account.recovery_failures, 1);
}

TEST_F(DecideTest, TakesNeitherMoreNorFewerCodesThanOneRecoveryNeeds) {
  for (const auto& set :
       std::vector<std::vector<std::optional<std::uint8_t>>>{{}, {1}, {1, 2, 3}, {std::nullopt}}) {
    EXPECT_EQ(TrySet(set).reason, Reason::kNotAnAttempt);
  }
  EXPECT_EQ(account.recovery_failures, 0);
}

TEST_F(DecideTest, DoesNotCountOneCodeTwice) {
  EXPECT_EQ(TrySet({3, 3}).reason, Reason::kNotAnAttempt);
  EXPECT_EQ(account.recovery_failures, 0);
  EXPECT_FALSE(account.sheet->codes[3].spent);
}

}  // namespace
}  // namespace sparekey
