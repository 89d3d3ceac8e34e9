// SPDX-License-Identifier: Apache-2.0
#include "core/clock.h"

#include <time.h>

#include <array>
#include <cstdio>

namespace sparekey {
namespace {

using Text = std::array<char, 64>;

}  // namespace

TimePoint ReadClock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string FormatTime(TimePoint time) {
  const time_t seconds = time.time_since_epoch().count();
  tm parts{};
  gmtime_r(&seconds, &parts);
  Text text{};
  return {text.data(), strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string FormatLocalTime(TimePoint time) {
  const time_t seconds = time.time_since_epoch().count();
  tm parts{};
  localtime_r(&seconds, &parts);
  Text text{};
  return {text.data(), strftime(text.data(), text.size(), "%Y-%m-%d %H:%M", &parts)};
}

std::optional<TimePoint> ParseTime(std::string_view text) {
  tm parts{};
  const std::string copy(text);
  const char* rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  if (*rest == '.') {
    do ++rest;
    while (*rest >= '0' && *rest <= '9');
  }
  long offset = 0;
  if (*rest == '+' || *rest == '-') {
    int hours = 0;
    int minutes = 0;
    int used = 0;
    if (std::sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5) {
      return std::nullopt;
    }
    offset = (*rest == '-' ? -1 : 1) * (hours * 3600L + minutes * 60L);
    rest += 6;
  } else if (*rest++ != 'Z') {
    return std::nullopt;
  }
  if (*rest != '\0') return std::nullopt;
  return TimePoint(std::chrono::seconds(timegm(&parts) - offset));
}

}  // namespace sparekey
