// SPDX-License-Identifier: Apache-2.0
// Accounts and times that many tests start from.
#pragma once

#include <cstdint>
#include <string>

#include "core/account.h"
#include "core/otp.h"

namespace sparekey::testing {

inline constexpr TimePoint kNow{std::chrono::seconds(1'800'000'015)};
inline constexpr TimePoint kBuilt{std::chrono::seconds(1'793'491'200)};

inline Authenticator MakeAuthenticator(std::string label = "phone",
                                       std::string_view secret = "12345678901234567890") {
  Authenticator authenticator;
  authenticator.label = std::move(label);
  authenticator.secret = SecretBytes(secret);
  authenticator.created = kNow;
  return authenticator;
}

inline Sheet MakeSheet(std::uint32_t number = 1, int count = 10) {
  Sheet sheet;
  sheet.number = number;
  sheet.issued = kNow;
  for (int i = 0; i < count; ++i) {
    BackupCodeRecord code;
    code.first = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[i];
    code.hash.fill(static_cast<std::uint8_t>(i));
    sheet.codes.push_back(code);
  }
  return sheet;
}

inline Account MakeAccount(std::string name = "ada", uid_t uid = 1000) {
  Account account;
  account.name = std::move(name);
  account.uid = uid;
  account.authenticators.push_back(MakeAuthenticator());
  account.sheet = MakeSheet();
  account.sheets_issued = 1;
  return account;
}

// The authenticator's code `steps` away from now.
inline std::string CodeAt(const Authenticator& authenticator, TimePoint now, int steps = 0) {
  const std::int64_t step = *TotpStep(now, authenticator.interval) + steps;
  return std::string(ComputeOtp(authenticator.algorithm, authenticator.secret,
                                static_cast<std::uint64_t>(step), authenticator.digits)
                         .ExposeText());
}

}  // namespace sparekey::testing
