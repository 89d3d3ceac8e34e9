// SPDX-License-Identifier: Apache-2.0
#include "core/base32.h"

namespace sparekey {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

// -1: not of the alphabet.
int ValueOf(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

bool IsIgnored(char c) { return c == ' ' || c == '-'; }

std::string_view WithoutPadding(std::string_view text) {
  while (!text.empty() && (text.back() == '=' || IsIgnored(text.back()))) text.remove_suffix(1);
  return text;
}

}  // namespace

SecretBytes EncodeBase32(std::span<const std::uint8_t> bytes) {
  SecretBytes text((bytes.size() * 8 + 4) / 5);
  std::uint32_t buffer = 0;
  int bits = 0;
  auto out = text.Expose().begin();
  for (const std::uint8_t byte : bytes) {
    buffer = buffer << 8 | byte;
    for (bits += 8; bits >= 5; bits -= 5) *out++ = kAlphabet[buffer >> (bits - 5) & 31];
  }
  if (bits > 0) *out = kAlphabet[buffer << (5 - bits) & 31];
  return text;
}

std::optional<SecretBytes> DecodeBase32(std::string_view text) {
  text = WithoutPadding(text);
  SecretBytes bytes(text.size() * 5 / 8);
  std::size_t size = 0;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : text) {
    if (IsIgnored(c)) continue;
    const int value = ValueOf(c);
    if (value < 0) return std::nullopt;
    buffer = buffer << 5 | static_cast<std::uint32_t>(value);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.Expose()[size++] = static_cast<std::uint8_t>(buffer >> bits);
  }
  // 5 or more bits left: a character too many; other bits than zero: a value cut short.
  const std::uint32_t left_over = buffer & ((1U << bits) - 1);
  if (bits >= 5 || left_over != 0) return std::nullopt;
  return SecretBytes(std::span<const std::uint8_t>(bytes.Expose().first(size)));
}

}  // namespace sparekey
