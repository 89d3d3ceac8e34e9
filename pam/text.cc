// SPDX-License-Identifier: Apache-2.0
#include "pam/text.h"

#include <algorithm>
#include <cstdint>

namespace sparekey::pam {
namespace {

constexpr std::size_t kMaxEscaped = 256;

}  // namespace

std::string Escaped(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string line;
  line.reserve(std::min(text.size(), kMaxEscaped));
  for (const char c : text.substr(0, kMaxEscaped)) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\') {
      line += c;
    } else {
      line += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xf]};
    }
  }
  if (text.size() > kMaxEscaped) line += "...";
  return line;
}

}  // namespace sparekey::pam
