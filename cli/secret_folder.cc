// SPDX-License-Identifier: Apache-2.0
#include "cli/secret_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cli/text.h"
#include "core/files.h"

namespace sparekey {
namespace {

constexpr mode_t kFolderMode = 0700, kFileMode = 0600;
constexpr std::size_t kLongestUri = 4096;
constexpr char kUriExtension[] = ".otpauth";

Error Closed(const std::string& path, const std::string& why) {
  return {ErrorCode::kNotAllowed, Escape(path) + ": " + why};
}

Status CheckFolder(int fd, const std::string& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return SystemError(path, "look at");
  if (info.st_uid != geteuid()) return Closed(path, "belongs to another user");
  if ((info.st_mode & 077) != 0) {
    return Closed(path, "others may look in; close it with: chmod 700 " + Escape(path));
  }
  return Ok();
}

std::string UriName(const std::string& account) { return FileNameOf(account) + kUriExtension; }

}  // namespace

std::string FileNameOf(std::string_view account) {
  std::string name;
  for (const char c : account) {
    if (c == '%') {
      name += "%25";
    } else if (c == '.' && name.empty()) {
      name += "%2E";
    } else if (c == '/') {
      name += "%2F";
    } else {
      name += c;
    }
  }
  return name;
}

Result<std::optional<SecretFolder>> SecretFolder::Look(const std::string& path,
                                                       std::string sheet_extension) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::optional<SecretFolder>();
  if (!fd && errno == ENOTDIR) return Invalid(Escape(path) + " is no folder");
  if (!fd) return SystemError(path, "open");
  const Status closed = CheckFolder(fd.get(), path);
  if (!closed) return closed.error();
  return std::optional(SecretFolder(path, std::move(fd), std::move(sheet_extension)));
}

Result<SecretFolder> SecretFolder::Open(const std::string& path, std::string sheet_extension) {
  if (mkdir(path.c_str(), kFolderMode) != 0 && errno != EEXIST) {
    Error error = SystemError(path, "make");
    if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kInvalid;  // nor what it is in
    return error;
  }
  auto folder = Look(path, std::move(sheet_extension));
  if (!folder) return folder.error();
  if (!*folder) return Invalid(Escape(path) + " went away");
  const Status durable = SyncFolder(ParentFolder(path));
  if (!durable) return durable.error();
  return std::move(**folder);
}

std::string SecretFolder::UriPath(const std::string& account) const {
  return PathOf(UriName(account));
}

std::string SecretFolder::SheetName(const std::string& account) const {
  return FileNameOf(account) + sheet_extension_;
}

Result<UniqueFd> SecretFolder::OpenOwn(const std::string& file, int flags) const {
  UniqueFd fd(openat(fd_.get(), file.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return SystemError(PathOf(file), "open");
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return SystemError(PathOf(file), "look at");
  if (!S_ISREG(info.st_mode) || info.st_uid != geteuid()) {
    return Invalid(Escape(PathOf(file)) + " is not a file of yours");
  }
  return fd;
}

Result<std::optional<OtpauthUri>> SecretFolder::LoadUri(const std::string& account) const {
  const std::string file = UriName(account);
  const auto fd = OpenOwn(file, O_RDONLY);
  if (!fd && fd.error().code == ErrorCode::kNotFound) return std::optional<OtpauthUri>();
  if (!fd) return fd.error();
  SecretBytes buffer(kLongestUri);
  const ssize_t got = read(fd->get(), buffer.Expose().data(), buffer.size());
  if (got < 0) return SystemError(PathOf(file), "read");
  std::string_view text = buffer.ExposeText().substr(0, static_cast<std::size_t>(got));
  // Without its end it was never synced, and the service has not heard of it.
  if (!text.ends_with('\n')) return std::optional<OtpauthUri>();
  text.remove_suffix(1);
  auto uri = ParseOtpauth(text);
  if (!uri) return Invalid(Escape(PathOf(file)) + ": " + uri.error().message);
  if (uri->account != account) {
    return Invalid(Escape(PathOf(file)) + " is of " + Escape(uri->account));
  }
  return std::optional(std::move(*uri));
}

Status SecretFolder::Write(const std::string& file, int flags, const SecretBytes& text,
                           bool sync) const {
  const UniqueFd fd(
      openat(fd_.get(), file.c_str(), flags | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!fd) return SystemError(PathOf(file), "create");
  const Status written = WriteAll(fd.get(), text.Expose(), PathOf(file));
  if (!written) return written;
  if (sync && fdatasync(fd.get()) != 0) return SystemError(PathOf(file), "sync");
  return Ok();
}

Status SecretFolder::StoreUri(const std::string& account, const SecretBytes& uri) const {
  const std::string file = UriName(account);
  SecretBytes line(uri.size() + 1);
  std::copy(uri.Expose().begin(), uri.Expose().end(), line.Expose().begin());
  line.Expose().back() = '\n';
  // What is there holds no line: LoadUri has looked.
  const bool is_there = faccessat(fd_.get(), file.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  if (is_there && unlinkat(fd_.get(), file.c_str(), 0) != 0) {
    return SystemError(PathOf(file), "remove");
  }
  return Write(file, O_CREAT | O_EXCL, line, false);
}

void SecretFolder::RemoveUri(const std::string& account) const {
  (void)unlinkat(fd_.get(), UriName(account).c_str(), 0);
}

Result<SheetFile> SecretFolder::LookAtSheet(const std::string& account) const {
  const std::string file = SheetName(account);
  const auto fd = OpenOwn(file, O_RDONLY);
  if (!fd && fd.error().code == ErrorCode::kNotFound) return SheetFile::kNone;
  if (!fd) return fd.error();
  struct stat info {};
  if (fstat(fd->get(), &info) != 0) return SystemError(PathOf(file), "look at");
  return info.st_size == 0 ? SheetFile::kEmpty : SheetFile::kFull;
}

Status SecretFolder::PromiseSheet(const std::string& account) const {
  return Write(SheetName(account), O_CREAT | O_EXCL, SecretBytes(), false);
}

void SecretFolder::RemovePromise(const std::string& account) const {
  const auto state = LookAtSheet(account);
  if (state && *state == SheetFile::kEmpty) {
    (void)unlinkat(fd_.get(), SheetName(account).c_str(), 0);
  }
}

Status SecretFolder::StoreSheet(const std::string& account, const SecretBytes& sheet) const {
  const std::string file = SheetName(account), draft = "." + file + ".new";
  const Status written = Write(draft, O_CREAT | O_TRUNC, sheet, true);
  if (!written) return written;
  if (renameat(fd_.get(), draft.c_str(), fd_.get(), file.c_str()) != 0) {
    return SystemError(PathOf(file), "put into its place");
  }
  return Ok();
}

Status SecretFolder::Sync() const {
  if (syncfs(fd_.get()) != 0) return SystemError(path_, "sync");
  return Ok();
}

}  // namespace sparekey
