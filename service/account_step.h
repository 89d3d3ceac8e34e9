// SPDX-License-Identifier: Apache-2.0
// What the verbs about one account share: load its record, refuse under a super-lockout, change it,
// write it with its events.
#pragma once

#include <functional>
#include <string>

#include "service/backend.h"

namespace sparekey {

Error NoSuchAccount(const std::string& name);
Error NotEnrolled(const std::string& name);
// kConflict: two names of one uid are one account.
Error IsAnotherName(const std::string& name, const std::string& account);
Event MakeEvent(EventKind kind, const Account& account, std::string detail, TimePoint now);

// Changing verbs are refused while a super-lockout covers what they change (rule 10).
Status RefuseWhileSuperLocked(const SystemState& system, const Account* account);

// Takes its uid from a record whose uid the directory now gives to `heir`, and with it all of
// two-factor, which was bound to it. Counters and lockouts stay with the name.
void GiveUpUid(Account& account, const std::string& heir, TimePoint now,
               std::vector<Event>& events);

// The keys of a change that makes `key.uid` this account's: the record that holds the uid comes
// second, where there is one.
Result<std::vector<AccountKey>> KeysWithHolder(Store& store, const AccountKey& key);

using Change =
    std::function<Status(const Records& records, Account& account, std::vector<Event>& events)>;
// Runs `change` over the stored record of `name`; kNotFound where there is none. Pure as a step.
Status ChangeAccount(Store& store, const std::string& name, const Change& change);

// Records without a change, or an error.
Status ReadRecords(Store& store, std::vector<AccountKey> accounts,
                   const std::function<void(const Records& records)>& read);

}  // namespace sparekey
