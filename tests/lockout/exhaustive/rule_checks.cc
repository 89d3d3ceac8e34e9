// SPDX-License-Identifier: Apache-2.0
#include "tests/lockout/exhaustive/rule_checks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <set>

namespace sparekey::testing {
namespace {

// An attempt as the rules' text sees it.
struct Case {
  const Scene& scene;
  const Ledger& before;
  const Input& input;

  const Policy& policy() const { return scene.policy; }
  const AccountLedger& account() const { return before.accounts[input.who]; }
  bool IsOneTime() const { return input.verb == Verb::kOneTimeCode; }
  bool IsRecovery() const { return input.verb == Verb::kBackupCodes; }

  bool AtConsole() const { return input.door == Door::kConsole; }
  bool IsCovered() const { return before.super_locked || account().super_locked; }
  bool IsBehindAGate() const {
    return input.door == Door::kSsh && (before.gate_closed || account().gate_closed);
  }
  bool IsEnrolled() const { return !account().authenticators.empty(); }
  // Past rules 1 to 3, of an enrolled account that is still the same person's.
  bool IsHeard() const {
    return !AtConsole() && !IsCovered() && !IsBehindAGate() && !input.given_away && IsEnrolled();
  }

  // One-time codes.
  int Last(const AuthenticatorEntry& one) const { return account().last_step[one.secret]; }
  bool IsChecked(const AuthenticatorEntry& one) const {
    if (one.digits != input.code.digits) return false;
    if (one.type == OtpType::kHotp) return true;
    return input.clock >= 0 && Last(one) <= input.clock + policy().otp_window;
  }
  bool IsCodeOf(const AuthenticatorEntry& one) const {
    return IsChecked(one) && input.code.step && one.secret == input.code.secret;
  }
  bool IsRightFor(const AuthenticatorEntry& one) const {
    if (!IsCodeOf(one) || *input.code.step <= Last(one)) return false;
    if (one.type == OtpType::kHotp) return *input.code.step <= Last(one) + 10;
    return std::abs(*input.code.step - input.clock) <= policy().otp_window;
  }
  bool IsReplayFor(const AuthenticatorEntry& one) const {
    return IsCodeOf(one) && *input.code.step == Last(one);
  }
  bool OfAny(bool (Case::*claim)(const AuthenticatorEntry&) const) const {
    const auto& all = account().authenticators;
    return std::any_of(all.begin(), all.end(),
                       [&](const auto& one) { return (this->*claim)(one); });
  }
  bool HasTheLengthOf(const AuthenticatorEntry& one) const {
    return one.digits == input.code.digits;
  }

  // Backup codes.
  bool IsOfTheCurrentSheet() const { return account().sheet != 0 && input.set.sheets_ago == 0; }
  bool IsOnTheSheet() const {
    const auto& codes = input.set.codes;
    return IsOfTheCurrentSheet() && std::all_of(codes.begin(), codes.end(), [&](const auto& code) {
             return code && *code < scene.sheet_size;
           });
  }
  std::uint8_t Places() const {
    std::uint8_t places = 0;
    for (const auto& code : input.set.codes) {
      if (code) places = static_cast<std::uint8_t>(places | 1 << *code);
    }
    return places;
  }
  bool IsTheRightNumber() const {
    return static_cast<int>(input.set.codes.size()) == policy().codes_required;
  }
  // The same code twice; an entered code that is on no sheet differs from every other.
  bool HasACodeTwice() const {
    const auto& codes = input.set.codes;
    std::set<int> different;
    for (const auto& code : codes) {
      if (code) different.insert(*code);
    }
    return IsOnTheSheet() && different.size() < codes.size();
  }
  bool IsASet() const { return IsTheRightNumber() && !HasACodeTwice(); }
  bool IsTheLastSet() const {
    return IsASet() && IsOnTheSheet() && account().last_set != 0 && Places() == account().last_set;
  }
  bool IsRightSet() const {
    return IsASet() && IsOnTheSheet() && (Places() & account().spent) == 0;
  }
  bool CoversEverybody() const {
    return policy().lockout_scope == LockoutScope::kSystem ||
           (policy().lockout_scope == LockoutScope::kAdmins && input.who == kAda);
  }

