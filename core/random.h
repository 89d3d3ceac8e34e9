// SPDX-License-Identifier: Apache-2.0
// Randomness from the kernel (getrandom(2)). libc only.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace sparekey {

// Fills `bytes`, or ends the process where the kernel has no randomness: nothing may go on
// without. Passed into pure functions so that tests can say what comes out.
using RandomSource = std::function<void(std::span<std::uint8_t> bytes)>;
void FillRandom(std::span<std::uint8_t> bytes);

// `bytes` random bytes as lower-case hexadecimal digits; for identifiers.
std::string RandomHex(std::size_t bytes);

}  // namespace sparekey
