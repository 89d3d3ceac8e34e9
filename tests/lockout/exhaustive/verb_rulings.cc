// SPDX-License-Identifier: Apache-2.0
// Rules 10 and 11, and what else the rules say of administrators' verbs and of the local console's.
#include "tests/lockout/exhaustive/rule_checks.h"

namespace sparekey::testing {
namespace {

void ClearOneTimeFailures(AccountLedger& account) {
  account.locked = false;
  account.wrong_in_a_row = account.budget_used = 0;
}

void ForgetTwoFactor(AccountLedger& account) {
  account.authenticators.clear();
  account.pending = false;
  account.last_step.fill(-1);
  account.sheet = account.spent = account.last_set = 0;
}

// 10. A console reset voids everything but the gate, and demands a new enrolment.
void Reset(AccountLedger& account, Ruling& ruling) {
  ForgetTwoFactor(account);
  ClearOneTimeFailures(account);
  account.failed_recoveries = 0;
  account.super_locked = false;
  account.must_enrol = true;
  ruling.events.push_back(EventKind::kConsoleReset);
}

void MoveGate(bool& gate, bool closed, Ruling& ruling) {
  if (gate == closed) return;
  gate = closed;
  ruling.events.push_back(closed ? EventKind::kGateClosed : EventKind::kGateOpened);
}

// An administrator's word: who may come in again is not to be thrown out.
template <typename Owner>
void OpenGate(Owner& owner, Ruling& ruling) {
  if (owner.gate_closed) owner.contained = false;
  MoveGate(owner.gate_closed, false, ruling);
}

// Nobody's session in scope lives: the mark goes, and nothing else.
template <typename Owner>
void FinishContainment(Owner& owner, Ruling& ruling) {
  owner.contained = false;
  ruling.events.push_back(EventKind::kSessionsEnded);
}

void IssueSheet(AccountLedger& account) {
  account.sheet = ++account.sheets_issued;
  account.spent = account.last_set = 0;
}

void RuleOnTheSystem(const Input& input, Ruling& ruling) {
  Ledger& after = ruling.after;
  if (input.verb == Verb::kFinishContainment) return FinishContainment(after, ruling);
  if (input.verb == Verb::kCloseGate) return MoveGate(after.gate_closed, true, ruling);
  if (input.verb == Verb::kOpenGate) {
    OpenGate(after, ruling);
    for (AccountLedger& account : after.accounts) {
      if (!account.super_locked) OpenGate(account, ruling);
    }
    return;
  }
  for (std::size_t who = 0; who < kAccounts; ++who) {
    if (after.causes >> who & 1) Reset(after.accounts[who], ruling);
  }
  after.super_locked = false;
  after.causes = 0;
  ruling.events.push_back(EventKind::kConsoleReset);
}

void RuleOnAVerb(const Scene& scene, const Input& input, Ruling& ruling) {
  if (input.who == kNobody) return RuleOnTheSystem(input, ruling);
  AccountLedger& account = ruling.after.accounts[input.who];
  switch (input.verb) {
    case Verb::kUnlock:
      ruling.events.push_back(EventKind::kUnlocked);
      return ClearOneTimeFailures(account);
    case Verb::kCloseGate:
      return MoveGate(account.gate_closed, true, ruling);
    case Verb::kOpenGate:
      return OpenGate(account, ruling);
    case Verb::kFinishContainment:
      return FinishContainment(account, ruling);
    case Verb::kResetAccount:
      return Reset(account, ruling);
    case Verb::kBeginEnrolment:
      account.pending = true;
      return;
    case Verb::kFinishEnrolment:
      account.pending = account.must_enrol = false;
      account.authenticators = {scene.renewed};
      ++account.enrolments;
      account.last_step[scene.renewed.secret] = input.clock;
      return IssueSheet(account);
    case Verb::kAddAuthenticator:
      account.authenticators.push_back(scene.second);
      account.last_step[scene.second.secret] = input.clock;
      return;
    case Verb::kRemoveTwoFactor:
      account.must_enrol = false;
      return ForgetTwoFactor(account);
    case Verb::kNewSheet:
      return IssueSheet(account);
    case Verb::kOneTimeCode:
    case Verb::kBackupCodes:
    case Verb::kResetSystem:
      break;
  }
}

}  // namespace

Ruling RulingOnVerb(const Scene& scene, const Ledger& before, const Input& input) {
  Ruling ruling{"10 and 11", {}, {}, before, {}};
  RuleOnAVerb(scene, input, ruling);
  return ruling;
}

}  // namespace sparekey::testing
