// SPDX-License-Identifier: Apache-2.0
// Words of a command line (one a line): fit the table, or are refused with one readable line.
#include "cli/arguments.h"

#include <cstdlib>

#include "core/utf8.h"
#include "pam/text.h"

namespace {

using sparekey::Status;

void CheckMessage(const sparekey::Error& error) {
  const std::string& text = error.message;
  for (const char c : text) {
    if ((c >= 0 && c < ' ') || c == '\x7f') std::abort();
  }
  if (text.empty() || !sparekey::IsUtf8(text)) std::abort();
}

void CheckStatus(const Status& status) {
  if (!status) CheckMessage(status.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> words(1);
  for (const char c : std::string_view(reinterpret_cast<const char*>(data), size)) {
    if (c == '\n') {
      words.emplace_back();
    } else if (c != '\0') {
      words.back() += c;
    }
  }
  const auto invocation = sparekey::ParseArguments(words);
  if (!invocation) {
    CheckMessage(invocation.error());
  } else if (!invocation->help && !invocation->version && invocation->command == nullptr) {
    std::abort();
  }
  for (const std::string& word : words) {
    CheckStatus(sparekey::CheckName("NAME", word));
    CheckStatus(sparekey::CheckNumber("digits", word, 6, 8));
    CheckStatus(sparekey::CheckOneOf("door", word, {"ssh", "web"}));
    CheckStatus(sparekey::CheckExtension("out", word, {".txt"}));
  }
  return 0;
}
