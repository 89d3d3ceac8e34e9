// SPDX-License-Identifier: Apache-2.0
// Who uses sparekeyd while it is killed: each role does one thing again and again in a process of
// its own, and knows what must be true after the restart.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/races/attempt.h"
#include "tests/races/ledger.h"

namespace sparekey::races {

struct Totals {
  int acknowledged = 0, unknown = 0, replays = 0;
};

class Role {
 public:
  virtual ~Role() = default;
  // In a process of its own: until an answer does not come, or there is nothing more to do.
  virtual void Play(Ledger& ledger, SharedNumber& started) = 0;
  // After the restart: holds the service to what was heard, and gets ready for the next round.
  virtual void Check(const std::vector<Entry>& entries, Totals& totals) = 0;
  // Every code that was ever acknowledged, once more.
  virtual void ReplayAll(Totals&) {}
};

// The service, and how to get at it.
struct Stage {
  const testing::RealService& service;
  const Ways& ways;
};

std::unique_ptr<Role> PlayCounters(const Stage& stage, const std::string& name, Way way);
std::unique_ptr<Role> PlayGuesser(const Stage& stage);
std::unique_ptr<Role> PlayRecoveries(const Stage& stage);
std::unique_ptr<Role> PlayCodeGuesser(const Stage& stage);
std::unique_ptr<Role> PlayEnroller(const Stage& stage);
std::unique_ptr<Role> PlayGate(const Stage& stage);

}  // namespace sparekey::races
