// SPDX-License-Identifier: Apache-2.0
#include "lockout/containment.h"

#include <gtest/gtest.h>

#include "lockout/transitions.h"
#include "tests/support/accounts.h"

namespace sparekey {
namespace {

using std::chrono::milliseconds;
using testing::kNow;
using testing::MakeAccount;

constexpr TimePoint kEarlier = kNow - std::chrono::hours(1);
const GateClosure kByHand{kEarlier, "closed by an administrator"};

TEST(Containment, IsDueAlsoBehindAGateThatWasClosedBefore) {
  Account account = MakeAccount();
  account.gate = kByHand;
  SystemState system;
  system.gate = kByHand;
  std::vector<Event> events;
  Policy policy;
  policy.ssh_close_gate_on = CloseGateOn::kLockout;
  LockAccount(policy, account, kNow, events);
  SuperLock(policy, account, system, true, kNow, events);
  ASSERT_TRUE(account.containment && system.containment);
  EXPECT_EQ(account.containment->reason, "lockout of ada");
  EXPECT_EQ(system.containment->reason, "super-lockout of ada");
  EXPECT_EQ(system.containment->since, kNow);
  EXPECT_EQ(system.gate->since, kEarlier);
}

TEST(Containment, IsDueOnlyWhereThePolicyClosesTheGateAndEndsSessions) {
  for (const bool ends : {false, true}) {
    for (const auto closing :
         {CloseGateOn::kLockout, CloseGateOn::kSuperLockout, CloseGateOn::kNever}) {
      Policy policy;
      policy.ssh_end_sessions = ends;
      policy.ssh_close_gate_on = closing;
      policy.lockout_scope = LockoutScope::kAccount;
      Account account = MakeAccount();
      SystemState system;
      std::vector<Event> events;
      LockAccount(policy, account, kNow, events);
      EXPECT_EQ(account.containment.has_value(), ends && closing == CloseGateOn::kLockout);
      SuperLock(policy, account, system, true, kNow, events);
      EXPECT_EQ(account.containment.has_value(), ends && closing != CloseGateOn::kNever);
      EXPECT_FALSE(system.containment);
    }
  }
}

TEST(Containment, EndsOnceAndNotForALaterLockout) {
  const Containment first{kEarlier, "lockout of ada"}, second{kNow, "super-lockout of ada"};
  Account account = MakeAccount();
  account.containment = second;
  std::vector<Event> events;
  EXPECT_FALSE(FinishContainment(account, first, "none", kNow, events));
  EXPECT_TRUE(account.containment);
  EXPECT_TRUE(FinishContainment(account, second, "1 SSH session ended", kNow, events));
  EXPECT_FALSE(account.containment);
  EXPECT_FALSE(FinishContainment(account, second, "none", kNow, events));
  ASSERT_EQ(events.size(), 1);
  EXPECT_EQ(events[0].kind, EventKind::kSessionsEnded);
  EXPECT_EQ(events[0].account, account.name);
  EXPECT_EQ(events[0].detail, "1 SSH session ended");
}

TEST(Containment, OfEverybodyEndsOnceAndNotForALaterLockout) {
  const Containment due{kNow, "super-lockout of ada"};
  SystemState system;
  std::vector<Event> events;
  EXPECT_FALSE(FinishContainment(system, due, "none", kNow, events));
  system.containment = due;
  EXPECT_FALSE(FinishContainment(system, {kEarlier, due.reason}, "none", kNow, events));
  EXPECT_FALSE(FinishContainment(system, {due.since, "lockout of bob"}, "none", kNow, events));
  EXPECT_TRUE(system.containment);
  EXPECT_TRUE(events.empty());
  EXPECT_TRUE(FinishContainment(system, due, "no SSH session ended", kNow, events));
  EXPECT_FALSE(system.containment);
  ASSERT_EQ(events.size(), 1);
  EXPECT_EQ(events[0].kind, EventKind::kSessionsEnded);
  EXPECT_EQ(events[0].account, "");
  EXPECT_EQ(events[0].detail, "no SSH session ended");
  EXPECT_EQ(events[0].time, kNow);
}

TEST(Containment, GoesWithTheGateThatIsOpened) {
  SystemState system;
  system.gate = kByHand;
  system.containment = Containment{kNow, "super-lockout of ada"};
  std::vector<Event> events;
  OpenGate(system, kNow, events);
  EXPECT_FALSE(system.gate || system.containment);
}

TEST(Containment, StaysThroughUnlockAndReset) {
  Account account = MakeAccount();
  account.gate = kByHand;
  account.containment = Containment{kNow, "lockout of ada"};
  std::vector<Event> events;
  UnlockAccount(account, kNow, events);
  ResetAccount(account, kNow, events);
  EXPECT_TRUE(account.containment);
}

TEST(Containment, IsDueForEverybodyAndForTheAccount) {
  SystemState system;
  Account account = MakeAccount();
  EXPECT_TRUE(FindDueContainments(system, &account).empty());
  system.containment = Containment{kNow, "super-lockout of ada"};
  account.containment = Containment{kEarlier, "lockout of ada"};
  EXPECT_EQ(FindDueContainments(system, nullptr).size(), 1);
  const auto due = FindDueContainments(system, &account);
  ASSERT_EQ(due.size(), 2);
  EXPECT_EQ(due[0].scope.account, "");
  EXPECT_EQ(due[1].scope.account, "ada");
  EXPECT_EQ(due[1].scope.uid, account.uid);
  EXPECT_EQ(due[1].why.reason, "lockout of ada");
}

SshSession SessionOf(const std::string& name, std::optional<uid_t> uid) {
  return {{5, 6}, {}, uid, name, true};
}

TEST(ContainmentScope, IsByUidAndByName) {
  const ContainmentScope everybody;
  const ContainmentScope bob{"bob", 1001};
  const ContainmentScope nameless{"bob", kNoUid};  // accounts = any
  EXPECT_TRUE(everybody.Covers(SessionOf("", std::nullopt)));
  EXPECT_TRUE(everybody.Covers(SessionOf("root", 0)));
  EXPECT_TRUE(bob.Covers(SessionOf("bob2", 1001)));
  EXPECT_TRUE(bob.Covers(SessionOf("bob", std::nullopt)));
  EXPECT_FALSE(bob.Covers(SessionOf("ada", 1000)));
  EXPECT_FALSE(bob.Covers(SessionOf("", std::nullopt)));
  EXPECT_TRUE(nameless.Covers(SessionOf("bob", 7)));
  EXPECT_FALSE(nameless.Covers(SessionOf("ada", kNoUid)));
}

TEST(LateSession, IsEndedForWhatShutItsDoor) {
  SystemState system;
  Account account = MakeAccount();
  EXPECT_EQ(FindReasonAgainst(system, &account), "");
  EXPECT_EQ(FindReasonAgainst(system, nullptr), "");
  account.super_locked = kNow;
  EXPECT_EQ(FindReasonAgainst(system, &account), "super-lockout of ada");
  account.gate = GateClosure{kNow, "lockout of ada"};
  EXPECT_EQ(FindReasonAgainst(system, &account), "lockout of ada");
  system.super_locked = SystemSuperLockout{kNow, {}};
  EXPECT_EQ(FindReasonAgainst(system, nullptr), "super-lockout");
  system.super_locked->causes = {"bob"};
  EXPECT_EQ(FindReasonAgainst(system, nullptr), "super-lockout of bob");
  system.gate = kByHand;
  EXPECT_EQ(FindReasonAgainst(system, &account), "closed by an administrator");
}

TEST(EndingASession, TellsThenAsksThenKillsTheChildAndTheMonitorLast) {
  EXPECT_EQ(FollowStep(EndingStep::kTell, true).step, EndingStep::kTerminate);
  EXPECT_EQ(FollowStep(EndingStep::kTell, true).after, kTimeToRead);
  EXPECT_EQ(FollowStep(EndingStep::kTell, false).after, milliseconds(0));
  EXPECT_EQ(FollowStep(EndingStep::kTerminate, false).step, EndingStep::kKillChild);
  EXPECT_EQ(FollowStep(EndingStep::kTerminate, false).after, kTimeToEnd);
  for (const auto killed : {EndingStep::kKillChild, EndingStep::kKillMonitor}) {
    EXPECT_EQ(FollowStep(killed, false).step, EndingStep::kKillMonitor);
    EXPECT_EQ(FollowStep(killed, false).after, kTimeAfterKill);
  }
}

TEST(EndingASession, IsToldInNumbers) {
  EXPECT_EQ(DescribeEnded(0, 0), "no SSH session ended");
  EXPECT_EQ(DescribeEnded(1, 0), "1 SSH session ended");
  EXPECT_EQ(DescribeEnded(3, 2), "3 SSH sessions ended; 2 could not be ended yet");
}

}  // namespace
}  // namespace sparekey
