// SPDX-License-Identifier: Apache-2.0
#include "lockout/decide.h"

#include <algorithm>
#include <array>

#include "core/otp.h"
#include "lockout/transitions.h"

namespace sparekey {
namespace {

constexpr std::array<std::string_view, 15> kReasons = {
    "accepted",    "recovered",   "not_required",   "console",          "wrong_code",
    "replay",      "wrong_codes", "not_an_attempt", "locked",           "super_locked",
    "gate_closed", "key_only",    "not_enrolled",   "identity_changed", "clock_wrong"};

// Rules 1 to 3: what is said before anything is verified, spent or counted.
std::optional<Reason> FindRefusal(const Account* account, const SystemState& system, Door door) {
  if (door == Door::kConsole) return Reason::kConsole;
  if (system.super_locked || (account && account->super_locked)) return Reason::kSuperLocked;
  const bool closed = system.gate || (account && account->gate);
  if (door == Door::kSsh && closed) return Reason::kGateClosed;
  return std::nullopt;
}

// Of the doors that rule 1 leaves.
bool IsAsked(const Policy& policy, Door door) {
  if (!policy.enabled) return false;
  if (door == Door::kSsh) return policy.services_ssh;
  return door == Door::kWeb ? policy.services_web : policy.services_other;
}

bool IsActive(const Account* account) {
  return account && account->enrolment() == Enrolment::kActive;
}

// Why there is no second factor to ask for, if there is none.
std::optional<Reason> FindExcuse(const Policy& policy, const Account* account,
                                 const Subject& subject, Door door) {
  if (account && account->must_enrol && !IsActive(account)) return Reason::kNotEnrolled;
  if (!IsAsked(policy, door)) return Reason::kNotRequired;
  if (subject.exempt && !subject.root) return Reason::kNotRequired;
  if (subject.identity_changed) return Reason::kIdentityChanged;
  if (IsActive(account)) return std::nullopt;
  const bool required = policy.required_for == RequiredFor::kEveryone ||
                        (policy.required_for == RequiredFor::kGroups && subject.required);
  return required ? Reason::kNotEnrolled : Reason::kNotRequired;
}

// One attempt on its way through the rules.
struct Trial {
  const Policy& policy;
  Account& account;
  SystemState& system;
  const Subject& subject;
  const Clock& clock;
  Decision decision;

  void Record(EventKind kind, std::string detail) {
    Event event;
    event.kind = kind;
    event.account = account.name;
    event.detail = std::move(detail);
    event.time = clock.now;
    decision.events.push_back(std::move(event));
  }

  Decision Deny(Reason reason) {
    decision.verdict = Verdict::kDeny;
    decision.reason = reason;
    return std::move(decision);
  }

  Decision Accept(Reason reason) {
    account.otp_failures = 0;
    account.last_login = clock.now;
    decision.account_changed = true;
    decision.verdict = Verdict::kAccept;
    decision.reason = reason;
    return std::move(decision);
  }

