// SPDX-License-Identifier: Apache-2.0
#include "core/store_create.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "core/sqlite_store.h"
#include "core/store_files.h"
#include "core/store_migration.h"
#include "core/store_rows.h"
#include "core/store_schema.h"

namespace sparekey {
namespace {

// Files that a failed creation must not leave behind, newest last.
class Leftovers {
 public:
  Leftovers() = default;
  Leftovers(const Leftovers&) = delete;
  Leftovers& operator=(const Leftovers&) = delete;
  ~Leftovers() {
    while (!paths_.empty()) {
      ::remove(paths_.back().c_str());
      paths_.pop_back();
    }
  }
  void Add(std::string path) { paths_.push_back(std::move(path)); }
  void Keep() { paths_.clear(); }

 private:
  std::vector<std::string> paths_;
};

bool Exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

Status Fill(Database& database, const MasterKey& key, const FirstRecords& first) {
  StoreRows rows(database, key);
  Status status = database.Execute("BEGIN IMMEDIATE");
  if (status) status = rows.InsertState(first.system, first.policy);
  for (const Account& account : first.accounts) {
    if (status) status = rows.StoreAccount(account, std::nullopt);
  }
  std::int64_t id = 0;
  for (const Event& event : first.events) {
    if (status) status = rows.AppendEvent(event, ++id);
  }
  if (status) status = RaiseImpliedAlerts(rows);
  if (status) status = database.Execute("COMMIT");
  return status;
}

// Closing a database does not say whether it could move the log.
Status MoveWholeLog(Database& database, const std::string& path) {
  const Status moved = database.Checkpoint();
  if (!moved) return moved;
  if (database.log_frames() == 0) return Ok();
  return Error{ErrorCode::kUnavailable, path + ": its log could not be moved into it"};
}

Status FillDatabase(const std::string& path, const MasterKey& key, const FirstRecords& first) {
  const Result<std::unique_ptr<Database>> database = CreateSchema(path);
  if (!database) return database.error();
  Status status = Fill(**database, key, first);
  if (status) status = MoveWholeLog(**database, path);
  if (status) (*database)->MoveLogAtClose(true);  // removes it
  return status;
}

// Under a name of its own until it is whole, so that a power cut leaves no half store.
Status WriteDatabase(const std::string& folder, const MasterKey& key, Leftovers& leftovers) {
  const std::string path = StorePath(folder, kStoreFile);
  const std::string draft = path + ".new";
  const Status written = WriteStoreFile(draft, key, {});
  if (!written) return written;
  leftovers.Add(draft);
  if (::rename(draft.c_str(), path.c_str()) != 0) return SystemError(path, "create");
  leftovers.Add(path);
  return SyncFolder(ParentFolder(path));
}

Status CreateFiles(const std::string& folder, const MasterKey& key) {
  const Status open = CheckStoreFolder(folder);
  if (!open) return open;
  const std::string lock_path = StorePath(folder, kLockFile);
  const bool new_lock = !Exists(lock_path);
  const Result<OwnerLock> lock = OwnerLock::Take(folder);
  if (!lock) return lock.error();
  Leftovers leftovers;  // goes before the lock does
  if (new_lock) leftovers.Add(lock_path);
  if (Exists(StorePath(folder, kStoreFile))) {
    return Error{ErrorCode::kConflict, folder + ": a store exists already; it is kept"};
  }
  if (!Exists(StorePath(folder, kReserveFile))) {
    const Status reserve = WriteReserve(folder);
    if (!reserve) return reserve;
    leftovers.Add(StorePath(folder, kReserveFile));
  }
  Status status = WriteDatabase(folder, key, leftovers);
  if (status) leftovers.Keep();
  return status;
}

}  // namespace

Status WriteStoreFile(const std::string& draft, const MasterKey& key, const FirstRecords& first) {
  const std::string parts[] = {draft + "-journal", draft + "-wal", draft};
  for (const std::string& part : parts) ::unlink(part.c_str());
  const UniqueFd fd(
      ::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return SystemError(draft, "create");
  Leftovers leftovers;
  for (const std::string& part : parts) leftovers.Add(part);
  const Status status = FillDatabase(draft, key, first);
  if (!status) return status;
  if (::fsync(fd.get()) != 0) return SystemError(draft, "sync");
  leftovers.Keep();
  ::unlink(parts[1].c_str());  // where closing left it, it holds nothing that the file does not
  return Ok();
}

Status CreateSqliteStore(const std::string& state_dir, const MasterKey& key) {
  const bool created = ::mkdir(state_dir.c_str(), 0700) == 0;
  if (!created && errno != EEXIST) return SystemError(state_dir, "create");
  Status status = CreateFiles(state_dir, key);
  const std::string folder = ParentFolder(StorePath(state_dir, "name"));
  if (status && created) status = SyncFolder(ParentFolder(folder));
  if (!status && created) ::rmdir(folder.c_str());
  return status;
}

}  // namespace sparekey
