// SPDX-License-Identifier: Apache-2.0
// The alphabet of record_codec: numbers, texts and times to bytes and back, never past the end.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/secret.h"

namespace sparekey {

// Writes into a buffer of the right size, or, without one, only counts. So a record is measured
// first and no copy of a secret stays behind in a buffer that has grown.
class ByteWriter {
 public:
  ByteWriter() = default;  // counts
  explicit ByteWriter(std::span<std::uint8_t> out) : out_(out) {}

  std::size_t size() const { return size_; }

  void Byte(std::uint8_t value);
  void Number(std::uint64_t value);
  void Signed(std::int64_t value);
  void Bytes(std::span<const std::uint8_t> bytes);  // without its length
  void Block(std::span<const std::uint8_t> bytes);  // with its length in front
  void Text(std::string_view text);
  void Time(TimePoint time);  // kept within 2^40 seconds of 1970

 private:
  std::span<std::uint8_t> out_;
  std::size_t size_ = 0;
};

// After the first read that does not fit, every read gives zero or nothing and ok() is false.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  // Everything was read, and nothing failed.
  bool AtEnd() const { return ok_ && bytes_.empty(); }
  void Fail() { ok_ = false; }

  std::uint8_t Byte();
  bool Flag();  // 0 or 1
  std::uint64_t Number();
  std::uint64_t Number(std::uint64_t most);
  // The length of a list whose elements take a byte or more.
  std::size_t Count(std::size_t most);
  std::int64_t Signed();
  std::span<const std::uint8_t> Bytes(std::size_t size);
  std::span<const std::uint8_t> Block();
  std::string Text();
  TimePoint Time();

 private:
  std::span<const std::uint8_t> bytes_;
  bool ok_ = true;
};

}  // namespace sparekey
