// SPDX-License-Identifier: Apache-2.0
// Authenticators of the RFCs' secret, their codes, and the step at which the tests stand.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "core/otp.h"

namespace sparekey {

inline constexpr std::string_view kKey20 = "12345678901234567890";
inline constexpr std::int64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();

inline TimePoint At(std::int64_t seconds_since_epoch) {
  return TimePoint(std::chrono::seconds(seconds_since_epoch));
}

inline Authenticator Totp() {
  Authenticator authenticator;
  authenticator.secret = SecretBytes(kKey20);
  return authenticator;
}

inline Authenticator Hotp() {
  Authenticator authenticator = Totp();
  authenticator.type = OtpType::kHotp;
  return authenticator;
}

inline std::string CodeOf(const Authenticator& authenticator, std::int64_t step) {
  const auto code = ComputeOtp(authenticator.algorithm, authenticator.secret,
                               static_cast<std::uint64_t>(step), authenticator.digits);
  return std::string(code.ExposeText());
}

// The step 1,000 lasts from 30,000 to 30,029.
inline constexpr std::int64_t kNow = 1000;
inline const TimePoint now = At(kNow * 30 + 7);

}  // namespace sparekey
