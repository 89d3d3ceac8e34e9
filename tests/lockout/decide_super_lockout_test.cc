// SPDX-License-Identifier: Apache-2.0
// Super-lockouts, SSH gates and another identity, by example.
#include <gmock/gmock.h>

#include "tests/lockout/decide_fixture.h"

namespace sparekey {
namespace {

using testing::CodeAt;
using testing::DecideTest;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kNow;

TEST_F(DecideTest, SuperLocksEverybodyAtTheLimitOfAnAdministratorsFailedRecoveries) {
  subject.administrator = true;
  account.recovery_failures = 9;
  const Decision decision = TrySet({0, std::nullopt});
  ASSERT_TRUE(system.super_locked);
  EXPECT_THAT(system.super_locked->causes, ElementsAre("ada"));
  EXPECT_TRUE(system.gate);
  EXPECT_FALSE(account.super_locked);
  EXPECT_TRUE(decision.system_changed);
  EXPECT_THAT(Kinds(decision), ElementsAre(EventKind::kFailedRecovery, EventKind::kSuperLockout,
                                           EventKind::kGateClosed));
}

TEST_F(DecideTest, SuperLocksTheAccountAloneWhenItIsNoAdministrators) {
  account.recovery_failures = 9;
  TrySet({0, std::nullopt});
  EXPECT_FALSE(system.super_locked);
  EXPECT_FALSE(system.gate);
  EXPECT_EQ(account.super_locked, kNow);
  EXPECT_TRUE(account.gate);
}

TEST_F(DecideTest, CountsFailedRecoveriesWhileLocked) {
  account.locked = kNow;
  TrySet({0, std::nullopt});
  EXPECT_EQ(account.recovery_failures, 1);
}

TEST_F(DecideTest, ChangesNothingUnderASuperLockout) {
  system.super_locked = SystemSuperLockout{kNow, {"bob"}};
  for (const Decision& decision : {TryRight(), TryWrong(), TrySet({0, 1})}) {
    EXPECT_EQ(decision.reason, Reason::kSuperLocked);
    EXPECT_FALSE(decision.account_changed);
    EXPECT_THAT(decision.events, IsEmpty());
  }
  EXPECT_EQ(account.authenticators[0].mark, -1);
  EXPECT_EQ(account.sheet->CodesLeft(), 10);
}

TEST_F(DecideTest, DeniesASuperLockedAccountAtEveryDoorButTheConsole) {
  account.super_locked = kNow;
  for (const Door door : {Door::kSsh, Door::kWeb, Door::kOther}) {
    EXPECT_EQ(TryCode("123456", door).reason, Reason::kSuperLocked);
  }
  EXPECT_EQ(TryCode("123456", Door::kConsole).reason, Reason::kConsole);
}

TEST_F(DecideTest, DeniesSshAloneWhenAGateIsClosed) {
  account.gate = GateClosure{kNow, "test"};
  EXPECT_EQ(TryRight().reason, Reason::kGateClosed);
  EXPECT_EQ(account.authenticators[0].mark, -1);
  EXPECT_EQ(TryCode(CodeAt(account.authenticators[0], kNow), Door::kWeb).verdict, Verdict::kAccept);
  account.gate.reset();
  system.gate = GateClosure{kNow, "test"};
  EXPECT_EQ(TryRight(+1).reason, Reason::kGateClosed);
}

TEST_F(DecideTest, DeniesAnAccountWhoseIdentityChanged) {
  subject.identity_changed = true;
  EXPECT_EQ(TryRight().reason, Reason::kIdentityChanged);
  EXPECT_EQ(account.authenticators[0].mark, -1);
}

}  // namespace
}  // namespace sparekey
