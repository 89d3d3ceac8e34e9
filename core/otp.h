// SPDX-License-Identifier: Apache-2.0
// One-time codes: HOTP (RFC 4226 section 5.3) and TOTP (RFC 6238 section 4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/account.h"
#include "core/clock.h"

namespace sparekey {

// The code of one step as `digits` (6..8) decimal digits. HMAC by Nettle.
SecretBytes ComputeOtp(HashAlgorithm algorithm, const SecretBytes& secret, std::uint64_t step,
                       int digits);

// The TOTP step of a time; negative times have none.
std::optional<std::int64_t> TotpStep(TimePoint time, std::chrono::seconds interval);

struct OtpMatch {
  std::optional<std::int64_t> fresh;  // lowest matching step above the mark; none where a replay
  bool replay = false;  // the code of the last accepted step again, also if a later step has it
};

// Compares `code` with every step of the authenticator's window in constant time (TOTP: now's step
// +- window, HOTP: the kHotpLookAhead counters after the mark), and with the mark itself, however
// old. A code that has not exactly `digits` digits matches nothing.
OtpMatch MatchOtp(const Authenticator& authenticator, std::string_view code, TimePoint now,
                  int window);

// The counters after the mark that a resynchronisation looks through (RFC 4226 section 7.4).
inline constexpr int kResyncWindow = 1000;
// HOTP only: the counter of the second of two consecutive codes, both above the mark and within
// kResyncWindow of it; nullopt where no such pair is. Takes kResyncWindow + 1 HMACs (about 0.5 ms).
std::optional<std::int64_t> FindConsecutive(const Authenticator& authenticator,
                                            std::string_view first, std::string_view second);

// Two authenticators that make the same code of the same step.
bool MakeSameCodes(const Authenticator& a, const Authenticator& b);

// TOTP only: the clock is before `built`, or behind the last accepted step by more than the
// window.
bool IsClockUsable(const Authenticator& authenticator, TimePoint now, TimePoint built, int window);

}  // namespace sparekey
