// SPDX-License-Identifier: Apache-2.0
// What a login through sparekey sends and gets, in bytes.
#pragma once

#include <cstddef>

namespace sparekey::bench {

inline constexpr std::size_t kBareRequest = 250, kBareReply = 268;

}  // namespace sparekey::bench
