// SPDX-License-Identifier: Apache-2.0
#include "service/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace sparekey {
namespace {

using SteadyClock = std::chrono::steady_clock;

Error PipeFailed() {
  return {ErrorCode::kUnavailable, std::string("pipe: ") + std::strerror(errno)};
}

struct SpawnPlan {
  SpawnPlan() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void Give(int fd, int as) {
    if (fd >= 0) {
      posix_spawn_file_actions_adddup2(&files, fd, as);
    } else {
      posix_spawn_file_actions_addopen(&files, as, "/dev/null", O_RDWR, 0);
    }
  }

  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
};

}  // namespace

Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return PipeFailed();
  std::array<UniqueFd, 2> high{UniqueFd(ends[0]), UniqueFd(ends[1])};
  for (UniqueFd& end : high) {
    if (end.get() > STDERR_FILENO) continue;
    UniqueFd moved(fcntl(end.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!moved) return PipeFailed();
    end = std::move(moved);
  }
  return Pipe{std::move(high[0]), std::move(high[1])};
}

Result<pid_t> SpawnAlone(const std::vector<std::string>& command, const ChildFiles& files) {
  SpawnPlan plan;
  plan.Give(files.in, STDIN_FILENO);
  plan.Give(files.out, STDOUT_FILENO);
  plan.Give(files.error, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&plan.files, STDERR_FILENO + 1);
  posix_spawn_file_actions_addchdir_np(&plan.files, "/");
  sigset_t none{};
  sigset_t all{};
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &all);
  posix_spawnattr_setflags(&plan.attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 2> environment{path.data(), nullptr};
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, words[0], &plan.files, &plan.attributes, words.data(), environment.data());
  if (error == 0) return pid;
  return Error{ErrorCode::kUnavailable, command[0] + ": " + std::strerror(error)};
}

Child::Child(pid_t pid) : pid_(pid), pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}

Child::~Child() {
  if (pid_ > 0) Kill();
}

void Child::Kill() const { kill(-pid_, SIGKILL); }

bool Child::WaitFor(int stop, std::chrono::milliseconds time) const {
  const auto end = SteadyClock::now() + time;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - SteadyClock::now());
    const int wait = time.count() < 0 ? -1 : static_cast<int>(std::max<long>(left.count(), 0));
    std::array<pollfd, 2> waits{{{pidfd_.get(), POLLIN, 0}, {stop, POLLIN, 0}}};
    const int ready = poll(waits.data(), waits.size(), wait);
    if (ready > 0) return true;
    if (ready == 0) return false;
  }
}

bool Child::HasEnded() const {
  pollfd wait{pidfd_.get(), POLLIN, 0};
  return !pidfd_ || poll(&wait, 1, 0) == 1;
}

int Child::Reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  pid_ = -1;
  return status;
}

}  // namespace sparekey
