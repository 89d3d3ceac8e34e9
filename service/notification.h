// SPDX-License-Identifier: Apache-2.0
// What the administrator's programs are told, and how it reads.
#pragma once

#include <cstdint>
#include <string>

#include "core/events.h"

namespace sparekey {

// What hooks and the log are told: what an administrator may have to act on, never a plain login.
bool IsNotified(EventKind kind);

// The JSON that a hook reads, one line. `missed`: how many were not told since the last one.
std::string NotificationJson(const Event& event, const std::string& host, std::uint64_t missed);

}  // namespace sparekey
