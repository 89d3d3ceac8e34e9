// SPDX-License-Identifier: Apache-2.0
#include "core/json_reader.h"

#include "core/utf8.h"

namespace sparekey {
namespace {

using std::string_view_literals::operator""sv;  // for words whose length is known

constexpr int kDeepest = 8;
constexpr std::size_t kMostDigits = 32, kMostExponentDigits = 2;  // far within a double

bool IsPlain(char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; }

// RFC 3629 section 3.
void AppendUtf8(std::string& text, unsigned point) {
  const auto continued = [point](int shift) {
    return static_cast<char>(0x80 | ((point >> shift) & 0x3f));
  };
  if (point < 0x80) {
    text += static_cast<char>(point);
    return;
  }
  if (point < 0x800) {
    text += static_cast<char>(0xc0 | (point >> 6));
  } else if (point < 0x10000) {
    text += static_cast<char>(0xe0 | (point >> 12));
    text += continued(6);
  } else {
    text += static_cast<char>(0xf0 | (point >> 18));
    text += continued(12);
    text += continued(6);
  }
  text += continued(0);
}

}  // namespace

void JsonReader::SkipSpace() {
  std::size_t size = 0;
  while (size < rest_.size() && (rest_[size] == ' ' || rest_[size] == '\n' || rest_[size] == '\t' ||
                                 rest_[size] == '\r')) {
    ++size;
  }
  rest_.remove_prefix(size);
}

bool JsonReader::Take(char c) {
  if (!is_good_ || rest_.empty() || rest_.front() != c) return false;
  rest_.remove_prefix(1);
  return true;
}

bool JsonReader::TakeWord(std::string_view word) {
  SkipSpace();
  if (!is_good_ || !rest_.starts_with(word)) return false;
  rest_.remove_prefix(word.size());
  return true;
}

void JsonReader::Start(char bracket) {
  SkipSpace();
  if (!Take(bracket) || ++depth_ > kDeepest) Refuse();
  is_first_ = true;
}

bool JsonReader::Next(char end) {
  SkipSpace();
  if (Take(end)) {
    --depth_;
    is_first_ = false;  // whatever holds this has had a value
    return false;
  }
  if (!is_first_ && !Take(',')) Refuse();
  is_first_ = false;
  return is_good_;
}

bool JsonReader::NextMember(std::string& name) {
  if (!Next('}')) return false;
  ReadText(name);
  SkipSpace();
  if (!Take(':')) Refuse();
  return is_good_;
}

bool JsonReader::IsNext(char first) {
  SkipSpace();
  return is_good_ && rest_.starts_with(first);
}

void JsonReader::ReadText(std::string& text) {
  text.clear();
  ReadString(&text);
}

// `text`: nothing where only its form counts.
void JsonReader::ReadString(std::string* text) {
  SkipSpace();
  if (!Take('"')) return Refuse();
  while (is_good_ && !Take('"')) {
    std::size_t size = 0;
    unsigned char all_bits = 0;
    for (; size < rest_.size() && IsPlain(rest_[size]); ++size) {
      all_bits |= static_cast<unsigned char>(rest_[size]);
    }
    const std::string_view plain(rest_.data(), size);
    rest_.remove_prefix(size);
    if (all_bits >= 0x80 && !IsUtf8(plain)) Refuse();
    if (text != nullptr) text->append(plain);
    if (Take('\\')) {
      ReadEscape(text);
    } else if (!rest_.starts_with('"')) {
      Refuse();
    }
  }
}

void JsonReader::ReadEscape(std::string* text) {
  static constexpr std::string_view kNames = "\"\\/bfnrtu", kMeant = "\"\\/\b\f\n\r\t";
  const auto which = rest_.empty() ? kNames.npos : kNames.find(rest_.front());
  if (which == kNames.npos) return Refuse();
  rest_.remove_prefix(1);
  unsigned point = which < kMeant.size() ? static_cast<unsigned>(kMeant[which]) : ReadHex4();
  if (point >= 0xd800 && point <= 0xdfff) {
    const bool is_pair = point < 0xdc00 && Take('\\') && Take('u');
    const unsigned low = is_pair ? ReadHex4() : 0;
    if (low < 0xdc00 || low > 0xdfff) return Refuse();
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  }
  if (text != nullptr) AppendUtf8(*text, point);
}

unsigned JsonReader::ReadHex4() {
  unsigned value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = rest_.empty() ? '\0' : rest_.front();
    const char lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      value = value * 16 + static_cast<unsigned>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value * 16 + static_cast<unsigned>(lower - 'a' + 10);
    } else {
      Refuse();
      return 0;
    }
    rest_.remove_prefix(1);
  }
  return value;
}

bool JsonReader::ReadFlag() {
  if (TakeWord("true"sv)) return true;
  if (!TakeWord("false"sv)) Refuse();
  return false;
}

bool JsonReader::TakeNull() { return TakeWord("null"sv); }

// How many there were, none where there are more than `most`.
std::size_t JsonReader::TakeDigits(std::size_t most) {
  std::size_t size = 0;
  while (size < rest_.size() && rest_[size] >= '0' && rest_[size] <= '9') ++size;
  rest_.remove_prefix(size);
  return size <= most ? size : 0;
}

void JsonReader::SkipNumber() {
  (void)Take('-');
  const bool begins_with_zero = rest_.starts_with('0');
  const std::size_t digits = TakeDigits(kMostDigits);
  if (digits == 0 || (begins_with_zero && digits > 1)) Refuse();
  if (Take('.') && TakeDigits(kMostDigits) == 0) Refuse();
  if (Take('e') || Take('E')) {
    if (!Take('-')) (void)Take('+');
    if (TakeDigits(kMostExponentDigits) == 0) Refuse();
  }
}

void JsonReader::SkipValue() {
  SkipSpace();
  if (rest_.starts_with('{')) {
    StartObject();
    for (std::string name; NextMember(name);) SkipValue();
  } else if (rest_.starts_with('[')) {
    StartArray();
    while (NextElement()) SkipValue();
  } else if (rest_.starts_with('"')) {
    ReadString(nullptr);
  } else if (!TakeWord("true"sv) && !TakeWord("false"sv) && !TakeNull()) {
    SkipNumber();
  }
}

bool JsonReader::IsAtEnd() {
  SkipSpace();
  return is_good_ && rest_.empty();
}

}  // namespace sparekey
