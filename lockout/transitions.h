// SPDX-License-Identifier: Apache-2.0
// The changes of lockouts and SSH gates, one function each; the rules and the administrators' verbs
// share them. Pure; each appends the events of what it changed.
#pragma once

#include <string>
#include <vector>

#include "core/account.h"
#include "core/events.h"
#include "core/policy.h"

namespace sparekey {

// Rule 5: spends `step` and all before it for every authenticator of the account that makes the
// same codes as `authenticator`, which may be one of them. No mark ever falls.
void SpendStep(Account& account, const Authenticator& authenticator, std::int64_t step);
// The highest step that was spent by an authenticator that makes the same codes; -1: none.
std::int64_t LastSpentStep(const Account& account, const Authenticator& authenticator);

// Rule 7. Closes the account's own gate where ssh.close_gate_on says lockout, and marks its
// sessions to be ended where ssh.end_sessions says so: also behind a gate that was closed before.
void LockAccount(const Policy& policy, Account& account, TimePoint now, std::vector<Event>& events);

// Rule 9. Covers everybody or the account as lockout.scope says, closes the gate in that scope and
// marks the sessions in it.
// `administrator`: of the account.
void SuperLock(const Policy& policy, Account& account, SystemState& system, bool administrator,
               TimePoint now, std::vector<Event>& events);

// An administrator's unlock: one-time failures cleared, budget full; failed recoveries stay.
void UnlockAccount(Account& account, TimePoint now, std::vector<Event>& events);

// A console reset of one account: everything of two-factor is void, counters and lockouts cleared,
// must_enrol set. The gate stays.
void ResetAccount(Account& account, TimePoint now, std::vector<Event>& events);
// Ends the system's super-lockout; its gate stays closed.
void EndSuperLockout(SystemState& system, TimePoint now, std::vector<Event>& events);

// `account` names the owner of the gate in the events; empty: the system.
void CloseGate(std::optional<GateClosure>& gate, const std::string& account, std::string reason,
               TimePoint now, std::vector<Event>& events);
// Takes a containment that is still due with it.
void OpenGate(SystemState& system, TimePoint now, std::vector<Event>& events);
void OpenGate(Account& account, TimePoint now, std::vector<Event>& events);

// Nobody in scope has a session any more: takes the mark away and records `detail`. False where the
// mark is gone, or a later lockout's: then sessions are to be looked for again.
bool FinishContainment(SystemState& system, const Containment& done, std::string detail,
                       TimePoint now, std::vector<Event>& events);
bool FinishContainment(Account& account, const Containment& done, std::string detail, TimePoint now,
                       std::vector<Event>& events);

}  // namespace sparekey
