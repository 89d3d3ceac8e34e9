// SPDX-License-Identifier: Apache-2.0
#include "cli/store_holder.h"

#include <poll.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include "cli/text.h"
#include "core/sqlite_store.h"

namespace sparekey {
namespace {

constexpr int kEndMilliseconds = 5000;
constexpr unsigned long long kNearlyFull = 4ULL << 20;  // bytes

std::string ExecutableOf(pid_t pid) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/" + std::to_string(pid) + "/exe";
  const ssize_t length = readlink(link.c_str(), path.data(), path.size());
  return length <= 0 ? "" : std::string(path.data(), static_cast<std::size_t>(length));
}

// proc(5): the state follows the name, which is in parentheses and may hold anything.
std::string StateOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t end = line.rfind(") ");
  if (end == std::string::npos || end + 2 >= line.size()) return "";
  switch (line[end + 2]) {
    case 'R':
      return "running";
    case 'S':
    case 'I':
      return "sleeping";
    case 'D':
      return "waiting for a device";
    case 'T':
      return "stopped";
    case 't':
      return "stopped by a debugger";
    case 'Z':
      return "ended, not collected by its parent";
    default:
      return std::string("state ") + line[end + 2];
  }
}

Error SystemError(const std::string& what) {
  return {ErrorCode::kUnavailable, what + ": " + std::strerror(errno)};
}

Status KillAndWait(int pidfd, pid_t pid) {
  const std::string name = "process " + std::to_string(pid);
  if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0) != 0 && errno != ESRCH) {
    return SystemError("cannot end " + name);
  }
  pollfd ended{pidfd, POLLIN, 0};
  if (poll(&ended, 1, kEndMilliseconds) == 1) return Ok();
  return Error{ErrorCode::kUnavailable, name + " does not end; it may wait for a broken device"};
}

}  // namespace

std::string DescribeHolder(pid_t pid) {
  if (pid <= 0) return "a process outside this pid namespace";
  std::string text = "process " + std::to_string(pid);
  const std::string executable = ExecutableOf(pid);
  if (!executable.empty()) text += " (" + Escape(executable) + ')';
  const std::string state = StateOf(pid);
  return state.empty() ? text : text + ", " + state;
}

Status EndHolder(const std::string& state_dir, pid_t pid) {
  if (pid <= 0) return Error{ErrorCode::kUnavailable, "the process cannot be ended from here"};
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0 && errno == ESRCH) return Ok();
  if (pidfd < 0) return SystemError("cannot reach process " + std::to_string(pid));
  // From here on the number cannot be given to another process unnoticed.
  const bool holds = FindStoreOwner(state_dir) == pid;
  const Status status = holds ? KillAndWait(pidfd, pid) : Ok();
  close(pidfd);
  return status;
}

bool IsDiskFull(const std::string& state_dir) {
  struct statvfs disk {};
  if (statvfs(state_dir.c_str(), &disk) != 0) return false;
  return static_cast<unsigned long long>(disk.f_bfree) * disk.f_frsize < kNearlyFull ||
         (disk.f_files != 0 && disk.f_ffree == 0);
}

bool HasReserve(const std::string& state_dir) {
  return access((state_dir + '/' + kReserveFile).c_str(), F_OK) == 0;
}

bool MakeRoomOnFullDisk(const std::string& state_dir) {
  if (!IsDiskFull(state_dir)) return false;
  if (unlink((state_dir + '/' + kReserveFile).c_str()) != 0) return false;
  Say("The disk is full: the reserve file was given up. Make room soon.");
  return true;
}

}  // namespace sparekey
