// SPDX-License-Identifier: Apache-2.0
// JSON (RFC 8259) read once from front to back, without a tree, which would cost a login more than
// the rest of its work; and the PAM module, which is loaded with each, more than the rest of its
// size. Refuses what is not JSON, not UTF-8, deeper than eight levels, or a number of more than 32
// digits on a side of its point or two in its exponent.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sparekey {

// After the first thing that is refused every call reads nothing and IsGood() stays false.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}

  // An object is StartObject(), then for each true of NextMember() exactly one value, until it is
  // false. Arrays alike.
  void StartObject() { Start('{'); }
  bool NextMember(std::string& name);
  void StartArray() { Start('['); }
  bool NextElement() { return Next(']'); }

  // Whether the next value begins with '"', '{', '[', 't' or 'f'.
  bool IsNext(char first);
  // Takes no more memory where `text` has room for all that the reader was given.
  void ReadText(std::string& text);
  bool ReadFlag();
  bool TakeNull();  // false, and nothing is read, where another value comes
  void SkipValue();

  void Refuse() { is_good_ = false; }
  bool IsGood() const { return is_good_; }
  bool IsAtEnd();  // good, and nothing but white space is left

 private:
  void SkipSpace();
  bool Take(char c);
  bool TakeWord(std::string_view word);
  void Start(char bracket);
  bool Next(char end);
  void ReadString(std::string* text);
  void ReadEscape(std::string* text);
  unsigned ReadHex4();
  std::size_t TakeDigits(std::size_t most);
  void SkipNumber();

  std::string_view rest_;
  bool is_good_ = true;
  bool is_first_ = false;  // of the object or array that was started last
  int depth_ = 0;
};

}  // namespace sparekey
