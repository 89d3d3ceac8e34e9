// SPDX-License-Identifier: Apache-2.0
#include "service/first_authenticator.h"

#include <utility>

#include "service/account_step.h"

namespace sparekey {
namespace {

// The uid's record under another name loses it.
Status TakeUidFromHolder(Records& records, const FirstAuthenticator& first, Changes& changes) {
  if (records.accounts.size() < 2) return Ok();
  auto& holder = records.accounts[1].account;
  if (!holder) return NoSuchAccount(*records.accounts[0].uid_taken);
  const Status free = RefuseWhileSuperLocked(records.system, &*holder);
  if (!free) return free.error();
  GiveUpUid(*holder, first.identity.name, first.now, changes.events);
  changes.accounts.push_back(1);
  return Ok();
}

// What the name has was bound to the uid that it had. Counters and lockouts stay with the name.
void EndForAnotherUid(Account& account, TimePoint now, std::vector<Event>& events) {
  if (account.enrolment() == Enrolment::kNone && !account.sheet) return;
  account.authenticators.clear();
  account.pending.reset();
  account.sheet.reset();
  events.push_back(MakeEvent(EventKind::kEnrolmentRemoved, account, "its uid has changed", now));
}

Error IsEnrolledAlready(const std::string& name) {
  return {ErrorCode::kConflict,
          "\"" + name +
              "\" is enrolled already; give it another authenticator with: sparekey authenticator "
              "add " +
              name + " --label LABEL"};
}

}  // namespace

void IdentifyForEnrolment(const Backend& backend, Directory& whose, const std::string& name,
                          Enrollable found) {
  backend.Identify(whose, name, [name, found = std::move(found)](auto identity, auto alias_of) {
    if (!identity) return found(identity.error());
    if (!*identity) return found(NoSuchAccount(name));
    if (alias_of) return found(IsAnotherName(name, *alias_of));
    if (!(*identity)->groups_complete) {
      return found(
          Error{ErrorCode::kUnavailable, "the user directory does not know all groups just now"});
    }
    found(std::move(**identity));
  });
}

Result<Changes> InstallFirst(Records& records, const FirstAuthenticator& first,
                             std::optional<Sheet> sheet) {
  const Identity& identity = first.identity;
  LoadedAccount& loaded = records.accounts[0];
  Changes changes{{0}, false, false, {}};
  if (const Status taken = TakeUidFromHolder(records, first, changes); !taken) return taken.error();
  const Status open =
      RefuseWhileSuperLocked(records.system, loaded.account ? &*loaded.account : nullptr);
  if (!open) return open.error();
  if (!loaded.account) loaded.account.emplace();
  Account& account = *loaded.account;
  if (identity.uid != kNoUid && account.uid != identity.uid) {
    EndForAnotherUid(account, first.now, changes.events);
  }
  if (account.enrolment() == Enrolment::kActive) return IsEnrolledAlready(identity.name);
  account.name = identity.name;
  account.uid = identity.uid;
  const auto subject = MakeSubject(records.policy, {}, std::optional<Identity>(identity));
  account.administrator = subject && subject->administrator;
  if (!sheet) account.sheet.reset();
  if (sheet) sheet->number = ++account.sheets_issued;
  InstallNew(account, first.made, std::move(sheet), false, first.now, changes.events);
  return changes;
}

}  // namespace sparekey
