// SPDX-License-Identifier: Apache-2.0
#include "service/connection_table.h"

#include <gtest/gtest.h>

#include <memory>

namespace sparekey {
namespace {

struct Named {
  Named(int number, uid_t owner) : id(number), uid(owner) {}
  int id;
  uid_t uid;
  ConnectionTable<Named>::Place place;
};
using State = ConnectionState;

class ConnectionTableTest : public testing::Test {
 protected:
  std::shared_ptr<Named> Add(uid_t uid, State state = State::kIdle) {
    auto connection = std::make_shared<Named>(++last_, uid);
    table_.Add(connection, Tick());
    table_.Enter(*connection, state, Tick());
    return connection;
  }
  std::chrono::steady_clock::time_point Tick() { return now_ += std::chrono::seconds(1); }

  ConnectionTable<Named> table_;
  std::chrono::steady_clock::time_point now_;
  int last_ = 0;
};

TEST_F(ConnectionTableTest, CountsByUserAndInAll) {
  const auto one = Add(1);
  Add(1, State::kAnswering);
  Add(2);
  EXPECT_EQ(table_.size(), 3U);
  EXPECT_EQ(table_.CountOf(1), 2U);
  table_.Remove(*one);
  EXPECT_EQ(table_.size(), 2U);
  EXPECT_EQ(table_.CountOf(1), 1U);
  EXPECT_EQ(table_.CountOf(3), 0U);
}

TEST_F(ConnectionTableTest, KnowsWhoHasBeenLongestInAState) {
  const auto one = Add(1), two = Add(1);
  EXPECT_EQ(table_.OldestIn(State::kIdle), one);
  table_.Enter(*one, State::kReading, Tick());
  EXPECT_EQ(table_.OldestIn(State::kIdle), two);
  EXPECT_EQ(table_.OldestIn(State::kReading), one);
  table_.Enter(*one, State::kIdle, Tick());
  EXPECT_EQ(table_.OldestIn(State::kIdle), two);
  EXPECT_EQ(table_.OldestIn(State::kReading), nullptr);
}

TEST_F(ConnectionTableTest, EnteringAStateAgainKeepsItsBeginning) {
  const auto one = Add(1, State::kReading), two = Add(1, State::kReading);
  const auto since = one->place.since;
  table_.Enter(*one, State::kReading, Tick());
  EXPECT_EQ(one->place.since, since);
  EXPECT_EQ(table_.OldestIn(State::kReading), one);
}

TEST_F(ConnectionTableTest, WhoeverHasMostGivesTheLongestIdle) {
  Add(1);
  const auto first = Add(2);
  Add(2);
  Add(2, State::kReading);
  EXPECT_EQ(table_.FindDispensable(), first);
}

TEST_F(ConnectionTableTest, WithoutIdleOnesTheSlowestGoes) {
  const auto writing = Add(1, State::kWriting);
  const auto reading = Add(1, State::kReading);
  EXPECT_EQ(table_.FindDispensable(), reading);
  table_.Remove(*reading);
  EXPECT_EQ(table_.FindDispensable(), writing);
}

TEST_F(ConnectionTableTest, NobodyWhoWaitsForAnAnswerGoes) {
  Add(1, State::kAnswering);
  Add(1, State::kAnswering);
  EXPECT_EQ(table_.FindDispensable(), nullptr);
  EXPECT_EQ(table_.FindDispensable(1), nullptr);
  const auto other = Add(2);
  EXPECT_EQ(table_.FindDispensable(), other);
  EXPECT_EQ(table_.FindDispensable(1), nullptr);
}

TEST_F(ConnectionTableTest, AnEmptyTableHasNobody) {
  EXPECT_EQ(table_.FindDispensable(), nullptr);
  EXPECT_EQ(table_.OldestIn(State::kIdle), nullptr);
}

}  // namespace
}  // namespace sparekey
