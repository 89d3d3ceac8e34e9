// SPDX-License-Identifier: Apache-2.0
// Who logs in when speed is measured: accounts user0000000, user0000001, …, whose secrets follow
// from their numbers, so that every system and the driver know the same ones.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace sparekey::bench {

inline constexpr std::size_t kSecretBytes = 20;
// Of sparekey's accounts. With six, one code in a million is by chance the account's last one, and
// is denied as its replay.
inline constexpr int kDigits = 8;

inline std::uint64_t Mix(std::uint64_t number) {  // splitmix64
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

inline std::string NameOf(std::uint64_t number) {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "user%07llu", static_cast<unsigned long long>(number));
  return name.data();
}

inline std::array<std::uint8_t, kSecretBytes> SecretOf(std::uint64_t number) {
  std::array<std::uint8_t, kSecretBytes> secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) {
    secret[i] = static_cast<std::uint8_t>(Mix(number * kSecretBytes + i));
  }
  return secret;
}

// In a store of sparekey's the even accounts have TOTP and the odd ones HOTP.
inline bool HasCounter(std::uint64_t number) { return number % 2 == 1; }

// The order in which accounts log in: by lot, all of `count` once. A network of Feistel's over the
// next power of four, again where it leads beyond `count`.
inline std::uint64_t Shuffled(std::uint64_t place, std::uint64_t count) {
  const auto half = static_cast<unsigned>(std::bit_width(count) + 1) / 2;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  std::uint64_t drawn = place % count;
  do {
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t left = drawn >> half, right = drawn & mask;
      drawn = right << half | (left ^ (Mix(round << half | right) & mask));
    }
  } while (drawn >= count);
  return drawn;
}

}  // namespace sparekey::bench
