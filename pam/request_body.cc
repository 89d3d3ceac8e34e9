// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "pam/messages.h"
#include "pam/text.h"

namespace sparekey::pam {
namespace {

using std::string_view_literals::operator""sv;  // for words whose length is known

// Most requests; far more than names, ten answers of 256 bytes and the escaping of all of them
// need.
constexpr std::size_t kUsualSize = 1024, kMostSize = 32 * 1024;

bool MustBeEscaped(char c) { return c == '"' || c == '\\' || static_cast<std::uint8_t>(c) < 0x20; }

}  // namespace

RequestBody::RequestBody() : buffer_(kUsualSize) { Append("{"sv); }

void RequestBody::Append(std::string_view bytes) {
  if (bytes.size() > kMostSize - size_) {
    is_bad_ = true;
    return;
  }
  if (bytes.size() > buffer_.size() - size_) {
    SecretBytes larger(std::min(kMostSize, 2 * (size_ + bytes.size())));
    std::ranges::copy(buffer_.Expose().first(size_), larger.Expose().begin());
    buffer_ = std::move(larger);
  }
  std::memcpy(buffer_.Expose().data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

// RFC 8259 section 7.
void RequestBody::AppendEscaped(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && !MustBeEscaped(text[plain])) ++plain;
    Append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    const auto byte = static_cast<std::uint8_t>(text.front());
    const std::array<char, 6> escaped{'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 0xf]};
    Append({escaped.data(), escaped.size()});
    text.remove_prefix(1);
  }
}

void RequestBody::AddName(std::string_view name) {
  Append(is_first_ ? "\""sv : ",\""sv);
  is_first_ = false;
  AppendEscaped(name);
  Append("\":"sv);
}

void RequestBody::AddText(std::string_view name, std::string_view text) {
  if (!IsUtf8(text)) is_bad_ = true;
  AddName(name);
  Append("\""sv);
  AppendEscaped(text);
  Append("\""sv);
}

void RequestBody::AddFlag(std::string_view name, bool flag) {
  AddName(name);
  Append(flag ? "true"sv : "false"sv);
}

void RequestBody::OpenObject(std::string_view name) {
  AddName(name);
  Append("{"sv);
  is_first_ = true;
}

void RequestBody::CloseObject() {
  Append("}"sv);
  is_first_ = false;
}

std::optional<std::string_view> RequestBody::Finish() {
  Append("}"sv);
  if (is_bad_) return std::nullopt;
  return buffer_.ExposeText().substr(0, size_);
}

}  // namespace sparekey::pam
