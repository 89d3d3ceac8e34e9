// SPDX-License-Identifier: Apache-2.0
#include "lockout/transitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/accounts.h"

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kNow;
using testing::MakeAccount;

constexpr TimePoint kBefore = kNow - std::chrono::hours(1);

TEST(LockAccount, ClosesTheAccountsGateOnlyWherePolicySaysLockout) {
  for (const auto setting :
       {CloseGateOn::kLockout, CloseGateOn::kSuperLockout, CloseGateOn::kNever}) {
    Policy policy;
    policy.ssh_close_gate_on = setting;
    Account account = MakeAccount();
    std::vector<Event> events;
    LockAccount(policy, account, kNow, events);
    EXPECT_EQ(account.locked, kNow);
    EXPECT_EQ(account.gate.has_value(), setting == CloseGateOn::kLockout);
    EXPECT_EQ(events.size(), setting == CloseGateOn::kLockout ? 2 : 1);
  }
}

struct ScopeCase {
  LockoutScope scope;
  bool administrator;
  bool everybody;
};

TEST(SuperLock, CoversWhomTheScopeSays) {
  for (const ScopeCase& c : {ScopeCase{LockoutScope::kAccount, true, false},
                             ScopeCase{LockoutScope::kAccount, false, false},
                             ScopeCase{LockoutScope::kAdmins, true, true},
                             ScopeCase{LockoutScope::kAdmins, false, false},
                             ScopeCase{LockoutScope::kSystem, true, true},
                             ScopeCase{LockoutScope::kSystem, false, true}}) {
    for (const auto close :
         {CloseGateOn::kLockout, CloseGateOn::kSuperLockout, CloseGateOn::kNever}) {
      Policy policy;
      policy.lockout_scope = c.scope;
      policy.ssh_close_gate_on = close;
      Account account = MakeAccount();
      SystemState system;
      std::vector<Event> events;
      SuperLock(policy, account, system, c.administrator, kNow, events);
      EXPECT_EQ(system.super_locked.has_value(), c.everybody);
      EXPECT_EQ(account.super_locked.has_value(), !c.everybody);
      const bool closes = close != CloseGateOn::kNever;
      EXPECT_EQ(system.gate.has_value(), closes && c.everybody);
      EXPECT_EQ(account.gate.has_value(), closes && !c.everybody);
    }
  }
}

TEST(SuperLock, KeepsTheDateOfAGateThatWasClosedBefore) {
  Account account = MakeAccount();
  SystemState system;
  system.gate = GateClosure{kBefore, "closed by an administrator"};
  std::vector<Event> events;
  SuperLock(Policy{}, account, system, true, kNow, events);
  EXPECT_EQ(system.gate->since, kBefore);
  EXPECT_EQ(events.size(), 1);
}

TEST(UnlockAccount, ClearsOneTimeFailuresAndKeepsFailedRecoveries) {
  Account account = MakeAccount();
  account.locked = kNow;
  account.otp_failures = 5;
  account.otp_budget_spent = 100;
  account.recovery_failures = 4;
  account.super_locked = kNow;
  std::vector<Event> events;
  UnlockAccount(account, kNow, events);
  EXPECT_FALSE(account.locked);
  EXPECT_EQ(account.otp_failures, 0);
  EXPECT_EQ(account.otp_budget_spent, 0);
  EXPECT_EQ(account.recovery_failures, 4);
  EXPECT_TRUE(account.super_locked);
}

TEST(ResetAccount, VoidsEverythingAndDemandsANewEnrolmentButLeavesTheGate) {
  Account account = MakeAccount();
  account.pending = PendingEnrolment{testing::MakeAuthenticator("new"), std::nullopt, kNow, true};
  account.locked = account.super_locked = kNow;
  account.otp_failures = account.otp_budget_spent = account.recovery_failures = 9;
  account.gate = GateClosure{kBefore, "lockout of ada"};
  std::vector<Event> events;
  ResetAccount(account, kNow, events);
  EXPECT_EQ(account.enrolment(), Enrolment::kNone);
  EXPECT_FALSE(account.pending);
  EXPECT_FALSE(account.sheet);
  EXPECT_TRUE(account.must_enrol);
  EXPECT_FALSE(account.locked);
  EXPECT_FALSE(account.super_locked);
  EXPECT_EQ(account.otp_failures + account.otp_budget_spent + account.recovery_failures, 0);
  EXPECT_TRUE(account.gate);
  EXPECT_EQ(account.sheets_issued, 1);
}

TEST(EndSuperLockout, LeavesTheGateClosed) {
  SystemState system;
  system.super_locked = SystemSuperLockout{kBefore, {"ada"}};
  system.gate = GateClosure{kBefore, "super-lockout of ada"};
  std::vector<Event> events;
  EndSuperLockout(system, kNow, events);
  EXPECT_FALSE(system.super_locked);
  EXPECT_TRUE(system.gate);
  EXPECT_EQ(events.size(), 1);
  EndSuperLockout(system, kNow, events);
  EXPECT_EQ(events.size(), 1);
}

TEST(LastSpentStep, IsTheHighestOfAllAuthenticatorsWithThatSecret) {
  Account account = MakeAccount();
  account.authenticators.push_back(testing::MakeAuthenticator("tablet"));
  account.authenticators.push_back(testing::MakeAuthenticator("key", "another secret of 20"));
  account.authenticators[0].mark = 5;
  account.authenticators[1].mark = 9;
  account.authenticators[2].mark = 20;
  EXPECT_EQ(LastSpentStep(account, testing::MakeAuthenticator("new")), 9);
  EXPECT_EQ(LastSpentStep(account, testing::MakeAuthenticator("new", "a third secret of 20")), -1);
}

TEST(OpenGate, SaysSinceWhenItWasClosed) {
  Account account = MakeAccount();
  account.gate = GateClosure{kBefore, "x"};
  std::vector<Event> events;
  OpenGate(account, kNow, events);
  EXPECT_FALSE(account.gate);
  ASSERT_EQ(events.size(), 1);
  EXPECT_EQ(events[0].kind, EventKind::kGateOpened);
  EXPECT_EQ(events[0].account, account.name);
  EXPECT_THAT(events[0].detail, HasSubstr(FormatTime(kBefore)));
  OpenGate(account, kNow, events);
  EXPECT_EQ(events.size(), 1);
}

}  // namespace
}  // namespace sparekey
