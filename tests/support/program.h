// SPDX-License-Identifier: Apache-2.0
// Running a real program in a test: with pipes, or on a pseudo-terminal. Whatever happens, no
// process outlives the test.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace sparekey::testing {

struct ProgramResult {
  int status = -1;  // exit status, or 1000 + signal
  std::string out, err;
};

// Ended after 30 s. `input` is its whole standard input.
ProgramResult RunProgram(const std::vector<std::string>& command, const std::string& input = "");

class TerminalProgram {
 public:
  explicit TerminalProgram(const std::vector<std::string>& command);
  // Runs `body` in the child and exits with what it returns.
  explicit TerminalProgram(const std::function<int()>& body);
  ~TerminalProgram();
  TerminalProgram(const TerminalProgram&) = delete;
  TerminalProgram& operator=(const TerminalProgram&) = delete;

  // Waits (10 s at most) until `text` was shown after what the last call waited for.
  bool WaitFor(const std::string& text);
  void Type(const std::string& text);
  void Resize(unsigned short rows, unsigned short columns);
  // Waits until the terminal echoes what is typed, or does not.
  bool WaitForEcho(bool echo);
  pid_t pid() const { return pid_; }
  // Reads to the end; the exit status, or 1000 + signal.
  int Wait();
  const std::string& shown() const { return shown_; }

 private:
  bool Read(int milliseconds);
  pid_t pid_ = -1;
  int master_ = -1;
  std::string shown_;
  std::size_t seen_ = 0;
};

// A folder of this test, removed with everything in it.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

std::string ReadWholeFile(const std::string& path);

}  // namespace sparekey::testing
