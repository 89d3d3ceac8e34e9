// SPDX-License-Identifier: Apache-2.0
// The login rules as pure functions of policy, account, system, attempt and time. The numbers are
// those of the rules in docs/rules.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "core/account.h"
#include "core/events.h"
#include "core/policy.h"

namespace sparekey {

// Who stands at the door, as the directory of users says it.
struct Subject {
  bool administrator = false;     // uid 0 or member of one of admin_groups
  bool required = false;          // member of one of required_groups
  bool exempt = false;            // member of one of exempt_groups
  bool root = false;              // uid 0: never exempt
  bool identity_changed = false;  // the stored pair of uid and name is no longer the directory's
};

enum class Reason : std::uint8_t {
  kAccepted,
  kRecovered,
  kNotRequired,  // no second factor is asked of this account at this door
  kConsole,      // the local console: not our business
  kWrongCode,
  kReplay,        // told to people in the words of kWrongCode
  kWrongCodes,    // a recovery that failed
  kNotAnAttempt,  // not counted
  kLocked,
  kSuperLocked,
  kGateClosed,
  kKeyOnly,          // an SSH login of an enrolled account that brought only a key
  kNotEnrolled,      // required but not enrolled
  kIdentityChanged,  // the uid or the name has been given to somebody else
  kClockWrong,
};
std::string_view ToString(Reason reason);  // accepted, recovered, not_required, …

enum class Verdict : std::uint8_t { kAccept, kDeny };

struct Clock {
  TimePoint now;
  TimePoint built;  // a clock before this is wrong
};

// Whether an account with so many backup codes left should get a new sheet: at backup_codes.low,
// and whenever fewer than two recoveries are left.
bool AreCodesLow(const Policy& policy, int left);

// Before a code is asked: rules 1 to 3 and who needs a second factor.
enum class Admission : std::uint8_t { kAskOneTimeCode, kAskBackupCodes, kDecided };
struct AdmissionDecision {
  Admission admission;
  Reason reason;  // with kDecided
};
AdmissionDecision Admit(const Policy& policy, const Account* account, const SystemState& system,
                        const Subject& subject, Door door);

// Before an account's owner changes its two-factor without root, at the door `other`: the settings
// that spare a code at the doors spare none here. kNotRequired: not enrolled, the first factor
// alone proves him. Never after a console reset (must_enrol), and never for a uid or name in doubt.
AdmissionDecision AdmitOwner(const Account* account, const SystemState& system,
                             const Subject& subject);

// The account phase of PAM, which runs for key logins too. `code_proven`: this login passed
// sparekey's own question, or was not asked.
Reason DecideAccess(const Policy& policy, const Account* account, const SystemState& system,
                    const Subject& subject, Door door, bool code_proven);

struct OneTimeCode {
  std::string_view code;  // digits as typed, without spaces
};
struct BackupCodeSet {
  std::uint32_t sheet;  // the sheet that was compared
  std::vector<std::optional<std::uint8_t>>
      matches;  // one an entered code; the entered codes differ
};
// Rule 4: whatever is no attempt never becomes one of these.
using Attempt = std::variant<OneTimeCode, BackupCodeSet>;

struct Decision {
  Verdict verdict = Verdict::kDeny;
  Reason reason = Reason::kNotAnAttempt;
  bool account_changed = false;
  bool system_changed = false;
  std::vector<Event> events;  // without door and remote host, which the shell knows
};
// Rules 2 to 11 for one attempt after a proven first factor. Changes `account` and `system` to
// the state after it.
Decision Decide(const Policy& policy, Account& account, SystemState& system, const Subject& subject,
                Door door, const Attempt& attempt, const Clock& clock);

}  // namespace sparekey
