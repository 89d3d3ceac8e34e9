// SPDX-License-Identifier: Apache-2.0
// Facts about processes as a test states them, in the place of the kernel's.
#pragma once

#include <sys/sysmacros.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/local_console.h"

namespace sparekey {

inline constexpr dev_t kNone = 0;
inline const dev_t kTty1 = makedev(4, 1);
inline const dev_t kTtyS0 = makedev(4, 64);
inline const dev_t kHvc0 = makedev(229, 0);
inline const dev_t kConsole = makedev(5, 1);
inline dev_t Pts(unsigned number) { return makedev(136, number); }

struct Runs {
  std::string program;  // a bare name means root's /usr/bin/NAME
  dev_t terminal;
  bool is_roots = true;
};

class RecordedProc final : public ProcReader {
 public:
  static constexpr pid_t kCaller = 1000;

  // The caller first, then its parents; the last one is PID 1.
  explicit RecordedProc(const std::vector<Runs>& chain) {
    for (std::size_t i = 0; i < chain.size(); ++i) {
      const bool last = i + 1 == chain.size();
      const pid_t pid = last && i > 0 ? 1 : kCaller - static_cast<pid_t>(i);
      const pid_t parent = last ? 0 : i + 2 == chain.size() ? 1 : pid - 1;
      const auto& [program, terminal, is_roots] = chain[i];
      const bool bare = !program.empty() && program.find('/') == std::string::npos;
      processes[pid] = {parent, terminal, bare ? "/usr/bin/" + program : program, is_roots, "x"};
    }
    nodes = {{"console", kConsole, 0, 0600},   {"tty", makedev(5, 0), 0, 0666},
             {"tty0", makedev(4, 0), 0, 0620}, {"tty1", kTty1, 0, 0600},
             {"ttyS0", kTtyS0, 0, 0660},       {"hvc0", kHvc0, 0, 0600},
             {"ptmx", makedev(5, 2), 0, 0666}, {"null", makedev(1, 3), 0, 0666}};
  }

  std::optional<Process> ReadProcess(pid_t pid) const override {
    const auto found = processes.find(pid);
    if (found == processes.end()) return std::nullopt;
    return found->second;
  }
  std::vector<Node> ListNodes() const override { return nodes; }
  bool IsRemoteSession(pid_t pid) const override { return remote.contains(pid); }
  bool IsInOwnNamespaces(pid_t pid) const override { return !foreign.contains(pid); }
  std::optional<dev_t> ReadDevice(pid_t pid, int fd) const override {
    const auto found = devices.find({pid, fd});
    if (found == devices.end()) return std::nullopt;
    return found->second;
  }

  // Standard input and output of the caller.
  RecordedProc& WithFiles(dev_t input, dev_t output) {
    devices[{kCaller, 0}] = input;
    devices[{kCaller, 1}] = output;
    return *this;
  }

  std::map<pid_t, Process> processes;
  std::vector<Node> nodes;
  std::set<pid_t> remote, foreign;
  std::map<std::pair<pid_t, int>, dev_t> devices;
};

}  // namespace sparekey
