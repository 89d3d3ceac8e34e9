// SPDX-License-Identifier: Apache-2.0
// The folder of the store: who may see it, who owns it now, and the space kept for a bad day.
#pragma once

#include <string>

#include "core/files.h"
#include "core/result.h"

namespace sparekey {

// `folder/name`, without doubled slashes.
std::string StorePath(const std::string& folder, const std::string& name);

// kNotFound where it is missing; kNotAllowed where it is a symbolic link, belongs to somebody else
// or lets others in.
Status CheckStoreFolder(const std::string& folder);
// The same for the files of the store that are there.
Status CheckStoreFiles(const std::string& folder);
// Both, and kNotFound where there is no store.
Status CheckStorePlace(const std::string& folder);

// A POSIX record lock on kLockFile, which the kernel gives up with the process and which names it
// to others. Since closing any descriptor of the file in this process would give it up too, nothing
// else may open the file: go through this class and FindStoreOwner.
class OwnerLock {
 public:
  // Creates the file where it is missing. kConflict, with the pid, if another process or this one
  // has the lock.
  static Result<OwnerLock> Take(const std::string& folder);

  OwnerLock(OwnerLock&&) noexcept = default;
  OwnerLock& operator=(OwnerLock&&) = delete;
  ~OwnerLock();

 private:
  explicit OwnerLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

// Fills kReserveFile with what does not compress.
Status WriteReserve(const std::string& folder);

}  // namespace sparekey
