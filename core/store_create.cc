// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "core/sqlite_store.h"
#include "core/store_files.h"
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

Status FillDatabase(const std::string& path, const MasterKey& key) {
  const Result<std::unique_ptr<Database>> database = CreateSchema(path);
  if (!database) return database.error();
  StoreRows rows(**database, key);
  Status status = (*database)->Execute("BEGIN IMMEDIATE");
  if (status) status = rows.InsertState({}, {});
  if (status) status = (*database)->Execute("COMMIT");
  if (status) status = (*database)->Checkpoint();
  (*database)->MoveLogAtClose(true);
  return status;
}

// Under a name of its own until it is whole, so that a power cut leaves no half store.
Status WriteDatabase(const std::string& folder, const MasterKey& key, Leftovers& leftovers) {
  const std::string path = StorePath(folder, kStoreFile);
  const std::string draft = path + ".new";
  const std::string parts[] = {draft + "-journal", draft + "-wal", draft};
  for (const std::string& part : parts) ::unlink(part.c_str());
  const UniqueFd fd(
      ::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return SystemError(draft, "create");
  for (const std::string& part : parts) leftovers.Add(part);
  const Status status = FillDatabase(draft, key);
  if (!status) return status;
  if (::fsync(fd.get()) != 0) return SystemError(draft, "sync");
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
