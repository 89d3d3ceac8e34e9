// SPDX-License-Identifier: Apache-2.0
// The books of an exhaustive test: what somebody knows who has read the rules and sees every input,
// but never a record. Two accounts, ada (an administrator) and bob, in a world of few steps, codes
// and attempts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/account.h"
#include "core/events.h"
#include "core/policy.h"

namespace sparekey::testing {

inline constexpr int kAda = 0;  // an administrator
inline constexpr int kBob = 1;
inline constexpr int kNobody = -1;  // the system
inline constexpr std::size_t kAccounts = 2;

// Secrets an account may have one after the other or at once; one-time codes and steps are named
// by their number. TOTP steps count from the build date, HOTP counters from 0.
inline constexpr int kSecrets = 4;
inline constexpr int kBeforeTheBuild = -1;  // a clock that reads the step before the build date
inline constexpr int kBefore1970 = -2;

enum class Verb : std::uint8_t {
  kOneTimeCode,
  kBackupCodes,
  // Administrators' and users' own verbs.
  kUnlock,
  kBeginEnrolment,
  kFinishEnrolment,
  kAddAuthenticator,  // the scene's second one
  kRemoveTwoFactor,
  kNewSheet,
  kCloseGate,  // of `who`
  kOpenGate,
  // The service's, when no session in the scope of `who` lives any more.
  kFinishContainment,
  // The local console's.
  kResetAccount,
  kResetSystem,
};

struct TypedCode {
  int secret = 0;
  std::optional<int> step;  // nullopt: digits that are no code of any step
  int digits = 6;
};

struct TypedSet {
  int sheets_ago = 0;                     // compared with the current sheet, or with an older one
  std::vector<std::optional<int>> codes;  // places on that sheet; nullopt: no code of it
};

struct Input {
  Verb verb = Verb::kOneTimeCode;
  int who = kAda;
  Door door = Door::kSsh;
  int clock = 1;  // the step that the clock reads
  TypedCode code;
  TypedSet set;
  bool given_away = false;  // the directory gives this name or uid to somebody else
};
std::string Describe(const Input& input);

struct AuthenticatorEntry {
  int secret = 0;
  OtpType type = OtpType::kTotp;
  int digits = 6;
};

struct AccountLedger {
  std::vector<AuthenticatorEntry> authenticators;  // enrolled: not empty
  bool pending = false;
  bool must_enrol = false;
  int enrolments = 0;
  std::array<int, kSecrets> last_step{-1, -1, -1, -1};  // the last accepted one of each secret
  int wrong_in_a_row = 0;
  int budget_used = 0;
  int failed_recoveries = 0;
  bool locked = false;
  bool super_locked = false;
  bool gate_closed = false;
  bool contained = false;  // its sessions are to be ended
  int sheet = 0;           // its number; 0: none
  int sheets_issued = 0;
  std::uint8_t spent = 0;     // places of the sheet, as bits
  std::uint8_t last_set = 0;  // places that the last recovery spent

  bool operator==(const AccountLedger&) const = default;
};
inline bool operator==(const AuthenticatorEntry& a, const AuthenticatorEntry& b) {
  return a.secret == b.secret && a.type == b.type && a.digits == b.digits;
}

struct Ledger {
  std::array<AccountLedger, kAccounts> accounts;
  bool super_locked = false;
  std::uint8_t causes = 0;  // accounts, as bits
  bool gate_closed = false;
  bool contained = false;  // everybody's sessions are to be ended

  bool operator==(const Ledger&) const = default;
};

// One small world: its policy, what the accounts have, and everything that can happen in it.
struct Scene {
  Policy policy;
  int sheet_size = 3;
  std::vector<AuthenticatorEntry> enrolled;          // at the beginning
  AuthenticatorEntry second;                         // what kAddAuthenticator adds
  AuthenticatorEntry renewed{1, OtpType::kTotp, 6};  // what a new enrolment brings
  std::vector<Input> inputs;
};

}  // namespace sparekey::testing
