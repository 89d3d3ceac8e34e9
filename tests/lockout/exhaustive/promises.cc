// SPDX-License-Identifier: Apache-2.0
// What holds of every step of the world, whichever rule spoke; and the records against the books.
#include <algorithm>
#include <bit>

#include "tests/lockout/exhaustive/rule_checks.h"

namespace sparekey::testing {
namespace {

bool IsAttempt(const Input& input) {
  return input.verb == Verb::kOneTimeCode || input.verb == Verb::kBackupCodes;
}

std::string FindAccountDifference(const AccountLedger& books, const Account& account) {
  std::string wrong;
  const auto compare = [&](const char* what, std::int64_t recorded, std::int64_t booked) {
    if (recorded == booked) return;
    wrong += account.name + "'s " + what + " is " + std::to_string(recorded) + ", by the rules " +
             std::to_string(booked) + "; ";
  };
  compare("lock", account.locked.has_value(), books.locked);
  compare("super-lockout", account.super_locked.has_value(), books.super_locked);
  compare("gate", account.gate.has_value(), books.gate_closed);
  compare("containment", account.containment.has_value(), books.contained);
  compare("wrong codes in a row", account.otp_failures, books.wrong_in_a_row);
  compare("used budget", account.otp_budget_spent, books.budget_used);
  compare("failed recoveries", account.recovery_failures, books.failed_recoveries);
  compare("mark must_enrol", account.must_enrol, books.must_enrol);
  compare("pending enrolment", account.pending.has_value(), books.pending);
  compare("sheet", account.sheet ? account.sheet->number : 0, books.sheet);
  compare("number of sheets", account.sheets_issued, books.sheets_issued);
  compare("number of authenticators", static_cast<std::int64_t>(account.authenticators.size()),
          static_cast<std::int64_t>(books.authenticators.size()));
  for (std::size_t i = 0; account.sheet && i < account.sheet->codes.size(); ++i) {
    compare("backup code", account.sheet->codes[i].spent, books.spent >> i & 1);
  }
  return wrong;
}

// 5 and 8: what was accepted once is never accepted again.
std::string FindSecondAcceptance(const Observation& seen) {
  if (seen.outcome.decision.verdict != Verdict::kAccept) return "";
  const AccountLedger& books = seen.books_before.accounts[seen.input.who];
  if (seen.input.verb == Verb::kOneTimeCode) {
    const TypedCode& code = seen.input.code;
    if (!code.step) return "accepted digits that are no code of any step; ";
    return *code.step > books.last_step[code.secret] ? "" : "accepted a spent step; ";
  }
  std::uint8_t places = 0;
  for (const auto& place : seen.input.set.codes) {
    if (!place || seen.input.set.sheets_ago != 0) return "accepted a code of no sheet; ";
    const auto bit = static_cast<std::uint8_t>(1 << *place);
    if ((places | books.spent) & bit) return "accepted a spent backup code; ";
    places |= bit;
  }
  return std::popcount(places) == seen.scene.policy.codes_required ? ""
                                                                   : "accepted too few codes; ";
}

// 10 and 11: who may end a super-lockout, and who may open a gate.
std::string FindUnlockedDoor(const Observation& seen) {
  const Verb verb = seen.input.verb;
  std::string wrong;
  if (seen.before.system.super_locked && !seen.after.system.super_locked &&
      verb != Verb::kResetSystem) {
    wrong += "ended the system's super-lockout; ";
  }
  if (seen.before.system.gate && !seen.after.system.gate && verb != Verb::kOpenGate) {
    wrong += "opened the system's gate; ";
  }
  for (std::size_t who = 0; who < kAccounts; ++who) {
    const Account& before = seen.before.accounts[who];
    const Account& after = seen.after.accounts[who];
    const bool is_reset = verb == Verb::kResetAccount || verb == Verb::kResetSystem;
    if (before.super_locked && !after.super_locked && !is_reset) {
      wrong += "ended a super-lockout of " + before.name + "; ";
    }
    if (before.gate && !after.gate && verb != Verb::kOpenGate) {
      wrong += "opened the gate of " + before.name + "; ";
    }
    const bool is_freed =
        is_reset || verb == Verb::kUnlock || seen.outcome.decision.reason == Reason::kRecovered;
    if (before.locked && !after.locked && !is_freed) wrong += "unlocked " + before.name + "; ";
  }
  return wrong;
}

// Nobody's failures are another's, but for a super-lockout of everybody.
std::string FindChangedStranger(const Observation& seen) {
  if (!IsAttempt(seen.input)) return "";
  const int other = 1 - seen.input.who;
  const bool same = seen.bytes_before.accounts[other] == seen.bytes_after.accounts[other];
  return same ? "" : "changed the account of " + seen.before.accounts[other].name + "; ";
}

// The shell stores what it is told has changed, so that a change without its flag is lost.
std::string FindLostChange(const Observation& seen) {
  if (!IsAttempt(seen.input)) return "";
  const Decision& decision = seen.outcome.decision;
  const int who = seen.input.who;
  const bool account_changed = seen.bytes_before.accounts[who] != seen.bytes_after.accounts[who];
  const bool system_changed = seen.bytes_before.system != seen.bytes_after.system;
  std::string wrong;
  if (account_changed && !decision.account_changed) wrong += "an account's change is not stored; ";
  if (system_changed && !decision.system_changed) wrong += "the system's change is not stored; ";
  const bool accepted = decision.verdict == Verdict::kAccept;
  if (!account_changed && !accepted && decision.account_changed) {
    wrong += "an unchanged account is stored; ";
  }
  if (accepted && !decision.account_changed) wrong += "a login is not stored; ";
  return wrong;
}

// A date is that of the event, and stays while what it dates stays.
std::string FindWrongDate(const std::optional<TimePoint>& before,
                          const std::optional<TimePoint>& after, TimePoint now, const char* what) {
  if (!after || after == before) return "";
  if (!before && *after == now) return "";
  return std::string("wrong date of ") + what + "; ";
}

std::optional<TimePoint> Since(const std::optional<GateClosure>& gate) {
  return gate ? std::optional(gate->since) : std::nullopt;
}

std::optional<TimePoint> Since(const std::optional<SystemSuperLockout>& lockout) {
  return lockout ? std::optional(lockout->since) : std::nullopt;
}

std::string FindWrongDates(const Observation& seen) {
  const SystemState& before = seen.before.system;
  const SystemState& after = seen.after.system;
  std::string wrong =
      FindWrongDate(Since(before.gate), Since(after.gate), seen.now, "the system's gate") +
      FindWrongDate(Since(before.super_locked), Since(after.super_locked), seen.now,
                    "the system's super-lockout");
  for (std::size_t who = 0; who < kAccounts; ++who) {
    const Account& was = seen.before.accounts[who];
    const Account& is = seen.after.accounts[who];
    wrong += FindWrongDate(was.locked, is.locked, seen.now, "a lock") +
             FindWrongDate(was.super_locked, is.super_locked, seen.now, "a super-lockout") +
             FindWrongDate(Since(was.gate), Since(is.gate), seen.now, "a gate");
    const bool came_in = seen.outcome.decision.verdict == Verdict::kAccept &&
                         static_cast<int>(who) == seen.input.who;
    if (is.last_login != (came_in ? std::optional(seen.now) : was.last_login)) {
      wrong += "wrong date of the last login; ";
    }
  }
  for (const Event& event : seen.outcome.events) {
    if (event.time != seen.now) wrong += "wrong date of an event; ";
    if (IsAttempt(seen.input) && event.kind != EventKind::kGateClosed &&
        event.account != seen.before.accounts[seen.input.who].name) {
      wrong += "an event of somebody else; ";
    }
  }
  return wrong;
}

// The event of a gate names its owner: containment ends the sessions behind that gate.
std::string FindWrongOwner(const Observation& seen) {
  std::string wrong;
  for (const Event& event : seen.outcome.events) {
    if (event.kind != EventKind::kGateClosed && event.kind != EventKind::kGateOpened) continue;
    const bool closes = event.kind == EventKind::kGateClosed;
    bool moved = event.account.empty() && seen.before.system.gate.has_value() != closes &&
                 seen.after.system.gate.has_value() == closes;
    for (std::size_t who = 0; who < kAccounts; ++who) {
      const Account& before = seen.before.accounts[who];
      const Account& after = seen.after.accounts[who];
      moved = moved || (event.account == after.name && before.gate.has_value() != closes &&
                        after.gate.has_value() == closes);
    }
    if (!moved) wrong += "an event of a gate that did not move; ";
  }
  return wrong;
}

// Sessions are ended only behind a closed gate, by the lockout that says so, and nobody but who
// ended them, or let everybody in again, takes the mark away.
std::string FindWrongContainment(const std::optional<Containment>& before,
                                 const std::optional<Containment>& after, bool gate_closed,
                                 const Observation& seen) {
  const Verb verb = seen.input.verb;
  std::string wrong;
  if (after && !gate_closed) wrong += "ends sessions behind an open gate; ";
  if (before && !after && verb != Verb::kFinishContainment && verb != Verb::kOpenGate) {
    wrong += "forgot to end sessions; ";
  }
  const bool is_new =
      after && (!before || before->since != after->since || before->reason != after->reason);
  if (!is_new) return wrong;
  const bool locks =
      std::any_of(seen.outcome.events.begin(), seen.outcome.events.end(), [](const Event& event) {
        return event.kind == EventKind::kLockout || event.kind == EventKind::kSuperLockout;
      });
  if (!locks || !seen.scene.policy.ssh_end_sessions) wrong += "ends sessions without a lockout; ";
  if (after->since != seen.now) wrong += "wrong date of a containment; ";
  const std::string name = seen.before.accounts[seen.input.who].name;
  if (!after->reason.ends_with("lockout of " + name)) wrong += "wrong reason of a containment; ";
  return wrong;
}

std::string FindWrongContainments(const Observation& seen) {
  std::string wrong =
      FindWrongContainment(seen.before.system.containment, seen.after.system.containment,
                           seen.after.system.gate.has_value(), seen);
  for (std::size_t who = 0; who < kAccounts; ++who) {
    const Account& after = seen.after.accounts[who];
    wrong += FindWrongContainment(seen.before.accounts[who].containment, after.containment,
                                  after.gate.has_value(), seen);
  }
  return wrong;
}

}  // namespace

std::string FindDifference(const Ledger& books, const World& world) {
  std::string wrong;
  for (std::size_t who = 0; who < kAccounts; ++who) {
    wrong += FindAccountDifference(books.accounts[who], world.accounts[who]);
  }
  if (world.system.super_locked.has_value() != books.super_locked) {
    wrong += "the system's super-lockout differs; ";
  }
  if (world.system.gate.has_value() != books.gate_closed) wrong += "the system's gate differs; ";
  if (world.system.containment.has_value() != books.contained) {
    wrong += "the system's containment differs; ";
  }
  for (std::size_t who = 0; who < kAccounts && world.system.super_locked; ++who) {
    const auto& causes = world.system.super_locked->causes;
    const bool is_named = std::count(causes.begin(), causes.end(), world.accounts[who].name) == 1;
    if (is_named != (books.causes >> who & 1)) wrong += "the causes differ; ";
  }
  return wrong;
}

std::string FindBrokenPromise(const Observation& seen) {
  return FindSecondAcceptance(seen) + FindUnlockedDoor(seen) + FindChangedStranger(seen) +
         FindLostChange(seen) + FindWrongDates(seen) + FindWrongOwner(seen) +
         FindWrongContainments(seen);
}

}  // namespace sparekey::testing
