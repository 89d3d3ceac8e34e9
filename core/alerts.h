// SPDX-License-Identifier: Apache-2.0
// What stays before an administrator's eyes until it is settled or acknowledged. The alerts are a
// fold over the events: which event raises and which settles one is said here and nowhere else.
// Pure; the store folds in the commit of the event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/account.h"
#include "core/events.h"
#include "core/policy.h"
#include "core/result.h"

namespace sparekey {

// One at most of a kind for an account, and for the system.
struct Alert {
  std::int64_t id = 0;  // of the event that raised it, ascending
  EventKind kind = EventKind::kLockout;
  std::string account;        // empty: the system
  bool acknowledged = false;  // somebody has seen it; what raised it still lasts
  TimePoint since{};
  TimePoint last{};         // when it was raised again
  std::uint64_t count = 1;  // how often it was raised
  std::string detail;       // of the event that raised it last
  bool damaged = false;     // cannot be read: nothing but the id is known
};

struct AlertChange {
  enum class What : std::uint8_t { kRaise, kSettle, kAcknowledge };
  What what = What::kRaise;
  EventKind kind = EventKind::kLockout;
  std::string account;
};

// What `event` does to alerts; none for most. `system`: as it is after the event.
std::vector<AlertChange> AlertChangesOf(const Event& event, const SystemState& system);

// The alert of `change` after `event` has raised it; `before`: as it stood, if it did.
Alert RaiseAlert(const std::optional<Alert>& before, const AlertChange& change, const Event& event);

// kConflict for what only an act settles: a closed gate.
Status CheckAcknowledgeable(const Alert& alert);

// What a state that was made before there were alerts implies; without ids. `known`: since when
// two-factor is off at the latest.
std::vector<Alert> AlertsImpliedBy(const SystemState& system, const Policy& policy,
                                   TimePoint known);
std::vector<Alert> AlertsImpliedBy(const Account& account);

// What happened and what to do next, in one line.
std::string AlertText(const Alert& alert);

}  // namespace sparekey
