// SPDX-License-Identifier: Apache-2.0
// Who is asked for what, and who may pass PAM's account phase.
#include <gtest/gtest.h>

#include "lockout/decide.h"
#include "tests/support/accounts.h"

namespace sparekey {
namespace {

using testing::kNow;
using testing::MakeAccount;

class AdmitTest : public ::testing::Test {
 protected:
  AdmissionDecision Ask(Door door = Door::kSsh) {
    return Admit(policy, stored ? &account : nullptr, system, subject, door);
  }
  Reason Access(bool code_proven, Door door = Door::kSsh) {
    return DecideAccess(policy, stored ? &account : nullptr, system, subject, door, code_proven);
  }
  AdmissionDecision AskOwner() { return AdmitOwner(stored ? &account : nullptr, system, subject); }
  void Unenrol() { account.authenticators.clear(); }

  Policy policy;
  Account account = MakeAccount();
  bool stored = true;
  SystemState system;
  Subject subject;
};

TEST_F(AdmitTest, AsksAnEnrolledAccountForAOneTimeCode) {
  for (const Door door : {Door::kSsh, Door::kWeb, Door::kOther}) {
    EXPECT_EQ(Ask(door).admission, Admission::kAskOneTimeCode);
  }
}

TEST_F(AdmitTest, AsksALockedAccountForBackupCodes) {
  account.locked = kNow;
  EXPECT_EQ(Ask().admission, Admission::kAskBackupCodes);
}

TEST_F(AdmitTest, LeavesTheConsoleOpenWhateverIsLocked) {
  system.super_locked = SystemSuperLockout{kNow, {"ada"}};
  system.gate = GateClosure{kNow, ""};
  account.super_locked = kNow;
  EXPECT_EQ(Ask(Door::kConsole).reason, Reason::kConsole);
  EXPECT_EQ(Access(false, Door::kConsole), Reason::kConsole);
}

TEST_F(AdmitTest, DeniesEverybodyUnderTheSystemsSuperLockout) {
  system.super_locked = SystemSuperLockout{kNow, {"bob"}};
  subject.exempt = true;
  policy.enabled = false;
  for (const bool is_stored : {true, false}) {
    stored = is_stored;
    for (const Door door : {Door::kSsh, Door::kWeb, Door::kOther}) {
      EXPECT_EQ(Ask(door).reason, Reason::kSuperLocked);
      EXPECT_EQ(Access(true, door), Reason::kSuperLocked);
      EXPECT_EQ(Access(false, door), Reason::kSuperLocked);
    }
  }
}

TEST_F(AdmitTest, DeniesSshBehindAClosedGateEvenWhenNoCodesAreAsked) {
  system.gate = GateClosure{kNow, ""};
  policy.services_ssh = false;
  EXPECT_EQ(Ask().reason, Reason::kGateClosed);
  EXPECT_EQ(Access(true), Reason::kGateClosed);
  EXPECT_EQ(Access(true, Door::kWeb), Reason::kAccepted);
}

TEST_F(AdmitTest, AsksNobodyWhereThePolicyDoesNot) {
  policy.services_ssh = false;
  EXPECT_EQ(Ask().reason, Reason::kNotRequired);
  EXPECT_EQ(Access(false), Reason::kNotRequired);
  EXPECT_EQ(Ask(Door::kWeb).admission, Admission::kAskOneTimeCode);
  policy.services_web = policy.services_other = false;
  EXPECT_EQ(Ask(Door::kWeb).reason, Reason::kNotRequired);
  EXPECT_EQ(Ask(Door::kOther).reason, Reason::kNotRequired);
  policy = Policy{};
  policy.enabled = false;
  EXPECT_EQ(Ask().reason, Reason::kNotRequired);
}

TEST_F(AdmitTest, ExemptsGroupsButNeverRoot) {
  subject.exempt = true;
  EXPECT_EQ(Ask().reason, Reason::kNotRequired);
  EXPECT_EQ(Access(false), Reason::kNotRequired);
  subject.root = true;
  EXPECT_EQ(Ask().admission, Admission::kAskOneTimeCode);
  EXPECT_EQ(Access(false), Reason::kKeyOnly);
}

TEST_F(AdmitTest, LetsWhoeverIsNotEnrolledPassUnlessRequired) {
  for (const bool is_stored : {true, false}) {
    stored = is_stored;
    Unenrol();
    policy = Policy{};
    EXPECT_EQ(Ask().reason, Reason::kNotRequired);
    policy.required_for = RequiredFor::kEveryone;
    EXPECT_EQ(Ask().reason, Reason::kNotEnrolled);
    EXPECT_EQ(Access(false), Reason::kNotEnrolled);
    policy.required_for = RequiredFor::kGroups;
    subject.required = false;
    EXPECT_EQ(Ask().reason, Reason::kNotRequired);
    subject.required = true;
    EXPECT_EQ(Ask().reason, Reason::kNotEnrolled);
  }
}

TEST_F(AdmitTest, HoldsTheMarkOfAConsoleResetAgainstEveryPolicy) {
  Unenrol();
  account.must_enrol = true;
  policy.enabled = false;
  policy.ssh_keys = SshKeys::kAccept;
  subject.exempt = true;
  EXPECT_EQ(Ask().reason, Reason::kNotEnrolled);
  EXPECT_EQ(Access(false), Reason::kNotEnrolled);
}

TEST_F(AdmitTest, AsksAnEnrolledAccountForACodeThoughItIsStillMarked) {
  account.must_enrol = true;
  EXPECT_EQ(Ask().admission, Admission::kAskOneTimeCode);
}

TEST_F(AdmitTest, DeniesAChangedIdentityWhereCodesAreAsked) {
  subject.identity_changed = true;
  EXPECT_EQ(Ask().reason, Reason::kIdentityChanged);
  policy.ssh_keys = SshKeys::kAccept;
  EXPECT_EQ(Access(false), Reason::kIdentityChanged);
  policy.enabled = false;
  EXPECT_EQ(Ask().reason, Reason::kNotRequired);
}

TEST_F(AdmitTest, DeniesAKeyAloneUnlessKeysAreAccepted) {
  EXPECT_EQ(Access(false), Reason::kKeyOnly);
  EXPECT_EQ(Access(true), Reason::kAccepted);
  policy.ssh_keys = SshKeys::kAccept;
  EXPECT_EQ(Access(false), Reason::kAccepted);
  account.locked = kNow;
  EXPECT_EQ(Access(false), Reason::kAccepted);
  account.super_locked = kNow;
  EXPECT_EQ(Access(false), Reason::kSuperLocked);
}

TEST_F(AdmitTest, HoldsKeysAgainstNobodyAtOtherDoorsThanSsh) {
  for (const Door door : {Door::kWeb, Door::kOther}) {
    EXPECT_EQ(Access(false, door), Reason::kAccepted);
  }
}

TEST_F(AdmitTest, AcceptsKeysOfAccountsThatMustEnrolByPolicyOnlyIfKeysAreAccepted) {
  Unenrol();
  policy.required_for = RequiredFor::kEveryone;
  EXPECT_EQ(Access(false), Reason::kNotEnrolled);
  policy.ssh_keys = SshKeys::kAccept;
  EXPECT_EQ(Access(false), Reason::kAccepted);
}

TEST_F(AdmitTest, AsksAnOwnerForACodeWhateverSparesOneAtTheDoors) {
  policy.enabled = policy.services_other = false;
  subject.exempt = true;
  EXPECT_EQ(Ask(Door::kOther).reason, Reason::kNotRequired);
  EXPECT_EQ(AskOwner().admission, Admission::kAskOneTimeCode);
  account.locked = kNow;
  EXPECT_EQ(AskOwner().admission, Admission::kAskBackupCodes);
  account.gate = GateClosure{};  // an SSH gate
  EXPECT_EQ(AskOwner().admission, Admission::kAskBackupCodes);
}

TEST_F(AdmitTest, TakesTheFirstFactorAloneOfAnOwnerWhoIsNotEnrolled) {
  const auto passes = [this] {
    const auto [admission, reason] = AskOwner();
    return admission == Admission::kDecided && reason == Reason::kNotRequired;
  };
  policy.required_for = RequiredFor::kEveryone;
  stored = false;
  EXPECT_TRUE(passes());
  stored = true;
  Unenrol();
  EXPECT_TRUE(passes());
  account.pending = PendingEnrolment{testing::MakeAuthenticator(), testing::MakeSheet(), kNow};
  EXPECT_TRUE(passes());
}

TEST_F(AdmitTest, RefusesAnOwnerAfterAResetUnderASuperLockoutAndInDoubt) {
  const auto refusal = [this] {
    const auto [admission, reason] = AskOwner();
    return admission == Admission::kDecided ? reason : Reason::kAccepted;
  };
  subject.identity_changed = true;
  EXPECT_EQ(refusal(), Reason::kIdentityChanged);
  stored = false;
  EXPECT_EQ(refusal(), Reason::kIdentityChanged);
  stored = true;
  subject.identity_changed = false;
  account.must_enrol = true;
  EXPECT_EQ(refusal(), Reason::kAccepted);  // enrolled anew
  Unenrol();
  EXPECT_EQ(refusal(), Reason::kNotEnrolled);
  account.super_locked = kNow;
  EXPECT_EQ(refusal(), Reason::kSuperLocked);
  account = MakeAccount();
  system.super_locked.emplace();
  EXPECT_EQ(refusal(), Reason::kSuperLocked);
}

}  // namespace
}  // namespace sparekey
