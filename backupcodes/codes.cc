// SPDX-License-Identifier: Apache-2.0
#include "backupcodes/codes.h"

#include <algorithm>
#include <span>
#include <string>
#include <tuple>

namespace sparekey {
namespace {

// Crockford's base32: no I, L, O and U.
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kGroup = 4;

// The character of the alphabet that is meant. nullopt: none.
std::optional<char> Normalize(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O') return '0';
  if (c == 'I' || c == 'L') return '1';
  if (kAlphabet.find(c) == std::string_view::npos) return std::nullopt;
  return c;
}

// The alphabet in random order: sorted by 64 random bits each, so that no draw is ever thrown away
// and every order is equally likely.
std::string ShuffledAlphabet(const RandomSource& random) {
  struct Draw {
    std::array<std::uint8_t, 8> key;
    char character;
  };
  std::array<Draw, kAlphabet.size()> draws{};
  for (std::size_t i = 0; i < draws.size(); ++i) {
    random(draws[i].key);
    draws[i].character = kAlphabet[i];
  }
  std::sort(draws.begin(), draws.end(), [](const Draw& a, const Draw& b) {
    return std::tie(a.key, a.character) < std::tie(b.key, b.character);
  });
  std::string shuffled;
  for (const Draw& draw : draws) shuffled += draw.character;
  return shuffled;
}

}  // namespace

std::optional<BackupCode> ParseBackupCode(std::string_view text) {
  BackupCode code(kBackupCodeLength);
  std::size_t size = 0;
  for (const char c : text) {
    if (c == ' ' || c == '-') continue;
    const auto character = Normalize(c);
    if (!character || size == kBackupCodeLength) return std::nullopt;
    code.Expose()[size++] = static_cast<std::uint8_t>(*character);
  }
  if (size != kBackupCodeLength) return std::nullopt;
  return code;
}

SecretBytes FormatBackupCode(const BackupCode& code) {
  const std::size_t groups = (code.size() + kGroup - 1) / kGroup;
  SecretBytes text(code.size() + std::max<std::size_t>(groups, 1) - 1);
  auto out = text.Expose().begin();
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (i != 0 && i % kGroup == 0) *out++ = '-';
    *out++ = code.Expose()[i];
  }
  return text;
}

std::vector<BackupCode> GenerateBackupCodes(int count, const RandomSource& random) {
  const std::string first_characters = ShuffledAlphabet(random);
  std::vector<BackupCode> codes;
  const int possible = std::min<int>(count, kAlphabet.size());
  for (int i = 0; i < possible; ++i) {
    BackupCode code(kBackupCodeLength);
    random(code.Expose());
    // 256 is a multiple of 32: the lowest five bits of a byte choose evenly.
    for (std::uint8_t& byte : code.Expose()) byte = kAlphabet[byte & 31];
    code.Expose()[0] = first_characters[static_cast<std::size_t>(i)];
    codes.push_back(std::move(code));
  }
  return codes;
}

}  // namespace sparekey
