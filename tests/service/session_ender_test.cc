// SPDX-License-Identifier: Apache-2.0
// What is done to whom at which moment, on a recorded system whose clock the test turns.
#include "service/session_ender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include "tests/service/recorded_sessions.h"
#include "tests/support/accounts.h"

namespace sparekey {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::RecordedSystem;
using State = SessionEnder::State;

constexpr uid_t kAda = 1000, kBob = 1001;

const Containment kWhy{testing::kNow, "super-lockout of bob"};
const DueContainment kBobs{{"bob", kBob}, kWhy};
const DueContainment kEverybodys{{}, kWhy};

class SessionEnderTest : public ::testing::Test {
 protected:
  std::vector<SessionEnder::Report> Sweep(milliseconds later = milliseconds(0)) {
    now += later;
    return ender.Sweep(known, now);
  }

  RecordedSystem system;
  SessionEnder ender{system};
  std::vector<KnownSession> known;
  SessionEnder::SteadyTime now{std::chrono::hours(1)};
};

TEST_F(SessionEnderTest, EndsWhoIsInScopeAndReportsHowManyThereWere) {
  system.LogIn(10, kBob, "bob");
  system.LogIn(20, kAda, "ada");
  system.LogIn(30, kBob, "bob2");
  ender.Begin(kBobs, now);
  const auto reports = Sweep();
  EXPECT_THAT(system.signals, ElementsAre("term 10", "term 30"));
  EXPECT_THAT(reports, IsEmpty());
  const auto over = Sweep(milliseconds(100));
  ASSERT_EQ(over.size(), 1);
  EXPECT_EQ(over[0].state, State::kOver);
  EXPECT_EQ(over[0].ended, 2);
  EXPECT_THAT(Sweep(milliseconds(100)), IsEmpty());  // until it is settled
  EXPECT_FALSE(ender.IsIdle());
  ender.Settle(kBobs, true, now);
  EXPECT_TRUE(ender.IsIdle());
  EXPECT_TRUE(system.Lives({20, 7}));
}

TEST_F(SessionEnderTest, CallsNobodyGoneWhomItCouldNotLookAt) {
  system.saw_all = false;
  ender.Begin(kBobs, now);
  EXPECT_THAT(Sweep(), IsEmpty());
  system.saw_all = true;
  system.LogIn(10, kBob, "bob");
  EXPECT_THAT(Sweep(milliseconds(100)), IsEmpty());
  EXPECT_THAT(system.signals, ElementsAre("term 10"));
  const auto over = Sweep(milliseconds(100));
  ASSERT_EQ(over.size(), 1);
  EXPECT_EQ(over[0].ended, 1);
}

TEST_F(SessionEnderTest, EndsEverybody) {
  system.LogIn(10, kBob, "bob");
  system.LogIn(20, kAda, "ada");
  system.Begin(30, 1, 0, "sshd: root@notty");
  system.Begin(40, 1, 0, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups");
  ender.Begin(kEverybodys, now);
  Sweep();
  EXPECT_THAT(system.signals, ElementsAre("term 10", "term 20", "term 30"));
  EXPECT_TRUE(system.Lives({40, 7}));
}

TEST_F(SessionEnderTest, IsOverAtOnceWhereNobodyHasASession) {
  ender.Begin(kEverybodys, now);
  const auto reports = Sweep();
  ASSERT_EQ(reports.size(), 1);
  EXPECT_EQ(reports[0].state, State::kOver);
  EXPECT_EQ(reports[0].ended, 0);
}

TEST_F(SessionEnderTest, TellsTheTerminalsFirstAndGivesTimeToRead) {
  system.LogIn(10, kBob, "bob");
  system.LogIn(30, kBob, "bob");
  system.terminals = {{10, 1, 0}, {11, 10, 0}, {12, 11, makedev(136, 5)}, {99, 1, makedev(136, 9)}};
  ender.Begin(kBobs, now);
  Sweep();
  EXPECT_THAT(system.told,
              ElementsAre("5 of 1001\r\nclosed by sparekey: super-lockout of bob\r\n"));
  EXPECT_THAT(system.signals, ElementsAre("term 30"));  // nothing to read there
  EXPECT_EQ(system.looks_for_terminals, 1);
  Sweep(kTimeToRead);
  EXPECT_THAT(system.signals, ElementsAre("term 30", "term 10"));
  EXPECT_EQ(system.told.size(), 1);
}

TEST_F(SessionEnderTest, WaitsForNoTerminalThatCouldNotBeTold) {
  system.LogIn(10, kBob, "bob");
  system.terminals = {{11, 10, makedev(136, 5)}};
  system.tells = false;
  ender.Begin(kBobs, now);
  Sweep();
  EXPECT_THAT(system.signals, ElementsAre("term 10"));
}

TEST_F(SessionEnderTest, KillsTheChildOfWhoStaysAndTheMonitorLast) {
  system.obeys = false;
  system.LogIn(10, kBob, "bob");
  ender.Begin(kBobs, now);
  Sweep();
  Sweep(kTimeToEnd - milliseconds(1));
  EXPECT_THAT(system.signals, ElementsAre("term 10"));
  Sweep(milliseconds(1));
  EXPECT_THAT(system.signals, ElementsAre("term 10", "kill 11"));
  Sweep(kTimeAfterKill);
  EXPECT_THAT(system.signals, ElementsAre("term 10", "kill 11", "kill 10"));
  EXPECT_EQ(Sweep(milliseconds(100)).at(0).ended, 1);
}

TEST_F(SessionEnderTest, KillsAChildThatItsMonitorLeftBehind) {
  system.obeys = false;
  system.LogIn(10, kBob, "bob");
  ender.Begin(kBobs, now);
  Sweep();
  system.End(10);
  EXPECT_THAT(Sweep(milliseconds(100)), IsEmpty());
  Sweep(kTimeToEnd);
  EXPECT_THAT(system.signals, ElementsAre("term 10", "kill 11"));
  EXPECT_EQ(Sweep(milliseconds(100)).at(0).state, State::kOver);
}

TEST_F(SessionEnderTest, KillsRootsOnlyProcessAfterAskingIt) {
  system.obeys = false;
  system.Begin(30, 1, 0, "sshd: root@pts/0");
  ender.Begin(kEverybodys, now);
  Sweep();
  Sweep(kTimeToEnd);
  EXPECT_THAT(system.signals, ElementsAre("term 30"));
  Sweep(kTimeAfterKill);
  EXPECT_THAT(system.signals, ElementsAre("term 30", "kill 30"));
}

TEST_F(SessionEnderTest, FindsWhoCameLate) {
  system.LogIn(10, kBob, "bob");
  ender.Begin(kBobs, now);
  Sweep();
  system.LogIn(50, kBob, "bob");
  EXPECT_THAT(Sweep(milliseconds(100)), IsEmpty());
  EXPECT_THAT(system.signals, ElementsAre("term 10", "term 50"));
  EXPECT_EQ(Sweep(milliseconds(100)).at(0).ended, 2);
}

TEST_F(SessionEnderTest, WaitsForALoginThatIsAboutToBeASessionButNotForEver) {
  system.Begin(10, 1, 0, "sshd: bob [priv]");
  system.Begin(20, 1, 0, "sshd: ada [priv]");
  ender.Begin(kBobs, now);
  EXPECT_THAT(Sweep(), IsEmpty());
  EXPECT_THAT(system.signals, IsEmpty());
  EXPECT_EQ(Sweep(kTimeToSettle).at(0).state, State::kOver);
  ender.Settle(kBobs, true, now);
  ender.Begin({{"root", 0}, kWhy}, now);
  EXPECT_EQ(Sweep().at(0).state, State::kOver);  // it is none of root's
}

TEST_F(SessionEnderTest, LeavesAloneWhoGotTheNumberOfAnEndedSession) {
  known = {{{10, 3}, "bob"}};
  system.LogIn(10, kAda, "ada");
  ender.Begin(kBobs, now);
  EXPECT_EQ(Sweep().at(0).ended, 0);
  EXPECT_THAT(system.signals, IsEmpty());
}

TEST_F(SessionEnderTest, TriesAgainWhereAProcessCannotBeHeld) {
  system.LogIn(10, kBob, "bob");
  system.fails = true;
  ender.Begin(kBobs, now);
  EXPECT_THAT(Sweep(), IsEmpty());
  system.fails = false;
  Sweep(milliseconds(100));
  EXPECT_THAT(system.signals, ElementsAre("term 10"));
}

TEST_F(SessionEnderTest, IsOverdueAfterTheBoundAndGoesOn) {
  system.LogIn(10, kBob, "bob");
  system.fails = true;
  ender.Begin(kBobs, now);
  Sweep();
  EXPECT_TRUE(ender.IsWithinBound());
  EXPECT_EQ(ender.Pace(), SessionEnder::kSweepEvery);
  const auto overdue = Sweep(kContainmentBound);
  ASSERT_EQ(overdue.size(), 1);
  EXPECT_EQ(overdue[0].state, State::kOverdue);
  EXPECT_EQ(overdue[0].living, 1);
  EXPECT_THAT(ender.Overdue(), ElementsAre("bob"));
  EXPECT_FALSE(ender.IsWithinBound());
  EXPECT_EQ(ender.Pace(), SessionEnder::kAfterTheBound);
  EXPECT_EQ(Sweep(SessionEnder::kAfterTheBound).at(0).state, State::kWaiting);
  system.fails = false;
  Sweep(SessionEnder::kAfterTheBound);
  EXPECT_EQ(Sweep(SessionEnder::kAfterTheBound).at(0).state, State::kOver);
}

TEST_F(SessionEnderTest, LetsBeWhoIsLetInAgain) {
  system.LogIn(10, kBob, "bob");
  system.fails = true;
  ender.Begin(kBobs, now);
  Sweep();
  Sweep(kContainmentBound);
  ender.Drop(kBobs);
  EXPECT_TRUE(ender.IsIdle());
  system.fails = false;
  Sweep(milliseconds(100));
  EXPECT_THAT(system.signals, IsEmpty());
}

TEST_F(SessionEnderTest, TriesAgainWhereTheEndCouldNotBeRecorded) {
  ender.Begin(kBobs, now);
  Sweep();
  ender.Settle(kBobs, false, now);
  EXPECT_THAT(Sweep(milliseconds(100)), IsEmpty());
  EXPECT_EQ(Sweep(SessionEnder::kAfterTheBound).at(0).state, State::kOver);
}

TEST_F(SessionEnderTest, TellsAgainThatItIsOverWhereNothingCameOfIt) {
  ender.Begin(kBobs, now);
  EXPECT_EQ(Sweep().size(), 1);
  EXPECT_THAT(Sweep(SessionEnder::kUnsettled - milliseconds(1)), IsEmpty());
  EXPECT_EQ(Sweep(milliseconds(1)).size(), 1);
}

// After memory was out: what was told meanwhile may be lost, the records are not.
TEST_F(SessionEnderTest, DoesWhatTheRecordsSayAndNothingElse) {
  system.LogIn(10, kBob, "bob");
  system.LogIn(20, kAda, "ada");
  system.fails = true;
  ender.Begin(kBobs, now);
  Sweep();
  ender.Reconcile({{{"ada", kAda}, kWhy}}, now);
  system.fails = false;
  Sweep(milliseconds(100));
  EXPECT_THAT(system.signals, ElementsAre("term 20"));
  ender.Reconcile({}, now);
  EXPECT_TRUE(ender.IsIdle());
}

TEST_F(SessionEnderTest, BeginsAnewForALaterLockout) {
  const DueContainment later{{"bob", kBob}, {testing::kNow, "lockout of bob"}};
  ender.Begin(kBobs, now);
  ender.Begin(kBobs, now);  // told twice
  Sweep();
  ender.Begin(later, now);
  ender.Settle(kBobs, true, now);
  EXPECT_FALSE(ender.IsIdle());
  EXPECT_EQ(Sweep(milliseconds(100)).at(0).due.why.reason, "lockout of bob");
}

TEST_F(SessionEnderTest, EndsOneSessionAlone) {
  system.LogIn(10, kBob, "bob");
  system.LogIn(20, kBob, "bob");
  system.terminals = {{11, 10, makedev(136, 5)}};
  ender.BeginOne({{10, 7}, "bob"}, "lockout of bob", now);
  EXPECT_THAT(Sweep(), IsEmpty());
  EXPECT_THAT(system.told, ElementsAre("5 of 1001\r\nclosed by sparekey: lockout of bob\r\n"));
  Sweep(kTimeToRead);
  EXPECT_THAT(system.signals, ElementsAre("term 10"));
  Sweep(milliseconds(100));
  EXPECT_TRUE(ender.IsIdle());
}

TEST_F(SessionEnderTest, GivesUpOneSessionAloneAfterTheBound) {
  system.LogIn(10, kBob, "bob");
  system.fails = true;
  ender.BeginOne({{10, 7}, "bob"}, "lockout of bob", now);
  Sweep();
  EXPECT_FALSE(ender.IsIdle());
  EXPECT_TRUE(ender.IsWithinBound());
  Sweep(kContainmentBound);
  EXPECT_TRUE(ender.IsIdle());
}

TEST_F(SessionEnderTest, CountsASessionForEveryScopeThatItIsIn) {
  system.LogIn(10, kBob, "bob");
  ender.Begin(kBobs, now);
  ender.Begin(kEverybodys, now);
  Sweep();
  EXPECT_THAT(system.signals, ElementsAre("term 10"));
  const auto reports = Sweep(milliseconds(100));
  ASSERT_EQ(reports.size(), 2);
  EXPECT_EQ(reports[0].ended, 1);
  EXPECT_EQ(reports[1].ended, 1);
}

}  // namespace
}  // namespace sparekey
