// SPDX-License-Identifier: Apache-2.0
#include "lockout/owner_notice.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/accounts.h"

namespace sparekey {
namespace {

using testing::kNow;
using testing::MakeAccount;

constexpr std::chrono::minutes kMinute{1};

Decision Denied(Reason reason) { return {Verdict::kDeny, reason, false, false, {}}; }
Decision Accepted(Reason reason) { return {Verdict::kAccept, reason, true, false, {}}; }

TEST(KeepForOwner, CountsFailuresUntilTheNextLoginAndThenTellsThem) {
  Account account = MakeAccount();
  EXPECT_EQ(KeepForOwner(account, Denied(Reason::kWrongCode), "192.0.2.7", kNow).failures, 0);
  KeepForOwner(account, Denied(Reason::kWrongCodes), "192.0.2.8", kNow + kMinute);
  const OwnerNotice told =
      KeepForOwner(account, Accepted(Reason::kAccepted), "192.0.2.9", kNow + 2 * kMinute);
  EXPECT_EQ(told.failures, 2);
  EXPECT_EQ(told.last_failure, kNow + kMinute);
  EXPECT_EQ(told.last_host, "192.0.2.8");
  EXPECT_FALSE(told.recovery);
  const OwnerNotice again =
      KeepForOwner(account, Accepted(Reason::kAccepted), "192.0.2.9", kNow + 3 * kMinute);
  EXPECT_EQ(again.failures, 0);
  EXPECT_FALSE(again.last_failure);
}

TEST(KeepForOwner, TellsARecoveryAtTheLoginAfterIt) {
  Account account = MakeAccount();
  KeepForOwner(account, Denied(Reason::kWrongCode), "192.0.2.7", kNow);
  const OwnerNotice at_once =
      KeepForOwner(account, Accepted(Reason::kRecovered), "192.0.2.8", kNow + kMinute);
  EXPECT_EQ(at_once.failures, 1);
  EXPECT_FALSE(at_once.recovery);
  const OwnerNotice next =
      KeepForOwner(account, Accepted(Reason::kAccepted), "192.0.2.9", kNow + 2 * kMinute);
  EXPECT_EQ(next.failures, 0);
  EXPECT_EQ(next.recovery, kNow + kMinute);
  EXPECT_EQ(next.recovery_host, "192.0.2.8");
}

TEST(KeepForOwner, CountsNothingThatIsNotCounted) {
  Account account = MakeAccount();
  for (const Reason reason : {Reason::kReplay, Reason::kNotAnAttempt, Reason::kLocked,
                              Reason::kSuperLocked, Reason::kGateClosed, Reason::kClockWrong}) {
    KeepForOwner(account, Denied(reason), "192.0.2.7", kNow);
  }
  EXPECT_EQ(account.notice.failures, 0);
  EXPECT_FALSE(account.notice.last_failure);
}

TEST(KeepForOwner, NeverCountsPastTheLargestNumber) {
  Account account = MakeAccount();
  account.notice.failures = std::numeric_limits<int>::max();
  KeepForOwner(account, Denied(Reason::kWrongCode), "", kNow);
  EXPECT_EQ(account.notice.failures, std::numeric_limits<int>::max());
}

}  // namespace
}  // namespace sparekey
