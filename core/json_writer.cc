// SPDX-License-Identifier: Apache-2.0
#include "core/json_writer.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/utf8.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostEscaped = 6;  // bytes for one: \u001f

bool IsPlain(std::uint8_t byte) { return byte >= 0x20 && byte != '"' && byte != '\\'; }

}  // namespace

// Room for so many bytes more, and where they go.
std::uint8_t* JsonWriter::Reserve(std::size_t bytes) {
  if (bytes > buffer_.size() - size_) {
    SecretBytes larger(2 * (size_ + bytes));
    std::ranges::copy(buffer_.Expose().first(size_), larger.Expose().begin());
    buffer_ = std::move(larger);
  }
  return buffer_.Expose().data() + size_;
}

void JsonWriter::Append(std::string_view bytes) {
  std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
  size_ += bytes.size();
}

void JsonWriter::Append(char byte) {
  *Reserve(1) = static_cast<std::uint8_t>(byte);
  ++size_;
}

void JsonWriter::Separate() {
  if (!is_first_) Append(',');
  is_first_ = false;
}

void JsonWriter::Start(char bracket) {
  Separate();
  Append(bracket);
  is_first_ = true;
}

void JsonWriter::End(char bracket) {
  Append(bracket);
  is_first_ = false;
}

// RFC 8259 section 7.
void JsonWriter::AddQuoted(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::uint8_t* const begin = Reserve(kMostEscaped * text.size() + 2);
  std::uint8_t* out = begin;
  std::uint8_t all_bits = 0;
  *out++ = '"';
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    all_bits |= byte;
    if (!IsPlain(byte)) *out++ = '\\';
    if (byte < 0x20) {
      for (const char digit : {'u', '0', '0', kDigits[byte >> 4]}) *out++ = digit;
    }
    *out++ = byte < 0x20 ? kDigits[byte & 0xf] : byte;
  }
  *out++ = '"';
  size_ += static_cast<std::size_t>(out - begin);
  if (all_bits >= 0x80 && !IsUtf8(text)) is_good_ = false;
}

void JsonWriter::AddName(std::string_view name) {
  Separate();
  AddQuoted(name);
  Append(':');
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
