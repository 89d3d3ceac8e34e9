// SPDX-License-Identifier: Apache-2.0
// otpauth:// key URIs: otpauth://TYPE/ISSUER:ACCOUNT?secret=…&issuer=…&algorithm=…&digits=…
// &period=… (counter=… for HOTP).
#pragma once

#include <string_view>

#include "core/account.h"
#include "core/result.h"

namespace sparekey {

// Issuer and account are percent-encoded. HOTP's counter is mark + 1.
SecretBytes FormatOtpauth(const Authenticator& authenticator, std::string_view issuer,
                          std::string_view account);

struct OtpauthUri {
  std::string issuer;
  std::string account;
  Authenticator authenticator;  // label empty
};
// Strict about type, secret (16..64 bytes), digits, period, counter; unknown parameters are
// ignored.
Result<OtpauthUri> ParseOtpauth(std::string_view uri);

}  // namespace sparekey
