// SPDX-License-Identifier: Apache-2.0
#include "cli/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>
#include <sstream>

#include "core/files.h"
#include "core/local_console.h"
#include "version.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostRead = std::size_t{1} << 20;
constexpr std::chrono::seconds kCommandTime{10};

FileKind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kFile;
  if (S_ISDIR(mode)) return FileKind::kFolder;
  if (S_ISLNK(mode)) return FileKind::kLink;
  return S_ISSOCK(mode) ? FileKind::kSocket : FileKind::kOther;
}

FileFacts Look(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0) {
    return {KindOf(info.st_mode), info.st_uid, info.st_mode & 07777};
  }
  return {errno == ENOENT || errno == ENOTDIR ? FileKind::kMissing : FileKind::kHidden, 0, 0};
}

std::optional<DiskFacts> Measure(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return std::nullopt;
  return DiskFacts{std::uint64_t{info.f_bfree} * info.f_frsize, info.f_ffree, info.f_files != 0};
}

std::vector<TerminalProcess> ListTerminals() {
  std::vector<TerminalProcess> found;
  const auto nodes = RealProc().ListNodes();
  DIR* const folder = opendir("/proc");
  if (folder == nullptr) return found;
  while (const dirent* entry = readdir(folder)) {
    pid_t pid = 0;
    const std::string_view name = entry->d_name;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    const auto process = RealProc().ReadProcess(pid);
    if (!process || process->terminal == 0) continue;
    for (const auto& node : nodes) {
      if (node.device == process->terminal) found.push_back({process->name, node.name});
    }
  }
  closedir(folder);
  return found;
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{-1, -1};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
  }
  UniqueFd read, write;
};

// What both pipes bring until they end. false: the time was over.
bool ReadBoth(int out, int err, CommandResult& result) {
  const auto end = std::chrono::steady_clock::now() + kCommandTime;
  std::array<pollfd, 2> ends{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    if (poll(ends.data(), ends.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) {
      return false;
    }
    for (pollfd& side : ends) {
      if (side.fd < 0 || side.revents == 0) continue;
      std::array<char, 4096> piece;
      const ssize_t bytes = read(side.fd, piece.data(), piece.size());
      std::string& text = &side == ends.data() ? result.out : result.err;
      if (bytes > 0 && text.size() < kMostRead) {
        text.append(piece.data(), static_cast<std::size_t>(bytes));
      }
      if (bytes <= 0) side.fd = -1;
    }
  }
  return true;
}

// The process, or 0.
pid_t Spawn(const std::vector<std::string>& command, int out, int err) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t settings;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&settings);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&settings, &defaults);
  posix_spawnattr_setflags(&settings, POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  // Nothing of the caller's environment.
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  char locale[] = "LC_ALL=C";
  std::array<char*, 3> environment{path, locale, nullptr};
  pid_t pid = 0;
  const int failed =
      posix_spawn(&pid, words[0], &files, &settings, words.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&settings);
  return failed == 0 ? pid : 0;
}

CommandResult RunCommand(const std::vector<std::string>& command) {
  CommandResult result;
  Pipe out, err;
  if (!out.write || !err.write) return result;
  const pid_t pid = Spawn(command, out.write.get(), err.write.get());
  out.write = UniqueFd();
  err.write = UniqueFd();
  if (pid == 0) return result;
  const bool ended = ReadBoth(out.read.get(), err.read.get(), result);
  if (!ended) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (ended && WIFEXITED(status)) result.status = WEXITSTATUS(status);
  return result;
}

bool IsClockSynchronised() {
  timex clock{};  // modes = 0: look only
  const int state = adjtimex(&clock);
  return state >= 0 && state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
}

}  // namespace

std::optional<std::string> System::Read(const std::string& path) const {
  std::ifstream file(root + path, std::ios::binary);
  std::string text(kMostRead, '\0');
  if (!file) return std::nullopt;
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) return std::nullopt;
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::vector<std::string> System::List(const std::string& pattern) const {
  std::vector<std::string> paths;
  glob_t found{};
  if (glob((root + pattern).c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      paths.push_back(std::string(found.gl_pathv[i]).substr(root.size()));
    }
  }
  globfree(&found);
  return paths;
}

System RealSystem() {
  System system;
  system.user = geteuid();
  system.now = ReadClock();
  system.built = TimePoint(std::chrono::seconds(kReleaseDate));
  system.clock_synchronised = IsClockSynchronised();
  system.run = RunCommand;
  system.look = Look;
  system.measure = Measure;
  system.list_terminals = ListTerminals;
  return system;
}

std::vector<std::string> PlainLines(const std::string& text) {
  constexpr std::string_view kBlank = " \t\r\f\v";  // all that SplitWords takes for blanks
  std::vector<std::string> lines;
  std::istringstream stream(text);
  std::string whole;
  for (std::string line; std::getline(stream, line);) {
    line.erase(std::min(line.find('#'), line.size()));
    const auto last = line.find_last_not_of(kBlank);
    const bool goes_on = last != std::string::npos && line[last] == '\\';
    line.resize(last == std::string::npos ? 0 : goes_on ? last : last + 1);
    line.erase(0, std::min(line.find_first_not_of(kBlank), line.size()));
    whole += (whole.empty() || line.empty() ? "" : " ") + line;
    if (goes_on) continue;
    if (!whole.empty()) lines.push_back(whole);
    whole.clear();
  }
  if (!whole.empty()) lines.push_back(whole);
  return lines;
}

std::vector<std::string> SplitWords(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> SplitFields(const std::string& line, char separator) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == separator) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

}  // namespace sparekey
