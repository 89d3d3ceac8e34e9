// SPDX-License-Identifier: Apache-2.0
// What sparekey keeps: the record of one account and the record of the system. Plain values; who
// may change them and how is decided in lockout/ and service/.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/secret.h"

namespace sparekey {

inline constexpr std::size_t kMaxAuthenticators = 5;
inline constexpr std::size_t kMaxNameBytes = 256;
inline constexpr std::size_t kMaxLabelBytes = 64;
inline constexpr std::chrono::hours kPendingLifetime{24};
// No uid: it was given to somebody else, or there is none (accounts = any). Any number of records
// may have it, and nothing is found by it.
inline constexpr uid_t kNoUid = static_cast<uid_t>(-1);

enum class OtpType : std::uint8_t { kTotp, kHotp };
enum class HashAlgorithm : std::uint8_t { kSha1, kSha256, kSha512 };
enum class Enrolment : std::uint8_t { kNone, kPending, kActive };

// One named one-time secret. Type, digits, interval and algorithm are the policy's at enrolment.
struct Authenticator {
  std::string label;
  OtpType type = OtpType::kTotp;
  HashAlgorithm algorithm = HashAlgorithm::kSha1;
  int digits = 6;                     // 6..8
  std::chrono::seconds interval{30};  // 5..3600, TOTP only
  SecretBytes secret;                 // 16..64 bytes
  std::int64_t mark = -1;             // last accepted step (HOTP: counter); -1: none yet
  TimePoint created{};
  std::optional<TimePoint> last_used;

  Authenticator Clone() const;
};

struct BackupCodeRecord {
  char first = '0';                     // first character, differs within a sheet
  std::array<std::uint8_t, 16> hash{};  // backupcodes/codes.h
  bool spent = false;
};

struct Sheet {
  std::uint32_t number = 0;  // 1, 2, … within an account
  std::array<std::uint8_t, 16> salt{};
  TimePoint issued{};
  std::vector<BackupCodeRecord> codes;   // 2..30
  std::vector<std::uint8_t> last_spent;  // indexes of the last accepted set, ascending

  int CodesLeft() const;
};

struct PendingEnrolment {
  Authenticator authenticator;
  std::optional<Sheet> sheet;  // replaces the account's sheet when proven
  TimePoint since{};
  bool renews = false;  // replaces the authenticator of the same label when proven

  bool IsOver(TimePoint now) const { return now - since > kPendingLifetime; }
  PendingEnrolment Clone() const;
};

struct GateClosure {
  TimePoint since{};
  std::string reason;  // "super-lockout of ada", "closed by an administrator"
};

// SSH sessions that are to be ended: set in the commit of the lockout that causes it, taken away
// when none of them lives any more.
struct Containment {
  TimePoint since{};
  std::string reason;  // "super-lockout of ada"
};

// What the account's owner is told at the next login.
struct OwnerNotice {
  int failures = 0;  // wrong one-time codes and failed recoveries since the last accepted login
  std::optional<TimePoint> last_failure;
  std::string last_host;  // of the last failure; as PAM said it; may be empty
  std::optional<TimePoint>
      recovery;  // the last login by backup codes, until a login by another way
  std::string recovery_host;
};

struct Account {
  std::string name;
  uid_t uid = 0;
  bool administrator = false;                 // as of the last look-up that succeeded
  std::vector<Authenticator> authenticators;  // 0..kMaxAuthenticators, labels differ, proven ones
  std::optional<PendingEnrolment> pending;
  std::optional<Sheet> sheet;
  std::uint32_t sheets_issued = 0;
  bool must_enrol = false;  // a console reset demands a new enrolment

  std::optional<TimePoint> locked;        // since when
  std::optional<TimePoint> super_locked;  // since when
  int otp_failures = 0;                   // wrong one-time codes in a row
  int otp_budget_spent = 0;               // budget left = policy's budget - this
  int recovery_failures = 0;
  std::optional<GateClosure> gate;  // the account's own SSH gate; set: closed
  std::optional<TimePoint> last_login;
  std::optional<Containment> containment;  // of this account's sessions
  OwnerNotice notice;

  Enrolment enrolment() const;
  Authenticator* FindAuthenticator(std::string_view label);  // nullptr: none of that label
  Account Clone() const;
};

struct SystemSuperLockout {
  TimePoint since{};
  std::vector<std::string> causes;  // accounts whose failures caused it
};

struct SystemState {
  std::optional<SystemSuperLockout> super_locked;
  std::optional<GateClosure> gate;         // set: closed
  std::optional<Containment> containment;  // of everybody's sessions
};

// Names in the API, the command line and the records.
std::string_view ToString(OtpType type);             // totp, hotp
std::string_view ToString(HashAlgorithm algorithm);  // sha1, sha256, sha512
std::string_view ToString(Enrolment enrolment);      // none, pending, active
std::optional<OtpType> ParseOtpType(std::string_view text);
std::optional<HashAlgorithm> ParseHashAlgorithm(std::string_view text);

// 1..256 bytes of printable ASCII without space, '/', ':' and leading '-'; "." and ".." refused.
bool IsAccountName(std::string_view name);
// 1..64 bytes of UTF-8-safe printable text without control characters and ':'.
bool IsLabel(std::string_view label);
// A label for something new: no '/' besides, since it is one segment of a path in the API.
bool IsNewLabel(std::string_view label);

}  // namespace sparekey
