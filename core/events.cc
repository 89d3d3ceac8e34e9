// SPDX-License-Identifier: Apache-2.0
#include "core/events.h"

#include <array>
#include <utility>

namespace sparekey {
namespace {

constexpr std::array<std::string_view, 4> kDoors = {"ssh", "web", "console", "other"};
constexpr std::array<std::string_view, 28> kKinds = {"login",
                                                     "recovery",
                                                     "wrong_code",
                                                     "replay",
                                                     "failed_recovery",
                                                     "lockout",
                                                     "super_lockout",
                                                     "gate_closed",
                                                     "gate_opened",
                                                     "enrolment_begun",
                                                     "enrolment_finished",
                                                     "enrolment_removed",
                                                     "sheet_replaced",
                                                     "unlocked",
                                                     "settings_changed",
                                                     "console_reset",
                                                     "clock_wrong",
                                                     "authenticator_added",
                                                     "authenticator_renewed",
                                                     "authenticator_removed",
                                                     "resynchronised",
                                                     "sessions_ended",
                                                     "codes_low",
                                                     "unsealing_failed",
                                                     "two_factor_off",
                                                     "two_factor_on",
                                                     "alert_acknowledged",
                                                     "test"};

template <typename Enum, std::size_t kCount>
std::optional<Enum> Find(const std::array<std::string_view, kCount>& names, std::string_view text) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view ToString(Door door) { return kDoors[static_cast<std::size_t>(door)]; }
std::optional<Door> ParseDoor(std::string_view text) { return Find<Door>(kDoors, text); }
std::string_view ToString(EventKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
std::optional<EventKind> ParseEventKind(std::string_view text) {
  return Find<EventKind>(kKinds, text);
}

}  // namespace sparekey
