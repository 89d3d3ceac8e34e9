// SPDX-License-Identifier: Apache-2.0
#include "core/byte_codec.h"

#include <algorithm>

namespace sparekey {
namespace {

// Far beyond any clock, and far from where sums of times overflow.
constexpr std::int64_t kMostSeconds = std::int64_t{1} << 40;

}  // namespace

void ByteWriter::Byte(std::uint8_t value) {
  if (size_ < out_.size()) out_[size_] = value;
  ++size_;
}

void ByteWriter::Number(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) Byte(static_cast<std::uint8_t>(value | 0x80));
  Byte(static_cast<std::uint8_t>(value));
}

void ByteWriter::Signed(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  Number((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

void ByteWriter::Bytes(std::span<const std::uint8_t> bytes) {
  const std::size_t room = out_.size() - std::min(size_, out_.size());
  std::ranges::copy(bytes.first(std::min(room, bytes.size())), out_.begin() + (out_.size() - room));
  size_ += bytes.size();
}

void ByteWriter::Block(std::span<const std::uint8_t> bytes) {
  Number(bytes.size());
  Bytes(bytes);
}

void ByteWriter::Text(std::string_view text) {
  Block({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void ByteWriter::Time(TimePoint time) {
  const std::int64_t seconds = time.time_since_epoch().count();
  Signed(std::clamp(seconds, -kMostSeconds, kMostSeconds));
}

std::uint8_t ByteReader::Byte() {
  const auto byte = Bytes(1);
  return byte.empty() ? 0 : byte[0];
}

bool ByteReader::Flag() { return Number(1) == 1; }

std::uint64_t ByteReader::Number() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = Byte();
    // The tenth byte has room for one bit.
    if (!ok_ || (shift == 63 && byte > 1)) break;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  Fail();
  return 0;
}

std::uint64_t ByteReader::Number(std::uint64_t most) {
  const std::uint64_t value = Number();
  if (value <= most) return value;
  Fail();
  return 0;
}

std::size_t ByteReader::Count(std::size_t most) {
  return static_cast<std::size_t>(Number(std::min(most, bytes_.size())));
}

std::int64_t ByteReader::Signed() {
  const std::uint64_t bits = Number();
  return static_cast<std::int64_t>((bits >> 1) ^ ((bits & 1) != 0 ? ~std::uint64_t{0} : 0));
}

std::span<const std::uint8_t> ByteReader::Bytes(std::size_t size) {
  if (!ok_ || size > bytes_.size()) {
    Fail();
    return {};
  }
  const auto head = bytes_.first(size);
  bytes_ = bytes_.subspan(size);
  return head;
}

std::span<const std::uint8_t> ByteReader::Block() { return Bytes(Count(bytes_.size())); }

std::string ByteReader::Text() {
  const auto block = Block();
  return {block.begin(), block.end()};
}

TimePoint ByteReader::Time() {
  std::int64_t seconds = Signed();
  if (seconds < -kMostSeconds || seconds > kMostSeconds) {
    Fail();
    seconds = 0;
  }
  return TimePoint{std::chrono::seconds(seconds)};
}

}  // namespace sparekey
