// SPDX-License-Identifier: Apache-2.0
#include "core/store_draft.h"

#include <algorithm>
#include <new>

#include "core/record_codec.h"

namespace sparekey {
namespace {

Result<Changes> CallStep(const Step& step, Records& records) {
  try {
    return step(records);
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kUnavailable, "out of memory"};
  } catch (...) {  // not kDamaged: the record is whole, and nobody is to replace it
    return Error{ErrorCode::kUnavailable, "the decision ended in an exception"};
  }
}

// Only its uid is taken from it.
bool StaysDamaged(const Draft& draft, std::size_t index) {
  return draft.rows[index] && draft.rows[index]->damaged && !draft.records.accounts[index].account;
}

Status CheckChanged(const Work& work, const Draft& draft, std::size_t index) {
  if (index < work.accounts.size() && StaysDamaged(draft, index)) return Ok();
  if (index >= work.accounts.size() || !draft.records.accounts[index].account) {
    return Invalid("a change names an account that is not there");
  }
  const Account& account = draft.Changed(index);
  if (account.name != work.accounts[index].name) return Invalid("a change renames an account");
  if (!IsAccountName(account.name)) return Invalid("not a name for an account");
  const auto same_name = [&](std::size_t other) {
    return other < work.accounts.size() && work.accounts[other].name == account.name;
  };
  const auto& changed = draft.changes.accounts;
  if (std::count_if(changed.begin(), changed.end(), same_name) != 1) {
    return Invalid("a change names an account twice");
  }
  return CheckAccount(account);
}

// A uid belongs to one record: to hand it on, the same work must change both.
Status CheckUid(const Work& work, StoreRows& rows, const Draft& draft, std::size_t index) {
  const Account& account = draft.Changed(index);
  if (account.uid == kNoUid) return Ok();
  const Error taken{ErrorCode::kConflict, "uid " + std::to_string(account.uid) +
                                              " belongs to another account in the store"};
  bool holder_changes = false;
  const Result<std::optional<std::string>> holder = rows.FindNameOf(account.uid);
  if (!holder) return holder.error();
  for (const std::size_t other : draft.changes.accounts) {
    const bool keeps = StaysDamaged(draft, other);
    if (other != index && !keeps && draft.Changed(other).uid == account.uid) return taken;
    if (*holder && work.accounts[other].name == **holder) holder_changes = true;
  }
  return !*holder || holder_changes ? Ok() : Status(taken);
}

bool HasUid(const Draft& draft, std::size_t index) {
  return draft.rows[index] && draft.rows[index]->uid == draft.Changed(index).uid;
}

Status CheckDraft(const Work& work, StoreRows& rows, const Draft& draft) {
  if (draft.records.accounts.size() != work.accounts.size()) {
    return Invalid("a change adds or drops records");
  }
  for (const std::size_t index : draft.changes.accounts) {
    const Status status = CheckChanged(work, draft, index);
    if (!status) return status;
  }
  for (const std::size_t index : draft.changes.accounts) {
    const bool same = StaysDamaged(draft, index) || HasUid(draft, index);
    const Status status = same ? Ok() : CheckUid(work, rows, draft, index);
    if (!status) return status;
  }
  return draft.changes.policy ? CheckPolicy(draft.records.policy) : Ok();
}

}  // namespace

Result<Draft> DecideWork(const Work& work, StoreRows& rows, const SystemState& system,
                         const Policy& policy) {
  Draft draft;
  for (const AccountKey& key : work.accounts) {
    Result<StoredAccount> stored = rows.LoadAccount(key, work.replaces_damaged);
    if (!stored) return stored.error();
    draft.records.accounts.push_back(std::move(stored->loaded));
    draft.rows.push_back(stored->row);
  }
  if (work.alert) {
    Result<Alert> alert = rows.LoadAlert(*work.alert);
    if (!alert) return alert.error();
    draft.records.alert = std::move(*alert);
  }
  draft.records.system = system;
  draft.records.policy = policy;
  Result<Changes> changes = CallStep(work.step, draft.records);
  if (!changes) return changes.error();
  draft.changes = std::move(*changes);
  const Status possible = CheckDraft(work, rows, draft);
  if (!possible) return possible.error();
  return draft;
}

Status WriteAccounts(const Work& work, const Draft& draft, StoreRows& rows) {
  // Uids are given up before they are taken, so that two accounts may even swap theirs.
  for (const std::size_t index : draft.changes.accounts) {
    const std::string& name = work.accounts[index].name;
    const bool keeps = !draft.rows[index] || (!StaysDamaged(draft, index) && HasUid(draft, index));
    const Status released = keeps ? Ok() : rows.ReleaseUid(name);
    if (!released) return released;
  }
  for (const std::size_t index : draft.changes.accounts) {
    if (StaysDamaged(draft, index)) continue;
    const Status stored = rows.StoreAccount(draft.Changed(index), draft.rows[index]);
    if (!stored) return stored;
  }
  return Ok();
}

}  // namespace sparekey
