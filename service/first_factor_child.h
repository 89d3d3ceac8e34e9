// SPDX-License-Identifier: Apache-2.0
// The child's side of service/first_factor.h: asks PAM about one password and ends. Links libpam
// and the light part of core only; has no key and no store.
#pragma once

#include <cstddef>
#include <string_view>

namespace sparekey {

// Standard input holds NAME NUL PASSWORD, then ends. Standard output gets one of these words; any
// other outcome means that nobody could tell.
inline constexpr std::size_t kMostFirstFactorBytes = 1024;
inline constexpr std::string_view kFirstFactorAccepts = "accept\n";
inline constexpr std::string_view kFirstFactorDenies = "deny\n";

// The exit status: 0 with a word. Asks PAM's service "sparekey", in `confdir` where one is given.
int AnswerFirstFactor(const char* confdir);

}  // namespace sparekey
