// SPDX-License-Identifier: Apache-2.0
#include "core/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace sparekey {
namespace {

std::string Octal(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
  return text.data();
}

}  // namespace

Error SystemError(const std::string& path, std::string_view action) {
  const int reason = errno;
  const std::string head = path + ": cannot " + std::string(action) + ": ";
  if (reason == ELOOP) return {ErrorCode::kNotAllowed, head + "it is a symbolic link"};
  ErrorCode code = ErrorCode::kUnavailable;
  if (reason == ENOENT) code = ErrorCode::kNotFound;
  if (reason == EACCES || reason == EPERM) code = ErrorCode::kNotAllowed;
  return {code, head + std::generic_category().message(reason)};
}

Status CheckPrivate(const struct stat& info, const std::string& path, mode_t most) {
  if (info.st_uid != ::geteuid()) {
    return Error{ErrorCode::kNotAllowed, path + ": belongs to uid " + std::to_string(info.st_uid) +
                                             ", not to uid " + std::to_string(::geteuid()) +
                                             " that runs this program; change its owner"};
  }
  if ((info.st_mode & 07777 & ~most) != 0) {
    return Error{ErrorCode::kNotAllowed, path + ": its mode " + Octal(info.st_mode) +
                                             " is too open; run: chmod " + Octal(most) + " " +
                                             path};
  }
  return Ok();
}

Result<UniqueFd> OpenPrivate(const std::string& path, int flags) {
  // O_NONBLOCK: a FIFO in its place must not hold us.
  UniqueFd fd(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return SystemError(path, "open");
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return SystemError(path, "look at");
  if (!S_ISREG(info.st_mode)) {
    return Error{ErrorCode::kNotAllowed, path + ": is not a regular file"};
  }
  const Status status = CheckPrivate(info, path, 0600);
  if (!status) return status.error();
  return fd;
}

Status WriteAll(int fd, std::span<const std::uint8_t> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(path, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return Ok();
}

Status SyncFolder(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return SystemError(path, "open");
  if (::fsync(fd.get()) != 0) return SystemError(path, "sync");
  return Ok();
}

std::string ParentFolder(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace sparekey
