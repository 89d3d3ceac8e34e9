// SPDX-License-Identifier: Apache-2.0
#include "service/session_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <functional>
#include <sstream>

#include "core/local_console.h"
#include "core/unique_fd.h"

namespace sparekey {
namespace {

constexpr char kLogindFolder[] = "/run/systemd/sessions";
constexpr std::size_t kMostText = 16 * 1024;

std::string ProcPath(pid_t pid, std::string_view name) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(name);
}

// "" where it cannot be read; at most kMostText of it.
std::string ReadText(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  std::string text(kMostText, '\0');
  std::size_t length = 0;
  while (fd && length < text.size()) {
    const ssize_t got = read(fd.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  text.resize(length);
  return text;
}

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// The rest of the first line that begins so.
std::optional<std::string_view> FindLine(std::string_view text, std::string_view begin) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(begin)) return line.substr(begin.size());
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return std::nullopt;
}

// False: the folder cannot be opened.
bool VisitFiles(const char* folder, const std::function<void(const char* name)>& visit) {
  const auto close = [](DIR* opened) { closedir(opened); };
  const std::unique_ptr<DIR, decltype(close)> opened(opendir(folder), close);
  if (!opened) return false;
  while (const dirent* entry = readdir(opened.get())) visit(entry->d_name);
  return true;
}

bool VisitProcesses(const std::function<void(pid_t)>& visit) {
  return VisitFiles("/proc", [&visit](std::string_view name) {
    const bool is_number = name.find_first_not_of("0123456789") == std::string_view::npos;
    if (const auto pid = ParseNumber<pid_t>(name); pid && is_number) visit(*pid);
  });
}

// By the link alone, which costs one call: most processes run something else.
bool MayBeSshd(pid_t pid) {
  std::array<char, 512> target{};
  const ssize_t length = readlink(ProcPath(pid, "exe").c_str(), target.data(), target.size());
  return length > 0 && IsSshServer({target.data(), static_cast<std::size_t>(length)});
}

std::optional<uid_t> ReadUid(pid_t pid) {
  const std::string status = ReadText(ProcPath(pid, "status"));
  const auto uids = FindLine(status, "Uid:\t");
  return uids ? ParseNumber<uid_t>(*uids) : std::nullopt;
}

std::optional<SshProcess> ReadSshProcess(pid_t pid) {
  SshProcess process;
  const auto start = ReadStartTime(pid);
  const auto facts = RealProc().ReadProcess(pid);
  const auto uid = ReadUid(pid);
  if (!start || !facts || !uid) return std::nullopt;
  process.id = {pid, *start};
  process.parent = facts->parent;
  process.uid = *uid;
  process.executable = facts->executable;
  process.executable_is_roots = facts->executable_is_roots;
  process.in_own_namespaces = RealProc().IsInOwnNamespaces(pid);
  process.title = ReadText(ProcPath(pid, "cmdline")).c_str();  // up to the first NUL
  if (ReadStartTime(pid) != start) return std::nullopt;        // it ended meanwhile
  return process;
}

class PidfdProcess final : public HeldProcess {
 public:
  explicit PidfdProcess(UniqueFd fd) : fd_(std::move(fd)) {}

  bool HasEnded() override {
    pollfd ready{fd_.get(), POLLIN, 0};
    return poll(&ready, 1, 0) == 1;
  }

  Status Signal(int number) override {
    // By number: glibc 2.36 declares the function without C linkage.
    if (syscall(SYS_pidfd_send_signal, fd_.get(), number, nullptr, 0) == 0) return Ok();
    if (errno == ESRCH) return Ok();
    return Error{ErrorCode::kUnavailable, std::string("pidfd_send_signal: ") + strerror(errno)};
  }

 private:
  UniqueFd fd_;
};

class KernelSessions final : public SessionSystem {
 public:
  explicit KernelSessions(bool whole_machine) : whole_machine_(whole_machine) {}

