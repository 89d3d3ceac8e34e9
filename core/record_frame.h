// SPDX-License-Identifier: Apache-2.0
// What all records share: the version byte in front, nothing behind, and the parts that more than
// one kind of record has.
#pragma once

#include <cstdint>
#include <string>

#include "core/account.h"
#include "core/byte_codec.h"
#include "core/record_codec.h"

namespace sparekey {

inline constexpr std::uint8_t kRecordVersion = 1;

template <typename T>
SecretBytes EncodeRecord(const T& value, void (*write)(ByteWriter& out, const T& value)) {
  ByteWriter measure;
  measure.Byte(kRecordVersion);
  write(measure, value);
  SecretBytes bytes(measure.size());
  ByteWriter out(bytes.Expose());
  out.Byte(kRecordVersion);
  write(out, value);
  return bytes;
}

template <typename T>
Result<T> DecodeRecord(std::span<const std::uint8_t> bytes, std::string_view what,
                       T (*read)(ByteReader& in)) {
  ByteReader in(bytes);
  if (in.Byte() != kRecordVersion) {
    return Error{ErrorCode::kDamaged, std::string(what) + " is of an unknown version"};
  }
  T value = read(in);
  if (!in.AtEnd()) return Error{ErrorCode::kDamaged, std::string(what) + " is malformed"};
  return value;
}

void WriteGate(ByteWriter& out, const GateClosure& gate);
GateClosure ReadGate(ByteReader& in);
void WriteContainment(ByteWriter& out, const Containment& containment);
Containment ReadContainment(ByteReader& in);

}  // namespace sparekey
