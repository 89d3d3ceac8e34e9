// SPDX-License-Identifier: Apache-2.0
#include "service/account_step.h"

#include <utility>

namespace sparekey {

Error NoSuchAccount(const std::string& name) {
  return {ErrorCode::kNotFound, "there is no account \"" + name + "\""};
}

Error NotEnrolled(const std::string& name) {
  return {ErrorCode::kNotFound,
          "\"" + name + "\" is not enrolled; enrol it with: sparekey user enroll " + name};
}

Error IsAnotherName(const std::string& name, const std::string& account) {
  return {ErrorCode::kConflict, "\"" + name + "\" is another name of \"" + account +
                                    "\", which has this uid here; name that account instead"};
}

Event MakeEvent(EventKind kind, const Account& account, std::string detail, TimePoint now) {
  Event event;
  event.kind = kind;
  event.account = account.name;
  event.detail = std::move(detail);
  event.time = now;
  return event;
}

Status RefuseWhileSuperLocked(const SystemState& system, const Account* account) {
  if (!system.super_locked && !(account && account->super_locked)) return Ok();
  return Error{ErrorCode::kNotAllowed,
               "a super-lockout is in force; end it at the local console with: sparekey console"};
}

void GiveUpUid(Account& account, const std::string& heir, TimePoint now,
               std::vector<Event>& events) {
  account.uid = kNoUid;
  account.authenticators.clear();
  account.pending.reset();
  account.sheet.reset();
  events.push_back(
      MakeEvent(EventKind::kEnrolmentRemoved, account, "its uid is now " + heir + "'s", now));
}

Result<std::vector<AccountKey>> KeysWithHolder(Store& store, const AccountKey& key) {
  std::vector<AccountKey> keys{key};
  const Status read = ReadRecords(store, {key}, [&keys](const Records& records) {
    const auto& holder = records.accounts[0].uid_taken;
    if (holder) keys.push_back({*holder, std::nullopt});
  });
  if (!read) return read.error();
  return keys;
}

Status ChangeAccount(Store& store, const std::string& name, const Change& change) {
  return RunStep(store, {{name, std::nullopt}}, [&](Records& records) -> Result<Changes> {
    if (!records.accounts[0].account) return NotEnrolled(name);
    Account& account = *records.accounts[0].account;
    const Status open = RefuseWhileSuperLocked(records.system, &account);
    if (!open) return open.error();
    Changes changes{{0}, false, false, {}};
    const Status changed = change(records, account, changes.events);
    if (!changed) return changed.error();
    return changes;
  });
}

Status ReadRecords(Store& store, std::vector<AccountKey> accounts,
                   const std::function<void(const Records& records)>& read) {
  return RunStep(store, std::move(accounts), [&read](Records& records) -> Result<Changes> {
    read(records);
    return Changes{};
  });
}

}  // namespace sparekey
