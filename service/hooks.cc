// SPDX-License-Identifier: Apache-2.0
#include "service/hooks.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "core/files.h"
#include "core/unique_fd.h"
#include "service/child_process.h"
#include "service/logging.h"

namespace sparekey {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kGrace{500};       // for a killed one to end
constexpr std::size_t kSaidBytes = 4096;  // kept of what it says
constexpr std::size_t kSaidLines = 5;
constexpr std::size_t kFreeBytes = 64 * 1024;  // read as fast as it writes
constexpr milliseconds kFloodPause{10};        // then a chunk at a time
constexpr std::size_t kMostHooks = 64;

// What editors and packages leave beside a file.
bool IsLeftover(std::string_view name) {
  for (const std::string_view end :
       {"~", ".bak", ".orig", ".swp", ".rpmnew", ".rpmsave", ".rpmorig", ".disabled", ".example"}) {
    if (name.ends_with(end)) return true;
  }
  return name.find(".dpkg-") != name.npos || name.find(".ucf-") != name.npos;
}

bool IsHookName(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  return plain && !IsLeftover(name);
}

bool IsTrusted(const struct stat& info) {
  return (info.st_uid == 0 || info.st_uid == geteuid()) && (info.st_mode & 022) == 0;
}

// Why it is not run; nullopt: it is.
std::optional<std::string> FindObstacle(int folder, const std::string& name) {
  struct stat info {};
  if (!IsHookName(name)) return "has a name that is passed over";
  if (fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::strerror(errno);
  if (S_ISLNK(info.st_mode)) return "is a symbolic link";
  if (!S_ISREG(info.st_mode)) return "is not a regular file";
  if ((info.st_mode & 0111) == 0) return "is not executable";
  if (!IsTrusted(info)) return "must belong to root, and nobody else may write to it";
  return std::nullopt;
}

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

Error CannotRead(const std::string& folder) {
  const bool passes = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
  Error error = SystemError(folder, "read");
  if (passes) error.code = ErrorCode::kBusy;
  return error;
}

Result<Folder> OpenFolder(const std::string& folder) {
  UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!fd || fstat(fd.get(), &info) != 0) return CannotRead(folder);
  if (!IsTrusted(info)) {
    return Error{ErrorCode::kNotAllowed,
                 folder + ": must belong to root, and nobody else may write to it"};
  }
  Folder entries(fdopendir(fd.get()));
  if (!entries) return CannotRead(folder);
  fd.Release();
  return entries;
}

Result<std::vector<std::string>> ListNames(DIR* entries, const std::string& folder) {
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(entries);
    if (entry == nullptr && errno != 0) return CannotRead(folder);
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The input, whole in a pipe whose other end nobody has yet: neither waits nor raises SIGPIPE.
Result<UniqueFd> FillPipe(const std::string& input) {
  auto pipe = MakePipe();
  if (!pipe) return pipe.error();
  fcntl(pipe->to.get(), F_SETFL, O_NONBLOCK);
  if (write(pipe->to.get(), input.data(), input.size()) != std::ssize(input)) {
    return Error{ErrorCode::kUnavailable, "a pipe does not take the event"};
  }
  return std::move(pipe->from);
}

// What a hook says: the beginning is kept, the rest read so that the hook goes on, a flood slowly.
class Ear {
 public:
  explicit Ear(UniqueFd from) : from_(std::move(from)) { fcntl(from_.get(), F_SETFL, O_NONBLOCK); }

  int fd() const { return from_.get(); }
  bool IsFlooded() const { return heard_ > kFreeBytes; }
  // A chunk of what is there.
  void Listen() {
    std::array<char, 16 * 1024> chunk{};
    const ssize_t got = read(from_.get(), chunk.data(), chunk.size());
    if (got == 0) from_ = UniqueFd();
    if (got <= 0) return;
    heard_ += static_cast<std::size_t>(got);
    kept_.append(chunk.data(), std::min(static_cast<std::size_t>(got), kSaidBytes - kept_.size()));
  }
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < kept_.size() && lines.size() < kSaidLines;) {
      const std::size_t end = std::min(kept_.find('\n', at), kept_.size());
      if (end > at) lines.push_back(EscapeForLog(kept_.substr(at, end - at), 300));
      at = end + 1;
    }
    return lines;
  }

