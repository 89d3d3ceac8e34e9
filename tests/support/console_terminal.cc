// SPDX-License-Identifier: Apache-2.0
#include "tests/support/console_terminal.h"

#include <fcntl.h>
#include <linux/vt.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "core/local_console.h"
#include "tests/support/processes.h"

namespace sparekey {
namespace {

constexpr int kFirstSpare = 40;  // no distribution starts a getty from here on
constexpr int kLastSpare = 63;

std::vector<std::string> Candidates() {
  std::vector<std::string> paths;
  for (int i = kLastSpare; i >= kFirstSpare; --i) paths.push_back("/dev/tty" + std::to_string(i));
  paths.insert(paths.end(), {"/dev/tty1", "/dev/ttyS0", "/dev/hvc0"});
  return paths;
}

bool IsPrivate(int fd) {
  struct stat node {};
  return fstat(fd, &node) == 0 && (node.st_mode & (S_IRGRP | S_IROTH)) == 0;
}

std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 1024> part;
  for (ssize_t got = 0; (got = read(fd, part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

// `work` in a grandchild, whose parent is gone before it begins.
std::string RunApart(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return "no pipe";
  const pid_t child = CheckedFork();
  if (child == 0) {
    if (CheckedFork() != 0) _exit(0);
    LeaveLogin();
    const std::string answer = work();
    const bool whole =
        write(ends[1], answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
    _exit(whole ? 0 : 1);
  }
  close(ends[1]);
  waitpid(child, nullptr, 0);
  std::string answer = ReadAll(ends[0]);
  close(ends[0]);
  return answer;
}

}  // namespace

void LeaveLogin() {
  const pid_t parent = getppid();
  setsid();
  // A parent that is still there is about to end.
  for (int i = 0; i < 100000 && getppid() == parent && parent != 1; ++i) sched_yield();
  if (!RealProc().IsRemoteSession(getpid())) return;
  const int fd = open("/sys/fs/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, "0", 1) != 1) std::abort();
  close(fd);
}

std::string TakeConsoleTerminal() {
  for (const auto& path : Candidates()) {
    const int fd = open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) continue;
    const bool taken = IsPrivate(fd) && ioctl(fd, TIOCSCTTY, 0) == 0;
    if (taken) {
      dup2(fd, 0);
      dup2(fd, 1);
    }
    close(fd);
    if (taken) return path;
  }
  return "";
}

void FreeConsoleTerminal(const std::string& path) {
  if (!path.starts_with("/dev/tty")) return;
  const int number = std::atoi(path.c_str() + 8);
  if (number < kFirstSpare || number > kLastSpare) return;
  const int fd = open("/dev/tty0", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return;
  // Refused while it is in use, which is as well.
  (void)ioctl(fd, VT_DISALLOCATE, number);
  close(fd);
}

std::string RunAtConsole(const std::function<std::string()>& work) {
  const std::string answer = RunApart([&]() -> std::string {
    const std::string terminal = TakeConsoleTerminal();
    return terminal.empty() ? "\nno terminal" : terminal + "\n" + work();
  });
  const auto end = answer.find('\n');
  if (end == std::string::npos) return answer;
  FreeConsoleTerminal(answer.substr(0, end));
  return answer.substr(end + 1);
}

std::string RunAsDaemon(const std::function<std::string()>& work) { return RunApart(work); }

}  // namespace sparekey
