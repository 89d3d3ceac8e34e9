// SPDX-License-Identifier: Apache-2.0
// Wall clock as a value: rules take a TimePoint, only shells read the real clock.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sparekey {

using TimePoint = std::chrono::sys_seconds;

TimePoint ReadClock();

// "2026-11-23T14:02:00Z" (RFC 3339, UTC, whole seconds).
std::string FormatTime(TimePoint time);
// The same with the zone of this host, for people: "2026-11-23 14:02".
std::string FormatLocalTime(TimePoint time);
// Accepts RFC 3339 with Z or a numeric offset; fractions of seconds are cut off.
std::optional<TimePoint> ParseTime(std::string_view text);

}  // namespace sparekey
