// SPDX-License-Identifier: Apache-2.0
#include "service/sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "core/random.h"

namespace sparekey {
namespace {

constexpr int kBacklog = 1024;
constexpr std::size_t kPathBytes = sizeof(sockaddr_un::sun_path) - 1;

Error Failed(const std::string& path, std::string_view why) {
  return {ErrorCode::kUnavailable, path + ": " + std::string(why)};
}
Error FailedWithErrno(const std::string& path, std::string_view what) {
  return Failed(path, std::string(what) + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

sockaddr_un ToAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, kPathBytes);
  return address;
}

int NewSocket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

Status CheckFolder(const std::string& folder) {
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) return FailedWithErrno(folder, "the socket's folder");
  if (status.st_uid != 0 && status.st_uid != geteuid()) {
    return Failed(folder, "the socket's folder belongs to somebody else");
  }
  const bool others_write = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (others_write && (status.st_mode & S_ISVTX) == 0) {
    return Failed(folder, "others may write to the socket's folder");
  }
  return Ok();
}

// Without systemd nothing makes /run/sparekey after a boot. Whoever may not write to its parent
// cannot put something else in its place meanwhile; CheckFolder looks at what is there then.
Status MakeFolder(const std::string& folder) {
  struct stat status {};
  if (stat(folder.c_str(), &status) == 0 || errno != ENOENT) return Ok();
  const auto parent = std::filesystem::path(folder).parent_path().string();
  if (auto checked = CheckFolder(parent); !checked) return checked;
  if (mkdir(folder.c_str(), 0700) != 0) {
    return errno == EEXIST ? Ok() : Status(FailedWithErrno(folder, "cannot be made"));
  }
  if (chmod(folder.c_str(), 0755) != 0) return FailedWithErrno(folder, "chmod");  // umask
  return Ok();
}

// What lies at the path must be nothing, or a socket on which nobody listens.
Status CheckPlace(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? Ok() : Status(FailedWithErrno(path, "cannot be looked at"));
  }
  if (!S_ISSOCK(status.st_mode)) return Failed(path, "is not a socket; remove it");
  const Descriptor probe(NewSocket());
  const sockaddr_un address = ToAddress(path);
  if (probe.get() < 0) return FailedWithErrno(path, "socket");
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      (errno == ECONNREFUSED || errno == ENOENT)) {
    return Ok();
  }
  return Failed(path, "another process listens here already");
}

struct Bound {
  int fd;
  dev_t device;
  ino_t inode;
};

// Made under a name that nobody knows and renamed when it listens and has its mode, so that nobody
// meets it half made.
Result<Bound> MakeSocket(const std::string& path, mode_t mode) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const std::string temporary = folder + "/.s" + RandomHex(3);
  if (path.size() > kPathBytes || temporary.size() > kPathBytes) {
    return Failed(path, "the path is too long for a socket");
  }
  if (auto status = MakeFolder(folder); !status) return status.error();
  if (auto status = CheckFolder(folder); !status) return status.error();
  if (auto status = CheckPlace(path); !status) return status.error();
  Descriptor fd(NewSocket());
  if (fd.get() < 0) return FailedWithErrno(path, "socket");
  const sockaddr_un address = ToAddress(temporary);
  // unix(7): the file's mode is that of the descriptor, less the umask.
  if (fchmod(fd.get(), mode) != 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return FailedWithErrno(path, "bind");
  }
  struct stat status {};
  if (chmod(temporary.c_str(), mode) != 0 || listen(fd.get(), kBacklog) != 0 ||
      lstat(temporary.c_str(), &status) != 0 || rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = FailedWithErrno(path, "cannot be made");
    unlink(temporary.c_str());
    return error;
  }
  return Bound{fd.Release(), status.st_dev, status.st_ino};
}

