// SPDX-License-Identifier: Apache-2.0
#include "lockout/transitions.h"

#include <algorithm>
#include <utility>

#include "core/otp.h"
#include "lockout/containment.h"

namespace sparekey {
namespace {

Event MakeEvent(EventKind kind, std::string account, std::string detail, TimePoint now) {
  Event event;
  event.kind = kind;
  event.account = std::move(account);
  event.detail = std::move(detail);
  event.time = now;
  return event;
}

// Who may come in again is not to be thrown out: what is still due goes with the gate.
void OpenGate(std::optional<GateClosure>& gate, std::optional<Containment>& mark,
              const std::string& account, TimePoint now, std::vector<Event>& events) {
  if (!gate) return;
  events.push_back(MakeEvent(EventKind::kGateOpened, account,
                             "was closed since " + FormatTime(gate->since), now));
  gate.reset();
  mark.reset();
}

}  // namespace

void SpendStep(Account& account, const Authenticator& authenticator, std::int64_t step) {
  for (Authenticator& one : account.authenticators) {
    if (&one == &authenticator || MakeSameCodes(one, authenticator)) {
      one.mark = std::max(one.mark, step);
    }
  }
}

std::int64_t LastSpentStep(const Account& account, const Authenticator& authenticator) {
  std::int64_t last = authenticator.mark;
  for (const Authenticator& one : account.authenticators) {
    if (MakeSameCodes(one, authenticator)) last = std::max(last, one.mark);
  }
  return last;
}

void LockAccount(const Policy& policy, Account& account, TimePoint now,
                 std::vector<Event>& events) {
  account.locked = now;
  events.push_back(MakeEvent(EventKind::kLockout, account.name,
                             std::to_string(account.otp_failures) + " wrong codes in a row", now));
  if (policy.ssh_close_gate_on == CloseGateOn::kLockout) {
    const std::string reason = "lockout of " + account.name;
    CloseGate(account.gate, account.name, reason, now, events);
    BeginContainment(policy, account.containment, reason, now);
  }
}

void SuperLock(const Policy& policy, Account& account, SystemState& system, bool administrator,
               TimePoint now, std::vector<Event>& events) {
  const bool everybody = policy.lockout_scope == LockoutScope::kSystem ||
                         (policy.lockout_scope == LockoutScope::kAdmins && administrator);
  if (everybody) {
    system.super_locked = SystemSuperLockout{now, {account.name}};
  } else {
    account.super_locked = now;
  }
  events.push_back(MakeEvent(EventKind::kSuperLockout, account.name,
                             everybody ? "covers everybody" : "covers this account", now));
  if (policy.ssh_close_gate_on == CloseGateOn::kNever) return;
  const std::string reason = "super-lockout of " + account.name;
  if (everybody) {
    CloseGate(system.gate, "", reason, now, events);
    BeginContainment(policy, system.containment, reason, now);
  } else {
    CloseGate(account.gate, account.name, reason, now, events);
    BeginContainment(policy, account.containment, reason, now);
  }
}

void UnlockAccount(Account& account, TimePoint now, std::vector<Event>& events) {
  account.locked.reset();
  account.otp_failures = 0;
  account.otp_budget_spent = 0;
  events.push_back(MakeEvent(EventKind::kUnlocked, account.name, "", now));
}

void ResetAccount(Account& account, TimePoint now, std::vector<Event>& events) {
  account.authenticators.clear();
  account.pending.reset();
  account.sheet.reset();
  account.must_enrol = true;
  account.locked.reset();
  account.super_locked.reset();
  account.otp_failures = 0;
  account.otp_budget_spent = 0;
  account.recovery_failures = 0;
  events.push_back(MakeEvent(EventKind::kConsoleReset, account.name, "account reset", now));
}

void EndSuperLockout(SystemState& system, TimePoint now, std::vector<Event>& events) {
  if (!system.super_locked) return;
  system.super_locked.reset();
  events.push_back(MakeEvent(EventKind::kConsoleReset, "", "super-lockout ended", now));
}

void CloseGate(std::optional<GateClosure>& gate, const std::string& account, std::string reason,
               TimePoint now, std::vector<Event>& events) {
  if (gate) return;
  events.push_back(MakeEvent(EventKind::kGateClosed, account, reason, now));
  gate = GateClosure{now, std::move(reason)};
}

void OpenGate(SystemState& system, TimePoint now, std::vector<Event>& events) {
  OpenGate(system.gate, system.containment, "", now, events);
}

void OpenGate(Account& account, TimePoint now, std::vector<Event>& events) {
  OpenGate(account.gate, account.containment, account.name, now, events);
}

bool FinishContainment(SystemState& system, const Containment& done, std::string detail,
                       TimePoint now, std::vector<Event>& events) {
  if (!EndContainment(system.containment, done)) return false;
  events.push_back(MakeEvent(EventKind::kSessionsEnded, "", std::move(detail), now));
  return true;
}

bool FinishContainment(Account& account, const Containment& done, std::string detail, TimePoint now,
                       std::vector<Event>& events) {
  if (!EndContainment(account.containment, done)) return false;
  events.push_back(MakeEvent(EventKind::kSessionsEnded, account.name, std::move(detail), now));
  return true;
}

}  // namespace sparekey