  // Denied, nothing verified, spent or counted.
  Ruling Deny(std::string rule, Reason reason, std::vector<EventKind> events = {}) const {
    return {std::move(rule), Verdict::kDeny, reason, before, std::move(events)};
  }
  AccountLedger& AccountAfter(Ruling& ruling) const { return ruling.after.accounts[input.who]; }
};

using Saying = std::optional<Ruling>;

// 1. The console door stays open.
Saying Console(const Case& c) {
  if (!c.AtConsole()) return {};
  return c.Deny("1", Reason::kConsole);
}

// 2. Under a super-lockout every other door denies.
Saying SuperLockout(const Case& c) {
  if (c.AtConsole() || !c.IsCovered()) return {};
  return c.Deny("2", Reason::kSuperLocked);
}

// 3. Behind a closed gate an SSH login is denied before a code is asked.
Saying Gate(const Case& c) {
  if (c.IsCovered() || !c.IsBehindAGate()) return {};
  return c.Deny("3", Reason::kGateClosed);
}

// 12. A name that has been given to somebody else is denied, and who is not enrolled has no code.
Saying Undecidable(const Case& c) {
  if (c.AtConsole() || c.IsCovered() || c.IsBehindAGate()) return {};
  if (c.input.given_away) return c.Deny("12", Reason::kIdentityChanged);
  if (!c.IsEnrolled()) return c.Deny("12", Reason::kNotEnrolled);
  return {};
}

// 4. What has not the shape of a code, or not the number of a set, is no attempt.
Saying NoAttempt(const Case& c) {
  if (!c.IsHeard()) return {};
  const bool no_code = c.IsOneTime() && !c.account().locked && !c.OfAny(&Case::HasTheLengthOf);
  if (!no_code && !(c.IsRecovery() && !c.IsASet())) return {};
  return c.Deny("4", Reason::kNotAnAttempt);
}

// 5. A right code of any authenticator is accepted and spends its step and all before it, unless it
// is a replay.
Saying RightCode(const Case& c) {
  if (!c.IsHeard() || !c.IsOneTime() || c.account().locked) return {};
  if (!c.OfAny(&Case::IsRightFor) || c.OfAny(&Case::IsReplayFor)) return {};
  Ruling ruling{"5", Verdict::kAccept, Reason::kAccepted, c.before, {EventKind::kLogin}};
  AccountLedger& account = c.AccountAfter(ruling);
  account.last_step[c.input.code.secret] = *c.input.code.step;
  account.wrong_in_a_row = 0;
  account.budget_used = std::max(account.budget_used - 1, 0);
  return ruling;
}

// 6. The last accepted step, or the last spent set, again: denied, recorded, not counted.
Saying Replay(const Case& c) {
  if (!c.IsHeard()) return {};
  const bool code = c.IsOneTime() && !c.account().locked && c.OfAny(&Case::IsReplayFor);
  if (!code && !(c.IsRecovery() && c.IsTheLastSet())) return {};
  return c.Deny("6", Reason::kReplay, {EventKind::kReplay});
}

// The clock is unusable and no authenticator of that length could be checked.
Saying WrongClock(const Case& c) {
  if (!c.IsHeard() || !c.IsOneTime() || c.account().locked) return {};
  if (!c.OfAny(&Case::HasTheLengthOf) || c.OfAny(&Case::IsChecked)) return {};
  return c.Deny("clock", Reason::kClockWrong, {EventKind::kClockWrong});
}

// 7. While locked, one-time codes are neither verified nor counted.
Saying Locked(const Case& c) {
  if (!c.IsHeard() || !c.IsOneTime() || !c.account().locked) return {};
  return c.Deny("7 (locked)", Reason::kLocked);
}

// 7. A wrong code counts in a row and in the budget; at the limit, or with the budget empty, the
// account is locked.
Saying WrongCode(const Case& c) {
  if (!c.IsHeard() || !c.IsOneTime() || c.account().locked) return {};
  if (!c.OfAny(&Case::IsChecked) || c.OfAny(&Case::IsRightFor) || c.OfAny(&Case::IsReplayFor)) {
    return {};
  }
  Ruling ruling = c.Deny("7", Reason::kWrongCode, {EventKind::kWrongCode});
  AccountLedger& account = c.AccountAfter(ruling);
  ++account.wrong_in_a_row;
  ++account.budget_used;
  const int budget = c.policy().lockout_otp_budget;
  const bool is_empty = budget != 0 && account.budget_used >= budget;
  if (account.wrong_in_a_row < c.policy().lockout_otp_attempts && !is_empty) return ruling;
  account.locked = true;
  ruling.events.push_back(EventKind::kLockout);
  if (c.policy().ssh_close_gate_on != CloseGateOn::kLockout) return ruling;
  // Whoever closed the gate before: sessions that live behind it end now.
  account.contained = account.contained || c.policy().ssh_end_sessions;
  if (account.gate_closed) return ruling;
  account.gate_closed = true;
  ruling.events.push_back(EventKind::kGateClosed);
  return ruling;
}

// 8. A set of different unspent codes of the current sheet: all are spent, and the way is free. Few
// that are left are told.
Saying Recovery(const Case& c) {
  if (!c.IsHeard() || !c.IsRecovery() || !c.IsRightSet()) return {};
  Ruling ruling{"8", Verdict::kAccept, Reason::kRecovered, c.before, {EventKind::kRecovery}};
  AccountLedger& account = c.AccountAfter(ruling);
  account.spent = static_cast<std::uint8_t>(account.spent | c.Places());
  account.last_set = c.Places();
  account.locked = false;
  account.wrong_in_a_row = account.budget_used = account.failed_recoveries = 0;
  const int left = c.scene.sheet_size - std::popcount(account.spent);
  if (left <= c.policy().codes_low || left / c.policy().codes_required < 2) {
    ruling.events.push_back(EventKind::kCodesLow);
  }
  return ruling;
}

// 8. Anything else spends none and counts one failed recovery. 9. At the limit: super-lockout.
Saying FailedRecovery(const Case& c) {
  if (!c.IsHeard() || !c.IsRecovery() || !c.IsASet() || c.IsRightSet() || c.IsTheLastSet()) {
    return {};
  }
  Ruling ruling = c.Deny("8 (failed)", Reason::kWrongCodes, {EventKind::kFailedRecovery});
  AccountLedger& account = c.AccountAfter(ruling);
  if (++account.failed_recoveries < c.policy().codes_max_attempts) return ruling;
  ruling.rule = "9";
  ruling.events.push_back(EventKind::kSuperLockout);
  const bool everybody = c.CoversEverybody();
  if (everybody) {
    ruling.after.causes = static_cast<std::uint8_t>(ruling.after.causes | 1 << c.input.who);
  }
  (everybody ? ruling.after.super_locked : account.super_locked) = true;
  if (c.policy().ssh_close_gate_on == CloseGateOn::kNever) return ruling;
  bool& contained = everybody ? ruling.after.contained : account.contained;
  contained = contained || c.policy().ssh_end_sessions;
  bool& gate = everybody ? ruling.after.gate_closed : account.gate_closed;
  if (gate) return ruling;
  gate = true;
  ruling.events.push_back(EventKind::kGateClosed);
  return ruling;
}

}  // namespace

std::vector<Ruling> RulingsOn(const Scene& scene, const Ledger& before, const Input& input) {
  if (input.verb != Verb::kOneTimeCode && input.verb != Verb::kBackupCodes) {
    return {RulingOnVerb(scene, before, input)};
  }
  const Case c{scene, before, input};
  std::vector<Ruling> rulings;
  for (const auto rule : {Console, SuperLockout, Gate, Undecidable, NoAttempt, RightCode, Replay,
                          WrongClock, Locked, WrongCode, Recovery, FailedRecovery}) {
    if (Saying saying = rule(c)) rulings.push_back(std::move(*saying));
  }
  return rulings;
}

std::string FindContradiction(const Observation& seen, const Ruling& ruling) {
  const Decision& decision = seen.outcome.decision;
  std::string wrong;
  if (ruling.verdict && *ruling.verdict != decision.verdict) wrong += "the other verdict; ";
  if (ruling.verdict && ruling.reason != decision.reason) {
    wrong += "reason " + std::string(ToString(decision.reason)) + " instead of " +
             std::string(ToString(ruling.reason)) + "; ";
  }
  std::string expected, recorded;
  for (const EventKind kind : ruling.events) expected += std::string(ToString(kind)) + " ";
  for (const Event& event : seen.outcome.events) {
    recorded += std::string(ToString(event.kind)) + " ";
  }
  if (expected != recorded) wrong += "events " + recorded + "instead of " + expected + "; ";
  wrong += FindDifference(ruling.after, seen.after);
  return wrong.empty() ? "" : "rule " + ruling.rule + ": " + wrong;
}

}  // namespace sparekey::testing
