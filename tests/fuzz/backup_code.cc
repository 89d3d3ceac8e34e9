// SPDX-License-Identifier: Apache-2.0
// Whatever somebody types: a backup code that is read is written and read back as itself.
#include <cstdlib>

#include "backupcodes/codes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto code = sparekey::ParseBackupCode({reinterpret_cast<const char*>(data), size});
  if (!code) return 0;
  const auto again = sparekey::ParseBackupCode(sparekey::FormatBackupCode(*code).ExposeText());
  if (!again || again->ExposeText() != code->ExposeText()) std::abort();
  return 0;
}
