// SPDX-License-Identifier: Apache-2.0
#include "service/event_pruning.h"

#include <spdlog/fmt/fmt.h>

#include "service/logging.h"

namespace sparekey {

// Where the clock is wrong nothing is old.
void EventPruning::Start() {
  const Clock clock = backend_.Now();
  const Config& config = backend_.config;
  limits_ = {};
  if (config.keep_event_days > 0 && clock.now >= clock.built) {
    limits_.time = clock.now - std::chrono::hours(24) * config.keep_event_days;
  }
  if (config.keep_events > 0) limits_.most = config.keep_events;
  if (running_ || !limits_.any()) return;
  running_ = true;
  pruned_ = 0;
  GoOn(0);
}

void EventPruning::GoOn(std::int64_t after_id) {
  backend_.decider.Read([this, after_id, limits = limits_](Store& store) {
    auto piece =
        std::make_shared<Result<PrunedEvents>>(store.PruneEvents(limits, after_id, kPiece));
    backend_.post([this, piece] {
      if (!*piece) {
        Log(LogLevel::kError, "events cannot be pruned: " + EscapeForLog(piece->error().message));
        return End();
      }
      pruned_ += (*piece)->pruned;
      if (!(*piece)->next) return End();
      backend_.after(kPause, [this, next = *(*piece)->next] { GoOn(next); });
    });
  });
}

void EventPruning::End() {
  running_ = false;
  if (pruned_ > 0) Log(LogLevel::kInfo, fmt::format("events pruned={}", pruned_));
}

}  // namespace sparekey
