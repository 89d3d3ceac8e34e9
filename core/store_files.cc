// SPDX-License-Identifier: Apache-2.0
#include "core/store_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <vector>

#include "core/random.h"
#include "core/sqlite_store.h"

namespace sparekey {
namespace {

constexpr std::size_t kReserveBytes = std::size_t{1} << 20;

// The locks that this process has. A child after fork has the list but not the locks.
struct Held {
  dev_t device;
  ino_t inode;
  pid_t holder;
};
std::mutex held_mutex;
std::vector<Held>& HeldLocks() {
  static std::vector<Held> held;
  return held;
}

bool IsHeldHere(const struct stat& info) {
  return std::any_of(HeldLocks().begin(), HeldLocks().end(), [&](const Held& held) {
    return held.device == info.st_dev && held.inode == info.st_ino && held.holder == ::getpid();
  });
}

struct flock WholeFile() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::optional<pid_t> AskHolder(int fd) {
  struct flock lock = WholeFile();
  if (::fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  return lock.l_pid;
}

Error OwnedBy(const std::string& folder, std::optional<pid_t> holder) {
  std::string who = holder.value_or(0) > 0 ? "process " + std::to_string(*holder)
                                           : std::string("another process");
  return {ErrorCode::kConflict, folder + ": the store is in use by " + who + "; stop it first"};
}

// The file may have been replaced between opening and locking it.
bool IsStillAt(const std::string& path, int fd) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

std::string StorePath(const std::string& folder, const std::string& name) {
  const auto last = folder.find_last_not_of('/');
  return (last == std::string::npos ? "" : folder.substr(0, last + 1)) + "/" + name;
}

Status CheckStoreFolder(const std::string& folder) {
  // Without the slashes behind it, which would follow a link.
  std::string path = StorePath(folder, "");
  if (path.size() > 1) path.pop_back();
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return SystemError(path, "open");
  if (S_ISLNK(info.st_mode)) {
    return Error{ErrorCode::kNotAllowed,
                 path + ": is a symbolic link; name the folder itself as state folder"};
  }
  if (!S_ISDIR(info.st_mode)) return Error{ErrorCode::kNotAllowed, path + ": is not a folder"};
  return CheckPrivate(info, path, 0700);
}

Status CheckStoreFiles(const std::string& folder) {
  for (const char* name : {kStoreFile, kLockFile, kReserveFile, "sparekey.db-wal"}) {
    const std::string path = StorePath(folder, name);
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
      if (errno == ENOENT) continue;
      return SystemError(path, "open");
    }
    if (!S_ISREG(info.st_mode)) {
      return Error{ErrorCode::kNotAllowed, path + ": is not a regular file"};
    }
    const Status status = CheckPrivate(info, path, 0600);
    if (!status) return status;
  }
  return Ok();
}

Status CheckStorePlace(const std::string& folder) {
  const Status checked = CheckStoreFolder(folder);
  if (!checked) return checked;
  struct stat info {};
  const std::string path = StorePath(folder, kStoreFile);
  if (::lstat(path.c_str(), &info) != 0) {
    return Error{ErrorCode::kNotFound,
                 path +
                     ": there is no store, though its master key is there; put it back "
                     "from a backup, or see what this says: sparekey init"};
  }
  return CheckStoreFiles(folder);
}

Result<OwnerLock> OwnerLock::Take(const std::string& folder) {
  const std::string path = StorePath(folder, kLockFile);
  const std::lock_guard guard(held_mutex);
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0 && IsHeldHere(info)) return OwnedBy(folder, ::getpid());
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_CREAT, 0600));
  if (!fd) return SystemError(path, "open");
  struct flock lock = WholeFile();
  if (::fcntl(fd.get(), F_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return SystemError(path, "lock");
    return OwnedBy(folder, AskHolder(fd.get()));
  }
  if (!IsStillAt(path, fd.get()) || ::fstat(fd.get(), &info) != 0) {
    return OwnedBy(folder, std::nullopt);
  }
  HeldLocks().push_back({info.st_dev, info.st_ino, ::getpid()});
  return OwnerLock(std::move(fd));
}

OwnerLock::~OwnerLock() {
  struct stat info {};
  if (!fd_ || ::fstat(fd_.get(), &info) != 0) return;
  const std::lock_guard guard(held_mutex);
  std::erase_if(HeldLocks(), [&](const Held& held) {
    return held.device == info.st_dev && held.inode == info.st_ino && held.holder == ::getpid();
  });
  fd_ = UniqueFd();
}

std::optional<pid_t> FindStoreOwner(const std::string& state_dir) {
  const std::string path = StorePath(state_dir, kLockFile);
  const std::lock_guard guard(held_mutex);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
  if (IsHeldHere(info)) return ::getpid();
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  return fd ? AskHolder(fd.get()) : std::nullopt;
}

Status WriteReserve(const std::string& folder) {
  const std::string path = StorePath(folder, kReserveFile);
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return SystemError(path, "create");
  std::vector<std::uint8_t> noise(kReserveBytes);
  FillRandom(noise);
  Status status = WriteAll(fd.get(), noise, path);
  if (status && ::fsync(fd.get()) != 0) status = SystemError(path, "sync");
  if (!status) ::unlink(path.c_str());
  return status;
}

}  // namespace sparekey
