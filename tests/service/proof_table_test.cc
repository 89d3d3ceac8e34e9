// SPDX-License-Identifier: Apache-2.0
// The proofs that are held, and what bounds the requests of owners.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "service/proofs.h"
#include "service/routes.h"

namespace sparekey::testing {
namespace {

TEST(ProofTable, KeepsABoundedNumberAndGivesUpTheOldest) {
  ProofTable table;
  const ProofTable::TimePoint start{};
  const auto peer = [](std::uint64_t connection) {
    return Peer{SocketKind::kApi, 1000, 1000, 1, connection};
  };
  for (std::uint64_t i = 0; i <= kMostProofs; ++i) {
    table.Add(i, {"ada", 1000, true, {}}, start + std::chrono::milliseconds(i));
  }
  EXPECT_EQ(table.size(), kMostProofs);
  EXPECT_EQ(table.Find(peer(0), "ada", start), nullptr);
  EXPECT_NE(table.Find(peer(1), "ada", start), nullptr);
  EXPECT_NE(table.Find(peer(kMostProofs), "ada", start), nullptr);
  table.Add(5, {"ada", 1000, true, {}}, start + std::chrono::hours(1));
  EXPECT_EQ(table.size(), 1U);
}

TEST(ProofTable, AProofCountsForItsConnectionUidAndAccount) {
  ProofTable table;
  const ProofTable::TimePoint start{};
  table.Add(7, {"ada", 1000, true, {}}, start);
  const Peer owner{SocketKind::kApi, 1000, 1000, 1, 7};
  Peer other = owner;
  EXPECT_NE(table.Find(owner, "ada", start), nullptr);
  EXPECT_EQ(table.Find(owner, "bob", start), nullptr);
  EXPECT_EQ(table.Find(owner, "ada", start + kProofLifetime), nullptr);
  other.uid = 1001;
  EXPECT_EQ(table.Find(other, "ada", start), nullptr);
  other = owner;
  other.connection = 8;
  EXPECT_EQ(table.Find(other, "ada", start), nullptr);
}

TEST(Selves, ARequestThatIsNeverAnsweredLeavesTheNextOneIn) {
  const auto selves = std::make_shared<Selves>();
  auto lost = Selves::Enter(selves, 1000);
  EXPECT_FALSE(Selves::Enter(selves, 1000));
  EXPECT_TRUE(Selves::Enter(selves, 1001));
  lost.reset();
  const auto answered = Selves::Enter(selves, 1000);
  ASSERT_TRUE(answered);
  answered->End();
  const auto next = Selves::Enter(selves, 1000);
  EXPECT_TRUE(next);
  answered->End();  // once more is none
  EXPECT_FALSE(Selves::Enter(selves, 1000));
}

TEST(Selves, GiveBackWhatTimePaysOff) {
  Selves selves;
  std::chrono::steady_clock::time_point now{};
  for (int i = 0; i < Selves::kMostChangesAtOnce; ++i) EXPECT_TRUE(selves.MayChange(1000, now));
  EXPECT_FALSE(selves.MayChange(1000, now));
  EXPECT_TRUE(selves.MayChange(1001, now));
  now += Selves::kChangeEvery;
  EXPECT_TRUE(selves.MayChange(1000, now));
  EXPECT_FALSE(selves.MayChange(1000, now));
}
}  // namespace
}  // namespace sparekey::testing
