// SPDX-License-Identifier: Apache-2.0
// Records of the store, as if their seal had been forged: read or refused, never more.
#include "core/record_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  (void)sparekey::DecodeAccount(bytes);
  (void)sparekey::DecodeSystem(bytes);
  (void)sparekey::DecodePolicy(bytes);
  (void)sparekey::DecodeEvent(bytes);
  (void)sparekey::DecodeAlert(bytes);
  return 0;
}
