// SPDX-License-Identifier: Apache-2.0
#include "tests/support/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/processes.h"

namespace sparekey::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::seconds kLongest{30};

[[noreturn]] void Execute(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execv(words[0], words.data());
  _exit(126);
}

int Collect(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

struct Pipe {
  Pipe() { EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0); }
  ~Pipe() {
    CloseEnd(0);
    CloseEnd(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void CloseEnd(std::size_t end) {
    if (ends[end] >= 0) close(ends[end]);
    ends[end] = -1;
  }
  std::array<int, 2> ends{};
};

// Appends what there is; false at the end.
bool Drain(int fd, std::string& text) {
  std::array<char, 4096> bytes{};
  const ssize_t got = read(fd, bytes.data(), bytes.size());
  if (got > 0) text.append(bytes.data(), static_cast<std::size_t>(got));
  return got > 0;
}

// Feeds and reads until both outputs are closed; ends a program that takes too long.
void Exchange(pid_t pid, Pipe& in, Pipe& out, Pipe& err, std::string input, ProgramResult& result) {
  const auto end = Clock::now() + kLongest;
  bool killed = false;
  while (out.ends[0] >= 0 || err.ends[0] >= 0) {
    if (input.empty()) in.CloseEnd(1);
    std::array<pollfd, 3> waits{
        {{in.ends[1], POLLOUT, 0}, {out.ends[0], POLLIN, 0}, {err.ends[0], POLLIN, 0}}};
    poll(waits.data(), waits.size(), 100);
    if (!killed && Clock::now() > end) killed = CheckedKill(pid, SIGKILL) == 0;
    if ((waits[0].revents & POLLOUT) != 0) {
      const ssize_t written = write(in.ends[1], input.data(), input.size());
      if (written > 0) input.erase(0, static_cast<std::size_t>(written));
    } else if (waits[0].revents != 0) {
      input.clear();
    }
    if (waits[1].revents != 0 && !Drain(out.ends[0], result.out)) out.CloseEnd(0);
    if (waits[2].revents != 0 && !Drain(err.ends[0], result.err)) err.CloseEnd(0);
  }
}

}  // namespace

ProgramResult RunProgram(const std::vector<std::string>& command, const std::string& input) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe in;
  Pipe out;
  Pipe err;
  const pid_t pid = CheckedFork();
  if (pid == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    dup2(in.ends[0], 0);
    dup2(out.ends[1], 1);
    dup2(err.ends[1], 2);
    Execute(command);
  }
  in.CloseEnd(0);
  out.CloseEnd(1);
  err.CloseEnd(1);
  ProgramResult result;
  Exchange(pid, in, out, err, input, result);
  result.status = Collect(pid);
  return result;
}

TerminalProgram::TerminalProgram(const std::vector<std::string>& command)
    : TerminalProgram([&command]() -> int { Execute(command); }) {}

TerminalProgram::TerminalProgram(const std::function<int()>& body) {
  pid_ = forkpty(&master_, nullptr, nullptr, nullptr);
  if (pid_ == 0) _exit(body());
  EXPECT_GT(pid_, 0);
  fcntl(master_, F_SETFD, FD_CLOEXEC);
}

TerminalProgram::~TerminalProgram() {
  if (pid_ > 0) {
    CheckedKill(pid_, SIGKILL);
    Collect(pid_);
  }
  close(master_);
}

bool TerminalProgram::Read(int milliseconds) {
  pollfd wait{master_, POLLIN, 0};
  if (poll(&wait, 1, milliseconds) <= 0) return true;
  return Drain(master_, shown_);
}

bool TerminalProgram::WaitFor(const std::string& text) {
  const auto end = Clock::now() + kPatience;
  while (true) {
    const std::size_t at = shown_.find(text, seen_);
    if (at != std::string::npos) {
      seen_ = at + text.size();
      return true;
    }
    if (Clock::now() > end || !Read(100)) return false;
  }
}

void TerminalProgram::Type(const std::string& text) {
  EXPECT_EQ(write(master_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

void TerminalProgram::Resize(unsigned short rows, unsigned short columns) {
  const winsize size{rows, columns, 0, 0};
  EXPECT_EQ(ioctl(master_, TIOCSWINSZ, &size), 0);
}

bool TerminalProgram::WaitForEcho(bool echo) {
  const auto end = Clock::now() + kPatience;
  termios state{};
  while (tcgetattr(master_, &state) == 0 && Clock::now() < end) {
    if (((state.c_lflag & ECHO) != 0) == echo) return true;
    Read(5);
  }
  return false;
}

int TerminalProgram::Wait() {
  const auto end = Clock::now() + kLongest;
  while (Read(100)) {
    if (Clock::now() > end) CheckedKill(pid_, SIGKILL);
  }
  const int status = Collect(pid_);
  pid_ = -1;
  return status;
}

TestFolder::TestFolder() {
  std::string name = std::filesystem::temp_directory_path() / "sparekey-test-XXXXXX";
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace sparekey::testing
