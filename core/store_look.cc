// SPDX-License-Identifier: Apache-2.0
#include "core/store_look.h"

#include <sys/stat.h>

#include "core/sqlite_store.h"
#include "core/store_files.h"
#include "core/store_schema.h"

namespace sparekey {
namespace {

Status CheckNoOwner(const std::string& folder) {
  const std::optional<pid_t> owner = FindStoreOwner(folder);
  if (!owner) return Ok();
  const std::string who = *owner > 0 ? "process " + std::to_string(*owner) : "another process";
  return Error{ErrorCode::kConflict, folder + ": the store is in use by " + who};
}

}  // namespace

bool StoreLook::Stamp::operator==(const Stamp& other) const {
  return there == other.there && device == other.device && inode == other.inode &&
         size == other.size && changed.tv_sec == other.changed.tv_sec &&
         changed.tv_nsec == other.changed.tv_nsec;
}

StoreLook::Stamps StoreLook::ReadStamps(const std::string& state_dir) {
  Stamps stamps;
  const std::string path = StorePath(state_dir, kStoreFile);
  for (std::size_t i = 0; i < stamps.size(); ++i) {
    struct stat info {};
    if (::lstat((path + (i == 0 ? "" : "-wal")).c_str(), &info) != 0) continue;
    stamps[i] = {true, info.st_dev, info.st_ino, info.st_size, info.st_mtim};
  }
  return stamps;
}

Result<std::unique_ptr<StoreLook>> StoreLook::Open(const std::string& state_dir, MasterKey key) {
  Status status = CheckStorePlace(state_dir);
  if (status) status = CheckNoOwner(state_dir);
  if (!status) return status.error();
  std::unique_ptr<StoreLook> look(new StoreLook(state_dir, std::move(key)));
  status = look->Connect();
  if (status) return look;
  // Whoever writes at this moment is the better reason.
  const Status undisturbed = look->CheckUndisturbed();
  return undisturbed ? status.error() : undisturbed.error();
}

StoreLook::StoreLook(std::string folder, MasterKey key)
    : folder_(std::move(folder)), stamps_(ReadStamps(folder_)), key_(std::move(key)) {}

Status StoreLook::Connect() {
  Result<std::unique_ptr<Database>> database = LookWithSchema(StorePath(folder_, kStoreFile));
  if (!database) return database.error();
  database_ = std::move(*database);
  rows_ = std::make_unique<StoreRows>(*database_, key_);
  return rows_->CheckKey();
}

Status StoreLook::CheckUndisturbed() const {
  const Status owner = CheckNoOwner(folder_);
  if (!owner) return owner;
  if (ReadStamps(folder_) == stamps_) return Ok();
  return Error{ErrorCode::kConflict, folder_ + ": the store was changed meanwhile"};
}

}  // namespace sparekey