// name -> descriptor, from LISTEN_FDS; the variables are taken out of the environment.
Result<std::map<std::string, int>> PassedSockets() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  if (count < 0) return Failed("systemd's sockets", std::strerror(-count));
  std::map<std::string, int> sockets;
  for (int i = 0; i < count; ++i) {
    const int fd = SD_LISTEN_FDS_START + i;
    if (names != nullptr && sockets.emplace(names[i], fd).second) continue;
    close(fd);
  }
  for (int i = 0; names != nullptr && names[i] != nullptr; ++i) std::free(names[i]);
  std::free(static_cast<void*>(names));
  return sockets;
}

Status CheckPassed(int fd, const std::string& path, bool owner_only) {
  if (sd_is_socket_unix(fd, SOCK_STREAM, 1, nullptr, 0) <= 0) {
    return Failed(path, "systemd passed something else than a listening Unix socket");
  }
  sockaddr_un address{};
  socklen_t size = sizeof address;
  struct stat passed {
  }, configured{};
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      address.sun_path[0] == '\0' || lstat(address.sun_path, &passed) != 0) {
    return FailedWithErrno(path, "systemd's socket has no file");
  }
  if (lstat(path.c_str(), &configured) != 0 || configured.st_ino != passed.st_ino ||
      configured.st_dev != passed.st_dev) {
    return Failed(path, std::string("systemd's socket is at ") + address.sun_path +
                            "; make the socket unit and the configuration agree");
  }
  if (owner_only && (passed.st_uid != geteuid() || (passed.st_mode & 077) != 0)) {
    return Failed(path, "must have mode 0600 and belong to the service's user");
  }
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return Ok();
}

}  // namespace

Result<Sockets> OpenSockets(const std::string& pam_path, const std::string& api_path) {
  const std::string paths[2] = {pam_path, api_path};
  static constexpr const char* kNames[2] = {"pam", "api"};
  static constexpr mode_t kModes[2] = {0600, 0666};
  auto passed = PassedSockets();
  if (!passed) return passed.error();
  Sockets sockets;
  const bool is_activated = !passed->empty();
  for (int i = 0; i < 2; ++i) {
    if (const auto found = passed->find(kNames[i]); found != passed->end()) {
      sockets.fds_[i] = found->second;
      passed->erase(found);
    }
  }
  for (const auto& [name, fd] : *passed) close(fd);
  for (int i = 0; i < 2; ++i) {
    if (is_activated) {
      if (sockets.fds_[i] < 0) {
        return Failed(paths[i], std::string("systemd passed no socket named ") + kNames[i]);
      }
      if (auto status = CheckPassed(sockets.fds_[i], paths[i], i == 0); !status) {
        return status.error();
      }
      continue;
    }
    const auto bound = MakeSocket(paths[i], kModes[i]);
    if (!bound) return bound.error();
    sockets.fds_[i] = bound->fd;
    sockets.own_[i] = {paths[i], bound->device, bound->inode};
  }
  return sockets;
}

Sockets::Sockets(Sockets&& other) noexcept { *this = std::move(other); }

Sockets& Sockets::operator=(Sockets&& other) noexcept {
  std::swap(fds_, other.fds_);
  std::swap(own_, other.own_);
  return *this;
}

Sockets::~Sockets() {
  for (int i = 0; i < 2; ++i) {
    struct stat now {};
    if (!own_[i].path.empty() && lstat(own_[i].path.c_str(), &now) == 0 &&
        now.st_dev == own_[i].device && now.st_ino == own_[i].inode) {
      unlink(own_[i].path.c_str());
    }
    if (fds_[i] >= 0) close(fds_[i]);
  }
}

int Sockets::TakePam() { return std::exchange(fds_[0], -1); }
int Sockets::TakeApi() { return std::exchange(fds_[1], -1); }

void NotifyStarting(std::chrono::seconds time) {
  const std::chrono::microseconds microseconds = time;
  sd_notify(0, ("EXTEND_TIMEOUT_USEC=" + std::to_string(microseconds.count())).c_str());
}

void NotifyReady(const std::string& status) { sd_notify(0, ("READY=1\nSTATUS=" + status).c_str()); }

void NotifyStopping() { sd_notify(0, "STOPPING=1"); }

}  // namespace sparekey
