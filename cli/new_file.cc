// SPDX-License-Identifier: Apache-2.0
#include "cli/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sparekey {
namespace {

std::span<const std::uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Result<NewFile> NewFile::Create(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd && errno == EEXIST) {
    return Error{ErrorCode::kConflict, path + " exists already and is never overwritten"};
  }
  if (!fd) {
    Error error = SystemError(path, "create");
    if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kInvalid;  // no such folder
    return error;
  }
  return NewFile(path, std::move(fd));
}

NewFile::~NewFile() {
  if (fd_) unlink(path_.c_str());
}

Status NewFile::Finish(std::string_view content) {
  if (fchmod(fd_.get(), 0600) != 0) return SystemError(path_, "protect");
  Status status = WriteAll(fd_.get(), BytesOf(content), path_);
  if (status.ok() && fsync(fd_.get()) != 0) status = SystemError(path_, "sync");
  if (status.ok()) status = SyncFolder(ParentFolder(path_));
  if (status.ok()) fd_ = UniqueFd();
  return status;
}

}  // namespace sparekey