  std::vector<SshProcess> ListSshProcesses() override {
    std::vector<SshProcess> found;
    if (!whole_machine_) return found;
    bool saw_all = true;
    const bool visited = VisitProcesses([&](pid_t pid) {
      if (!MayBeSshd(pid)) return;
      if (auto process = ReadSshProcess(pid)) {
        found.push_back(std::move(*process));
      } else if (MayBeSshd(pid)) {  // still: it did not end meanwhile
        saw_all = false;
      }
    });
    saw_all_ = visited && saw_all;
    return found;
  }

  bool SawAll() override { return saw_all_; }

  std::vector<LogindSession> ListLogindSessions() override {
    std::vector<LogindSession> found;
    if (!whole_machine_) return found;
    VisitFiles(kLogindFolder, [&found](const char* name) {  // "7", "c7", and "7.ref", a pipe
      const std::string path = std::string(kLogindFolder) + "/" + name;
      if (const auto session = ParseLogindSession(ReadText(path))) found.push_back(*session);
    });
    return found;
  }

  std::vector<TerminalUse> ListTerminals() override {
    std::vector<TerminalUse> found;
    VisitProcesses([&found](pid_t pid) {
      const auto facts = RealProc().ReadProcess(pid);
      if (facts) found.push_back({pid, facts->parent, facts->terminal});
    });
    return found;
  }

  // The pidfd first, then who it is: a number that was given to somebody else is left alone. The
  // first process and sparekeyd itself are nobody's session, whoever says so.
  Result<std::unique_ptr<HeldProcess>> Hold(const ProcessId& id) override {
    if (id.pid <= 1 || id.pid == getpid()) return std::unique_ptr<HeldProcess>();
    UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, id.pid, 0)));
    if (!fd && errno == ESRCH) return std::unique_ptr<HeldProcess>();
    if (!fd) {
      return Error{ErrorCode::kUnavailable, std::string("pidfd_open: ") + strerror(errno)};
    }
    auto process = std::make_unique<PidfdProcess>(std::move(fd));
    const auto start = ReadStartTime(id.pid);
    if (start ? *start != id.start_time : process->HasEnded()) {
      return std::unique_ptr<HeldProcess>();
    }
    if (!start) return Error{ErrorCode::kUnavailable, "/proc cannot be read"};
    return std::unique_ptr<HeldProcess>(std::move(process));
  }

  bool Tell(dev_t terminal, uid_t owner, std::string_view line) override {
    const std::string path = "/dev/pts/" + std::to_string(minor(terminal));
    const UniqueFd fd(
        open(path.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    struct stat file {};
    if (!fd || fstat(fd.get(), &file) != 0 || !S_ISCHR(file.st_mode)) return false;
    if (file.st_rdev != terminal || file.st_uid != owner) return false;
    return write(fd.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
  }

 private:
  const bool whole_machine_;
  bool saw_all_ = true;
};

}  // namespace

std::optional<LogindSession> ParseLogindSession(std::string_view text) {
  if (FindLine(text, "STATE=") == "closing") return std::nullopt;  // its leader has ended
  const auto leader = ParseNumber<pid_t>(FindLine(text, "LEADER=").value_or(""));
  const auto uid = ParseNumber<uid_t>(FindLine(text, "UID=").value_or(""));
  if (!leader || *leader <= 0 || !uid) return std::nullopt;
  return LogindSession{*leader, *uid};
}

std::optional<std::uint64_t> ReadStartTime(pid_t pid) {
  const std::string text = ReadText(ProcPath(pid, "stat"));
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  std::string field;
  rest >> field;
  if (field == "Z" || field == "X") return std::nullopt;
  for (int number = 4; number < 22; ++number) rest >> field;
  std::uint64_t start = 0;
  if (!(rest >> start)) return std::nullopt;
  return start;
}

bool MayLive(const ProcessId& id) {
  if (const auto start = ReadStartTime(id.pid)) return *start == id.start_time;
  return id.pid > 0 && (kill(id.pid, 0) == 0 || errno != ESRCH);
}

std::unique_ptr<SessionSystem> MakeSessionSystem(bool whole_machine) {
  return std::make_unique<KernelSessions>(whole_machine);
}

}  // namespace sparekey
