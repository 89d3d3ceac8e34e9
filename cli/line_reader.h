// SPDX-License-Identifier: Apache-2.0
// The lines of a file of any size that may hold secrets: one buffer, wiped in the end.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace sparekey {

inline constexpr std::size_t kLongestListLine = 16 * 1024;

class LineReader {
 public:
  // Reads on from where `fd` stands, which stays the caller's.
  explicit LineReader(int fd);

  // The next line without its end, until the next call; nullopt behind the last one. kInvalid: it
  // is longer than kLongestListLine. kUnavailable: it cannot be read.
  Result<std::optional<std::string_view>> Next();
  std::size_t number() const { return number_; }  // of the line that Next returned; the first is 1

 private:
  Result<bool> Fill();

  int fd_;
  SecretBytes buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what is read and not returned yet
  std::size_t number_ = 0;
  bool at_end_ = false;
};

}  // namespace sparekey