  Decision CountWrongCode();
  Decision CountFailedRecovery();
  Decision TryOneTimeCode(std::string_view code);
  Decision TryBackupCodes(const BackupCodeSet& set);
};

// Rule 7.
Decision Trial::CountWrongCode() {
  ++account.otp_failures;
  ++account.otp_budget_spent;
  decision.account_changed = true;
  Record(EventKind::kWrongCode, std::to_string(account.otp_failures) + " in a row");
  const bool budget_empty =
      policy.lockout_otp_budget > 0 && account.otp_budget_spent >= policy.lockout_otp_budget;
  if (account.otp_failures >= policy.lockout_otp_attempts || budget_empty) {
    LockAccount(policy, account, clock.now, decision.events);
  }
  return Deny(Reason::kWrongCode);
}

// Counters that the step spends. TOTP has none to lose.
std::int64_t CountersSpent(const Authenticator& authenticator, std::int64_t step) {
  return authenticator.type == OtpType::kHotp ? step - authenticator.mark : 0;
}

// Rules 4 to 7. All authenticators are compared before one is spent: of several that have this code
// by chance, the one that loses the fewest counters.
Decision Trial::TryOneTimeCode(std::string_view code) {
  if (account.locked) return Deny(Reason::kLocked);
  bool fits = false, verified = false, replayed = false;
  Authenticator* right = nullptr;
  std::int64_t step = 0;
  for (Authenticator& authenticator : account.authenticators) {
    if (code.size() != static_cast<std::size_t>(authenticator.digits)) continue;
    fits = true;
    if (!IsClockUsable(authenticator, clock.now, clock.built, policy.otp_window)) continue;
    verified = true;
    const OtpMatch match = MatchOtp(authenticator, code, clock.now, policy.otp_window);
    replayed = replayed || match.replay;
    if (!match.fresh) continue;
    if (right && CountersSpent(*right, step) <= CountersSpent(authenticator, *match.fresh)) continue;
    right = &authenticator;
    step = *match.fresh;
  }
  if (!fits) return Deny(Reason::kNotAnAttempt);
  if (replayed) {
    Record(EventKind::kReplay, "one-time code");
    return Deny(Reason::kReplay);
  }
  if (right) {
    SpendStep(account, *right, step);
    right->last_used = clock.now;
    account.otp_budget_spent = std::max(0, account.otp_budget_spent - 1);
    Record(EventKind::kLogin, "");
    return Accept(Reason::kAccepted);
  }
  if (!verified) {
    Record(EventKind::kClockWrong, "one-time codes cannot be checked");
    return Deny(Reason::kClockWrong);
  }
  return CountWrongCode();
}

// Rules 8 and 9.
Decision Trial::CountFailedRecovery() {
  ++account.recovery_failures;
  decision.account_changed = true;
  Record(EventKind::kFailedRecovery, std::to_string(account.recovery_failures) + " of " +
                                         std::to_string(policy.codes_max_attempts));
  if (account.recovery_failures >= policy.codes_max_attempts) {
    decision.system_changed = true;
    SuperLock(policy, account, system, subject.administrator, clock.now, decision.events);
  }
  return Deny(Reason::kWrongCodes);
}

// The entered codes' places on the account's sheet, ascending; nullopt: one of them is not on it.
std::optional<std::vector<std::uint8_t>> FindPlaces(const Account& account,
                                                    const BackupCodeSet& set) {
  if (!account.sheet || account.sheet->number != set.sheet) return std::nullopt;
  std::vector<std::uint8_t> places;
  for (const auto& match : set.matches) {
    if (!match || *match >= account.sheet->codes.size()) return std::nullopt;
    places.push_back(*match);
  }
  std::sort(places.begin(), places.end());
  return places;
}

// Rules 4, 6, 8 and 9.
Decision Trial::TryBackupCodes(const BackupCodeSet& set) {
  if (set.matches.size() != static_cast<std::size_t>(policy.codes_required)) {
    return Deny(Reason::kNotAnAttempt);
  }
  const auto places = FindPlaces(account, set);
  if (!places) return CountFailedRecovery();
  if (std::adjacent_find(places->begin(), places->end()) != places->end()) {
    return Deny(Reason::kNotAnAttempt);
  }
  Sheet& sheet = *account.sheet;
  if (*places == sheet.last_spent) {
    Record(EventKind::kReplay, "backup codes");
    return Deny(Reason::kReplay);
  }
  const auto is_spent = [&sheet](std::uint8_t place) { return sheet.codes[place].spent; };
  if (std::any_of(places->begin(), places->end(), is_spent)) return CountFailedRecovery();

  for (const std::uint8_t place : *places) sheet.codes[place].spent = true;
  sheet.last_spent = *places;
  account.locked.reset();
  account.otp_budget_spent = 0;
  account.recovery_failures = 0;
  const int left = sheet.CodesLeft();
  const std::string told = std::to_string(left) + " backup codes left";
  Record(EventKind::kRecovery, told);
  if (AreCodesLow(policy, left)) Record(EventKind::kCodesLow, told);
  return Accept(Reason::kRecovered);
}

}  // namespace

bool AreCodesLow(const Policy& policy, int left) {
  return left <= policy.codes_low || left < 2 * policy.codes_required;
}

std::string_view ToString(Reason reason) { return kReasons[static_cast<std::size_t>(reason)]; }

AdmissionDecision Admit(const Policy& policy, const Account* account, const SystemState& system,
                        const Subject& subject, Door door) {
  if (const auto refusal = FindRefusal(account, system, door)) {
    return {Admission::kDecided, *refusal};
  }
  if (const auto excuse = FindExcuse(policy, account, subject, door)) {
    return {Admission::kDecided, *excuse};
  }
  if (account->locked) return {Admission::kAskBackupCodes, Reason::kLocked};
  return {Admission::kAskOneTimeCode, Reason::kAccepted};
}

AdmissionDecision AdmitOwner(const Account* account, const SystemState& system,
                             const Subject& subject) {
  if (const auto refusal = FindRefusal(account, system, Door::kOther)) {
    return {Admission::kDecided, *refusal};
  }
  if (subject.identity_changed) return {Admission::kDecided, Reason::kIdentityChanged};
  if (!IsActive(account)) {
    const bool marked = account && account->must_enrol;
    return {Admission::kDecided, marked ? Reason::kNotEnrolled : Reason::kNotRequired};
  }
  if (account->locked) return {Admission::kAskBackupCodes, Reason::kLocked};
  return {Admission::kAskOneTimeCode, Reason::kAccepted};
}

Reason DecideAccess(const Policy& policy, const Account* account, const SystemState& system,
                    const Subject& subject, Door door, bool code_proven) {
  if (const auto refusal = FindRefusal(account, system, door)) return *refusal;
  if (code_proven || door != Door::kSsh) return Reason::kAccepted;
  const auto excuse = FindExcuse(policy, account, subject, door);
  if (!excuse) return policy.ssh_keys == SshKeys::kAccept ? Reason::kAccepted : Reason::kKeyOnly;
  const bool marked = account && account->must_enrol;
  if (*excuse == Reason::kNotEnrolled && !marked && policy.ssh_keys == SshKeys::kAccept) {
    return Reason::kAccepted;
  }
  return *excuse;
}

Decision Decide(const Policy& policy, Account& account, SystemState& system, const Subject& subject,
                Door door, const Attempt& attempt, const Clock& clock) {
  Trial trial{policy, account, system, subject, clock, {}};
  if (const auto refusal = FindRefusal(&account, system, door)) return trial.Deny(*refusal);
  if (subject.identity_changed) return trial.Deny(Reason::kIdentityChanged);
  if (!IsActive(&account)) return trial.Deny(Reason::kNotEnrolled);
  if (const auto* one_time = std::get_if<OneTimeCode>(&attempt)) {
    return trial.TryOneTimeCode(one_time->code);
  }
  return trial.TryBackupCodes(std::get<BackupCodeSet>(attempt));
}

}  // namespace sparekey
