// SPDX-License-Identifier: Apache-2.0
// "Who needs a code at a door" of docs/rules.md, first answer that fits.
#include "tests/lockout/exhaustive/rule_checks.h"

namespace sparekey::testing {
namespace {

bool IsEnrolled(const Question& question) {
  return question.books != nullptr && !question.books->authenticators.empty();
}

bool IsCovered(const Question& question) {
  return question.system_super_locked || (question.books && question.books->super_locked);
}

bool IsBehindAGate(const Question& question) {
  return question.door == Door::kSsh &&
         (question.system_gate_closed || (question.books && question.books->gate_closed));
}

// A console reset demands a new enrolment.
bool IsMarked(const Question& question) {
  return question.books && question.books->must_enrol && !IsEnrolled(question);
}

bool CodesAreAsked(const Question& question) {
  const Policy& policy = question.policy;
  return policy.enabled && ((question.door == Door::kSsh && policy.services_ssh) ||
                            (question.door == Door::kWeb && policy.services_web) ||
                            (question.door == Door::kOther && policy.services_other));
}

bool IsRequired(const Question& question) {
  return question.policy.required_for == RequiredFor::kEveryone ||
         (question.policy.required_for == RequiredFor::kGroups && question.subject.required);
}

}  // namespace

AdmissionDecision ExpectedAdmission(const Question& question) {
  const Subject& subject = question.subject;
  const auto decided = [](Reason reason) { return AdmissionDecision{Admission::kDecided, reason}; };
  if (question.door == Door::kConsole) return decided(Reason::kConsole);
  if (IsCovered(question)) return decided(Reason::kSuperLocked);
  if (IsBehindAGate(question)) return decided(Reason::kGateClosed);
  if (IsMarked(question)) return decided(Reason::kNotEnrolled);
  if (!CodesAreAsked(question)) return decided(Reason::kNotRequired);
  if (subject.exempt && !subject.root) return decided(Reason::kNotRequired);
  if (subject.identity_changed) return decided(Reason::kIdentityChanged);
  if (IsEnrolled(question)) {
    return question.books->locked
               ? AdmissionDecision{Admission::kAskBackupCodes, Reason::kLocked}
               : AdmissionDecision{Admission::kAskOneTimeCode, Reason::kAccepted};
  }
  return decided(IsRequired(question) ? Reason::kNotEnrolled : Reason::kNotRequired);
}

AdmissionDecision ExpectedOwnerAdmission(Question question) {
  // As at the door `other`, where every person is asked who has a code to be asked for.
  Policy asking;
  asking.required_for = IsMarked(question) ? RequiredFor::kEveryone : RequiredFor::kEnrolled;
  question.door = Door::kOther;
  question.subject.exempt = false;
  const bool is_heir = question.subject.identity_changed && !IsCovered(question);
  if (is_heir) return {Admission::kDecided, Reason::kIdentityChanged};
  return ExpectedAdmission({asking, question.account, question.books, question.system_super_locked,
                            question.system_gate_closed, question.subject, question.door});
}

Reason ExpectedAccess(const Question& question, bool code_proven) {
  if (question.door == Door::kConsole) return Reason::kConsole;
  if (IsCovered(question)) return Reason::kSuperLocked;
  if (IsBehindAGate(question)) return Reason::kGateClosed;
  // Only SSH has logins that were not asked: with a key.
  if (code_proven || question.door != Door::kSsh) return Reason::kAccepted;
  const AdmissionDecision admission = ExpectedAdmission(question);
  const bool keys_pass = question.policy.ssh_keys == SshKeys::kAccept;
  if (admission.admission != Admission::kDecided) {
    return keys_pass ? Reason::kAccepted : Reason::kKeyOnly;
  }
  if (admission.reason != Reason::kNotEnrolled) return admission.reason;
  return keys_pass && !IsMarked(question) ? Reason::kAccepted : Reason::kNotEnrolled;
}

}  // namespace sparekey::testing
