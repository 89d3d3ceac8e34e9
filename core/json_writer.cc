// SPDX-License-Identifier: Apache-2.0
#include "core/json_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "core/utf8.h"

namespace sparekey {
namespace {

using std::string_view_literals::operator""sv;  // for words whose length is known

bool IsPlain(char c) { return c != '"' && c != '\\' && static_cast<std::uint8_t>(c) >= 0x20; }

}  // namespace

void JsonWriter::Append(std::string_view bytes) {
  if (bytes.size() > buffer_.size() - size_) {
    SecretBytes larger(2 * (size_ + bytes.size()));
    std::ranges::copy(buffer_.Expose().first(size_), larger.Expose().begin());
    buffer_ = std::move(larger);
  }
  std::memcpy(buffer_.Expose().data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void JsonWriter::Separate() {
  if (!is_first_) Append(","sv);
  is_first_ = false;
}

void JsonWriter::Start(char bracket) {
  Separate();
  Append({&bracket, 1});
  is_first_ = true;
}

void JsonWriter::End(char bracket) {
  Append({&bracket, 1});
  is_first_ = false;
}

// RFC 8259 section 7.
void JsonWriter::AddQuoted(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  if (!IsUtf8(text)) is_good_ = false;
  Append("\""sv);
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && IsPlain(text[plain])) ++plain;
    Append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto byte = static_cast<std::uint8_t>(text.front());
    const std::array<char, 6> code{'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 0xf]};
    const std::array<char, 2> escaped{'\\', text.front()};
    Append(byte < 0x20 ? std::string_view(code.data(), code.size())
                       : std::string_view(escaped.data(), escaped.size()));
    text.remove_prefix(1);
  }
  Append("\""sv);
}

void JsonWriter::AddName(std::string_view name) {
  Separate();
  AddQuoted(name);
  Append(":"sv);
  is_first_ = true;
}

void JsonWriter::AddText(std::string_view text) {
  Separate();
  AddQuoted(text);
}

void JsonWriter::AddWord(std::string_view word) {
  Separate();
  Append(word);
}

void JsonWriter::AddNumber(std::int64_t number) { AddWord(std::to_string(number)); }

}  // namespace sparekey
