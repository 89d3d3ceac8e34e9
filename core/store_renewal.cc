// SPDX-License-Identifier: Apache-2.0
#include "core/store_renewal.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <set>
#include <vector>

#include "core/sqlite_store.h"
#include "core/store_files.h"
#include "core/store_schema.h"

namespace sparekey {
namespace {

constexpr char kReason[] = "the master key was replaced";
// Names and numbers are not sealed.
constexpr char kListNames[] = "SELECT name, uid FROM account ORDER BY name";

struct Known {
  std::vector<Account> accounts;
  bool all = false;
};

Account MakeMarked(const Statement& row) {
  constexpr std::int64_t kMost = std::numeric_limits<uid_t>::max();
  Account account;
  account.name = row.Text(0);
  const std::int64_t uid = row.IsNull(1) ? -1 : row.Number(1);
  account.uid = uid < 0 || uid > kMost ? kNoUid : static_cast<uid_t>(uid);
  account.must_enrol = true;
  return account;
}

// What the old store tells without its key.
Known ReadKnown(const std::string& path) {
  Known known;
  const Result<std::unique_ptr<Database>> database = OpenWithSchema(path);
  if (!database) return known;
  Statement row = (*database)->Use(kListNames);
  bool whole = true;
  std::set<std::string> names;  // damage may show a row twice
  std::set<uid_t> uids{kNoUid};
  Result<bool> found = row.Next();
  for (; found && *found; found = row.Next()) {
    Account account = MakeMarked(row);
    const bool named = IsAccountName(account.name) && names.insert(account.name).second;
    if (!uids.insert(account.uid).second) account.uid = kNoUid;
    whole = whole && named;
    if (named) known.accounts.push_back(std::move(account));
  }
  known.all = found && whole;
  return known;
}

Event MakeEvent(const std::string& account, TimePoint now) {
  Event event;
  event.kind = EventKind::kConsoleReset;
  event.account = account;
  event.door = Door::kConsole;
  event.detail = kReason;
  event.time = now;
  return event;
}

Work MarkingSystem(const Known& known, TimePoint now) {
  return {{}, [all = known.all, now](Records& records) -> Result<Changes> {
            records.system.gate = GateClosure{now, kReason};
            if (!all) records.policy.required_for = RequiredFor::kEveryone;
            return Changes{{}, true, true, {MakeEvent("", now)}};
          }};
}

Work Marking(const Account& account, TimePoint now) {
  return {{{account.name, {}}}, [&account, now](Records& records) -> Result<Changes> {
            records.accounts[0].account = account.Clone();
            return Changes{{0}, false, false, {MakeEvent(account.name, now)}};
          }};
}

Status FillStore(const std::string& folder, const std::string& key_path, const Known& known,
                 TimePoint now) {
  Result<MasterKey> key = MasterKey::Load(key_path);
  if (!key) return key.error();
  const Status created = CreateSqliteStore(folder, *key);
  if (!created) return created;
  const Result<std::unique_ptr<Store>> store = OpenSqliteStore(folder, std::move(*key));
  if (!store) return store.error();
  std::vector<Work> works;
  works.push_back(MarkingSystem(known, now));
  for (const Account& account : known.accounts) works.push_back(Marking(account, now));
  (*store)->Run(works);  // one commit; closing moves the log into the file
  for (const Work& work : works) {
    if (!work.status) return work.status.error();
  }
  return Ok();
}

void RemoveStaging(const std::string& folder) {
  for (const char* name : {kStoreFile, kLockFile, kReserveFile, "sparekey.db-wal"}) {
    ::unlink(StorePath(folder, name).c_str());
  }
  ::rmdir(folder.c_str());
}

// A file that is not there is no error.
Status Move(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) return Ok();
  return SystemError(from, "move");
}

// The new store comes before the new key: in between, nothing fits and everybody is denied.
Status PutInPlace(const std::string& state_dir, const std::string& staging,
                  const std::string& key_path, const std::string& suffix) {
  const std::string path = StorePath(state_dir, kStoreFile);
  const std::string old = path + suffix;
  Status status = Move(path, old);
  if (status) status = Move(path + "-wal", old + "-wal");
  if (status) status = Move(StorePath(staging, kStoreFile), path);
  if (status) status = SyncFolder(state_dir);
  if (status) status = Move(key_path, key_path + suffix);
  if (status) status = Move(key_path + ".new", key_path);
  if (status) status = SyncFolder(ParentFolder(key_path));
  return status;
}

// ".old-20261123T140200Z"
std::string SuffixOf(TimePoint now) {
  std::string time = FormatTime(now);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return ".old-" + time;
}

}  // namespace

Result<Renewal> RenewStore(const std::string& state_dir, const std::string& key_path,
                           TimePoint now) {
  const Status folder = CheckStoreFolder(state_dir);
  if (!folder) return folder.error();
  const Result<OwnerLock> lock = OwnerLock::Take(state_dir);
  if (!lock) return lock.error();
  const Known known = ReadKnown(StorePath(state_dir, kStoreFile));
  const std::string staging = StorePath(state_dir, "renewal");
  const std::string new_key = key_path + ".new";
  RemoveStaging(staging);
  ::unlink(new_key.c_str());
  Status status = MasterKey::Create(new_key);
  if (status) status = FillStore(staging, new_key, known, now);
  const Renewal renewal{known.accounts.size(), !known.all, SuffixOf(now)};
  if (status) status = PutInPlace(state_dir, staging, key_path, renewal.suffix);
  RemoveStaging(staging);
  if (!status) ::unlink(new_key.c_str());
  if (!status) return status.error();
  return renewal;
}

}  // namespace sparekey
