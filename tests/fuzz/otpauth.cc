// SPDX-License-Identifier: Apache-2.0
// Key URIs: what is read is in the ranges of an authenticator and can be written and read again.
#include "core/otpauth.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto uri = sparekey::ParseOtpauth({reinterpret_cast<const char*>(data), size});
  if (!uri) return 0;
  const auto& made = uri->authenticator;
  if (made.digits < 6 || made.digits > 8 || made.secret.size() < 16 || made.secret.size() > 64) {
    std::abort();
  }
  const auto text = sparekey::FormatOtpauth(made, uri->issuer, uri->account);
  if (!sparekey::ParseOtpauth(text.ExposeText())) std::abort();
  return 0;
}
