// SPDX-License-Identifier: Apache-2.0
// Deletes old events as the configuration file says, by pieces so that logins go on.
#pragma once

#include <optional>

#include "service/backend.h"

namespace sparekey {

class EventPruning {
 public:
  static constexpr std::size_t kPiece = 200;  // events: some milliseconds
  static constexpr std::chrono::milliseconds kPause{10};
  // A clock is believed after it went on evenly for as long as this: one that is set into the
  // future by mistake must not make everything old.
  static constexpr std::chrono::hours kBelieved{24};
  static constexpr std::chrono::minutes kUneven{10};

  explicit EventPruning(const Backend& backend) : backend_(backend) {}

  // On the server's thread, now and then. The first time only looks at the clock, so that what a
  // stopped sparekeyd has not told to anybody yet is not deleted first.
  void Start();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Clocks {
    TimePoint clock;
    SteadyTime steady;
  };

  bool IsClockBelieved(TimePoint now);
  void GoOn(std::int64_t after_id);
  void End();

  const Backend& backend_;
  std::optional<Clocks> even_since_;
  EventLimits limits_;
  std::optional<SteadyTime> going_;  // the last piece; none: not running
  std::int64_t pruned_ = 0;
};

}  // namespace sparekey