 private:
  UniqueFd from_;
  std::string kept_;
  std::size_t heard_ = 0;
};

// Until it has ended, `stop` is readable or the time is over.
void Attend(const Child& child, Ear& ear, int stop, SteadyClock::time_point end) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - SteadyClock::now());
    if (left.count() <= 0) return;
    const int ear_fd = ear.IsFlooded() ? Child::kNobody : ear.fd();
    std::array<pollfd, 3> waits{
        {{child.pidfd(), POLLIN, 0}, {stop, POLLIN, 0}, {ear_fd, POLLIN, 0}}};
    const auto pause = ear.IsFlooded() ? std::min(left, kFloodPause) : left;
    if (poll(waits.data(), waits.size(), static_cast<int>(pause.count())) < 0 && errno != EINTR) {
      return;
    }
    if (waits[0].revents != 0 || waits[1].revents != 0) return;
    ear.Listen();
  }
}

// A killed one that does not die, as on a dead network disk, is waited for until `stop`.
int EndChild(Child& child, int stop, bool ended) {
  child.Kill();
  if (!ended && !child.WaitFor(stop, kGrace)) child.WaitFor(stop, milliseconds(-1));
  if (!child.HasEnded()) child.WaitFor(Child::kNobody, kGrace);
  return child.HasEnded() ? child.Reap() : -1;
}

void Judge(HookRun& run, int status) {
  const bool exited = WIFEXITED(status);
  run.status = exited ? WEXITSTATUS(status) : WTERMSIG(status);
  run.end = !exited ? HookEnd::kKilled : run.status == 0 ? HookEnd::kDone : HookEnd::kFailed;
}

}  // namespace

Result<HookList> FindHooks(const std::string& folder) {
  const Result<Folder> entries = OpenFolder(folder);
  if (!entries && entries.error().code == ErrorCode::kNotFound) return HookList{};
  if (!entries) return entries.error();
  const auto names = ListNames(entries->get(), folder);
  if (!names) return names.error();
  HookList list;
  for (const std::string& name : *names) {
    if (list.names.size() + list.passed_over.size() >= kMostHooks) break;
    if (const auto obstacle = FindObstacle(dirfd(entries->get()), name)) {
      list.passed_over.push_back({EscapeForLog(name, 80), *obstacle});
    } else {
      list.names.push_back(name);
    }
  }
  return list;
}

std::string_view ToString(HookEnd end) {
  constexpr std::array<std::string_view, 6> kEnds = {"done",    "failed",      "killed",
                                                     "timeout", "not_started", "stopped"};
  return kEnds[static_cast<std::size_t>(end)];
}

HookRun RunHook(const std::string& folder, const std::string& name, std::string_view event,
                const std::string& input, milliseconds limit, int stop) {
  HookRun run;
  run.name = name;
  auto in = FillPipe(input);
  auto said = MakePipe();
  Result<pid_t> pid = Error{ErrorCode::kUnavailable, "no pipe"};
  if (in && said) {
    pid = SpawnAlone({folder + "/" + name, std::string(event)}, {in->get(), -1, said->to.get()});
  }
  if (!pid) {
    run.said.push_back(EscapeForLog(pid.error().message, 300));
    return run;
  }
  *in = UniqueFd();
  said->to = UniqueFd();
  const auto begin = SteadyClock::now();
  Child child(*pid);
  Ear ear(std::move(said->from));
  Attend(child, ear, stop, begin + limit);
  const bool ended = child.HasEnded();
  run.time = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begin);
  const bool in_time = run.time < limit;
  const int status = EndChild(child, stop, ended);
  ear.Listen();
  run.said = ear.Lines();
  if (ended) {
    Judge(run, status);
  } else {
    run.end = in_time ? HookEnd::kStopped : HookEnd::kTimeout;
  }
  return run;
}

}  // namespace sparekey
