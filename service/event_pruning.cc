// SPDX-License-Identifier: Apache-2.0
#include "service/event_pruning.h"

#include <spdlog/fmt/fmt.h>

#include "service/logging.h"

namespace sparekey {

bool EventPruning::IsClockBelieved(TimePoint now) {
  const SteadyTime steady = backend_.steady_clock();
  if (even_since_) {
    const auto drift = (now - even_since_->clock) - (steady - even_since_->steady);
    if (std::chrono::abs(drift) > kUneven) even_since_.reset();
  }
  if (!even_since_) even_since_ = Clocks{now, steady};
  return now >= backend_.built && steady - even_since_->steady >= kBelieved;
}

void EventPruning::Start() {
  const bool first = !even_since_;
  const TimePoint now = backend_.clock();
  const Config& config = backend_.config;
  limits_ = {};
  if (IsClockBelieved(now) && config.keep_event_days > 0) {
    limits_.time = now - std::chrono::hours(24) * config.keep_event_days;
  }
  if (config.keep_events > 0) limits_.most = config.keep_events;
  // One that was lost where memory was out does not stand in the way for ever.
  const bool runs = going_ && backend_.steady_clock() - *going_ < std::chrono::minutes(10);
  if (first || runs || !limits_.any()) return;
  pruned_ = 0;
  GoOn(0);
}

void EventPruning::GoOn(std::int64_t after_id) {
  going_ = backend_.steady_clock();
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
  going_.reset();
  if (pruned_ > 0) Log(LogLevel::kInfo, fmt::format("events pruned={}", pruned_));
}

}  // namespace sparekey
