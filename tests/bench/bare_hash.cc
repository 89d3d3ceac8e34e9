// SPDX-License-Identifier: Apache-2.0
// What two bare Argon2id hashes cost, with the parameters of backup codes: the floor of a recovery.
// bench_hash COUNT prints nanoseconds of pairs, one a line.
#include <sodium.h>

#include <array>
#include <cstdlib>
#include <iostream>

#include "tests/bench/login.h"

int main(int count, char** words) {
  using sparekey::bench::NanosecondsNow;
  constexpr std::size_t kMemoryBytes = std::size_t{19} * 1024 * 1024;  // backupcodes/hash.cc
  constexpr unsigned long long kPasses = 2;
  if (count != 2 || sodium_init() < 0) return 2;
  const std::array<char, 64> input{};
  const std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
  std::array<unsigned char, 16> hash{};
  for (long pairs = std::strtol(words[1], nullptr, 10); pairs > 0; --pairs) {
    const auto begin = NanosecondsNow();
    for (int i = 0; i < 2; ++i) {
      if (crypto_pwhash(hash.data(), hash.size(), input.data(), input.size(), salt.data(), kPasses,
                        kMemoryBytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return 1;
      }
    }
    std::cout << NanosecondsNow() - begin << '\n';
  }
  return 0;
}
