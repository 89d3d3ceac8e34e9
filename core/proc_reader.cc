// SPDX-License-Identifier: Apache-2.0
// The kernel's and logind's facts about processes and terminals: proc(5), sd-login(3)'s files.
#include <dirent.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "core/local_console.h"
#include "core/unique_fd.h"

namespace sparekey {
namespace {

constexpr std::size_t kMaxFile = 64 * 1024;

// The one of the family that the module looks up when it is loaded.
bool ReadStatus(const std::string& path, struct stat& status, int flags = 0) {
  return fstatat(AT_FDCWD, path.c_str(), &status, flags) == 0;
}

std::string ProcPath(pid_t pid, std::string_view name) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(name);
}

// "" where the file cannot be read whole.
std::string ReadSmallFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return "";
  std::string text;
  std::array<char, 4096> part;
  ssize_t got = 0;
  do {
    got = read(fd.get(), part.data(), part.size());
    if (got > 0) text.append(part.data(), static_cast<std::size_t>(got));
  } while ((got > 0 && text.size() <= kMaxFile) || (got < 0 && errno == EINTR));
  return got == 0 ? text : "";
}

std::optional<std::int64_t> TakeNumber(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// proc(5): "The minor device number is contained in the combination of bits 31 to 20 and 7 to 0;
// the major device number is in bits 15 to 8"; the kernel's new_encode_dev() gives the major 12
// bits. That is also what makedev(3) makes of numbers of this size.
dev_t DecodeTerminal(std::int64_t tty_nr) { return static_cast<std::uint32_t>(tty_nr); }

// "PID (comm) state ppid pgrp session tty_nr …": comm may hold anything, the last ')' ends it.
bool ParseStat(std::string_view stat, ProcReader::Process& process) {
  const auto begin = stat.find('(');
  const auto end = stat.rfind(')');
  if (begin > end || end == std::string_view::npos || stat.size() < end + 4) return false;
  process.name = stat.substr(begin + 1, end - begin - 1);
  stat.remove_prefix(end + 3);  // ") S"
  const auto parent = TakeNumber(stat);
  const auto group = TakeNumber(stat);
  const auto session = TakeNumber(stat);
  const auto terminal = TakeNumber(stat);
  if (!parent || !group || !session || !terminal) return false;
  process.parent = static_cast<pid_t>(*parent);
  process.terminal = DecodeTerminal(*terminal);
  return true;
}

void ReadExecutable(pid_t pid, ProcReader::Process& process) {
  const std::string path = ProcPath(pid, "exe");
  std::array<char, PATH_MAX> target;
  const ssize_t length = readlink(path.c_str(), target.data(), target.size());
  struct stat file {};
  if (length <= 0 || !ReadStatus(path, file)) return;
  process.executable.assign(target.data(), static_cast<std::size_t>(length));
  process.executable_is_roots = file.st_uid == 0 && (file.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// "…/session-ID.scope…" in the line of systemd's hierarchy; "" where there is none.
std::string SessionOf(const std::string& cgroups) {
  static constexpr std::string_view kPrefix = "/session-";
  static constexpr std::string_view kSuffix = ".scope";
  const auto start = cgroups.find(kPrefix);
  if (start == std::string::npos) return "";
  const auto first = start + kPrefix.size();
  const auto last = cgroups.find(kSuffix, first);
  if (last == std::string::npos) return "";
  std::string id = cgroups.substr(first, last - first);
  const bool plain =
      id.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
      std::string::npos;
  return plain ? id : "";
}

bool IsSameNamespace(pid_t pid, std::string_view kind) {
  struct stat theirs {};
  struct stat ours {};
  const std::string name = "ns/" + std::string(kind);
  return ReadStatus(ProcPath(pid, name), theirs) && ReadStatus("/proc/self/" + name, ours) &&
         theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

// A folder's entries; none where it cannot be read.
class Entries {
 public:
  explicit Entries(const char* folder) : count_(scandir(folder, &entries_, nullptr, nullptr)) {}
  ~Entries() {
    for (dirent* entry : all()) std::free(entry);
    std::free(entries_);
  }
  Entries(const Entries&) = delete;
  Entries& operator=(const Entries&) = delete;

  std::span<dirent* const> all() const {
    return {entries_, static_cast<std::size_t>(std::max(count_, 0))};
  }

 private:
  dirent** entries_ = nullptr;
  int count_;
};

class KernelProc final : public ProcReader {
 public:
  std::optional<Process> ReadProcess(pid_t pid) const override {
    Process process;
    if (!ParseStat(ReadSmallFile(ProcPath(pid, "stat")), process)) return std::nullopt;
    ReadExecutable(pid, process);
    return process;
  }

  std::vector<Node> ListNodes() const override {
    std::vector<Node> nodes;
    const Entries entries("/dev");
    for (const dirent* entry : entries.all()) {
      struct stat file {};
      const std::string path = std::string("/dev/") + entry->d_name;
      if (!ReadStatus(path, file, AT_SYMLINK_NOFOLLOW) || !S_ISCHR(file.st_mode)) continue;
      nodes.push_back({entry->d_name, file.st_rdev, file.st_uid, file.st_mode});
    }
    return nodes;
  }

  bool IsRemoteSession(pid_t pid) const override {
    const std::string session = SessionOf(ReadSmallFile(ProcPath(pid, "cgroup")));
    if (session.empty()) return false;
    const std::string facts = "\n" + ReadSmallFile("/run/systemd/sessions/" + session);
    return facts.find("\nREMOTE=1\n") != std::string::npos;
  }

  bool IsInOwnNamespaces(pid_t pid) const override {
    return IsSameNamespace(pid, "user") && IsSameNamespace(pid, "pid");
  }

  std::optional<dev_t> ReadDevice(pid_t pid, int fd) const override {
    struct stat file {};
    const std::string path = ProcPath(pid, "fd/" + std::to_string(fd));
    if (!ReadStatus(path, file) || !S_ISCHR(file.st_mode)) return std::nullopt;
    return file.st_rdev;
  }
};

}  // namespace

const ProcReader& RealProc() {
  static constexpr KernelProc kProc;
  return kProc;
}

}  // namespace sparekey
