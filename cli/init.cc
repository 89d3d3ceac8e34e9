// SPDX-License-Identifier: Apache-2.0
// init: master key and store, once; without the service.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/commands.h"
#include "cli/context.h"
#include "core/seal.h"
#include "core/sqlite_store.h"
#include "core/store_renewal.h"

namespace sparekey {
namespace {

bool Exists(const std::string& path) {
  struct stat facts {};
  return lstat(path.c_str(), &facts) == 0 || errno != ENOENT;
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The mode is the one given, whatever the umask.
Status MakeFolder(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0 && chmod(path.c_str(), mode) == 0) return Ok();
  if (errno == EEXIST) return Ok();
  const int number = errno;
  const ErrorCode code =
      number == EACCES || number == EPERM ? ErrorCode::kNotAllowed : ErrorCode::kUnavailable;
  return Error{code, "cannot make the folder " + path + ": " + std::strerror(number)};
}

// Refuses to touch what is there, and says what to do about half a set-up.
Status CheckNothingExists(const std::string& key, const std::string& store) {
  if (Exists(NewKeyPath(key))) {
    return Error{ErrorCode::kConflict, NewKeyPath(key) +
                                           ": a new key was being made and is not in place; at the "
                                           "local console: sparekey console reset --new-key"};
  }
  const bool has_key = Exists(key);
  const bool has_store = Exists(store);
  if (!has_key && !has_store) return Ok();
  std::string message;
  if (has_key && has_store) {
    message = "already set up: master key " + key + ", store " + store + "; nothing was changed";
  } else if (has_key) {
    message = "the master key " + key + " exists, but its store " + store +
              " does not; put the store back from a backup, or, where it is lost (everybody enrols "
              "again), at the local console: sparekey console reset --new-key";
  } else {
    message = "the store " + store + " exists, but its master key " + key +
              " does not; put the key back from a backup, or, where it is lost (everybody enrols "
              "again), at the local console: sparekey console reset --new-key";
  }
  return Error{ErrorCode::kConflict, message};
}

Status CreateBoth(const Config& config) {
  const std::string key_folder = FolderOf(config.master_key);
  Status status = MakeFolder(config.state_dir, 0700);
  if (status.ok() && key_folder != config.state_dir) status = MakeFolder(key_folder, 0755);
  if (status.ok()) status = MasterKey::Create(config.master_key);
  if (!status.ok()) return status;
  const Result<MasterKey> key = MasterKey::Load(config.master_key);
  status = key.ok() ? CreateSqliteStore(config.state_dir, *key) : Status(key.error());
  // This run made the key, and no store was ever sealed with it.
  if (!status.ok()) unlink(config.master_key.c_str());
  return status;
}

}  // namespace

int RunInit(Context& context, const Invocation&) {
  const Config& config = context.config;
  const std::string store = config.state_dir + '/' + kStoreFile;
  Status status = CheckNothingExists(config.master_key, store);
  if (status.ok()) status = CreateBoth(config);
  if (!status.ok()) {
    Error error = status.error();
    if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kUnavailable;  // no such folder
    return Fail(context, error);
  }
  Say("Keep a copy of the master key apart from backups of the store: without it, everybody enrols "
      "again.");
  return Finish(
      context, {{"master_key", config.master_key}, {"store", store}},
      "Master key  " + Escape(config.master_key) + "\nStore       " + Escape(store) + '\n');
}

}  // namespace sparekey
