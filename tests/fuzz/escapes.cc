// SPDX-License-Identifier: Apache-2.0
// Text of others on its way into a log or onto a terminal: one line of UTF-8 that moves no cursor.
#include <cstdlib>

#include "cli/text.h"
#include "core/utf8.h"
#include "pam/text.h"
#include "service/logging.h"

namespace {

void CheckLine(const std::string& line) {
  if (!sparekey::IsUtf8(line)) std::abort();
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if (byte < ' ' || byte == 0x7f) std::abort();
    const bool c1 = byte == 0xc2 && static_cast<unsigned char>(line[i + 1]) < 0xa0;
    if (c1) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckLine(sparekey::EscapeForLog(text));
  CheckLine(sparekey::EscapeForLog(text, 16));
  CheckLine(sparekey::pam::Escaped(text));
  CheckLine(sparekey::Escape(text));
  if (sparekey::EscapeForLog(text).size() > 1100) std::abort();
  if (sparekey::pam::Escaped(text).size() > 1100) std::abort();
  return 0;
}
