// SPDX-License-Identifier: Apache-2.0
// Writes JSON (RFC 8259) from front to back into bytes that are wiped: what a login asks and is
// answered, where a tree would cost more than the login's own work. libc only, since the PAM module
// uses it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/secret.h"

namespace sparekey {

class JsonWriter {
 public:
  explicit JsonWriter(std::size_t usual_size) : buffer_(usual_size) {}

  void StartObject() { Start('{'); }
  void EndObject() { End('}'); }
  void StartArray() { Start('['); }
  void EndArray() { End(']'); }

  void AddName(std::string_view name);  // in an object, before its value
  void AddText(std::string_view text);  // not UTF-8: nothing is good from then on
  void AddNumber(std::int64_t number);
  void AddFlag(bool flag) {
    AddWord(flag ? std::string_view("true", 4) : std::string_view("false", 5));
  }
  void AddNull() { AddWord({"null", 4}); }

  void AddText(std::string_view name, std::string_view text) { AddName(name), AddText(text); }
  void AddFlag(std::string_view name, bool flag) { AddName(name), AddFlag(flag); }

  bool IsGood() const { return is_good_; }
  std::string_view text() const { return buffer_.ExposeText().substr(0, size_); }

 private:
  std::uint8_t* Reserve(std::size_t bytes);
  void Append(std::string_view bytes);
  void Append(char byte);
  void Separate();
  void AddWord(std::string_view word);
  void AddQuoted(std::string_view text);
  void Start(char bracket);
  void End(char bracket);

  SecretBytes buffer_;
  std::size_t size_ = 0;
  bool is_good_ = true;
  bool is_first_ = true;  // nothing that a comma must follow
};

}  // namespace sparekey
