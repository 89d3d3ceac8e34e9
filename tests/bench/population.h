// SPDX-License-Identifier: Apache-2.0
// Who logs in when speed is measured: accounts user0000000, user0000001, …, whose secrets follow
// from their numbers, so that every system and the driver know the same ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace sparekey::bench {

inline constexpr std::size_t kSecretBytes = 20;
inline constexpr int kDigits = 6;

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

// The order in which accounts log in: all of `count` once, far from each other.
inline std::uint64_t Shuffled(std::uint64_t place, std::uint64_t count) {
  constexpr std::uint64_t kPrime = 15'485'863;
  return (place % count * kPrime + 7) % count;
}

}  // namespace sparekey::bench
