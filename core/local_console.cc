// SPDX-License-Identifier: Apache-2.0
#include "core/local_console.h"

#include <fnmatch.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace sparekey {
namespace {

using Process = ProcReader::Process;

// More parents than any login has: a longer chain is somebody's trick.
constexpr std::size_t kMaxAncestors = 1024;
constexpr std::string_view kDeleted = " (deleted)";

struct Link {
  pid_t pid;
  Process process;
};

std::string_view ProgramName(std::string_view executable) {
  if (executable.ends_with(kDeleted)) executable.remove_suffix(kDeleted.size());
  return executable.substr(executable.rfind('/') + 1);
}

std::string ProgramOf(const Process& process) {
  return process.executable.empty() ? process.name : std::string(ProgramName(process.executable));
}

// May stand between two terminals of one login: what it shows comes from the upper one.
bool PassesTerminalOn(const Process& process) {
  static constexpr std::array<std::string_view, 4> kNames{"sudo", "su", "runuser", "script"};
  return process.executable_is_roots &&
         std::ranges::find(kNames, ProgramName(process.executable)) != kNames.end();
}

// Unix98 slaves (Documentation/admin-guide/devices.txt), and BSD's, which no login uses. The
// kernel's majors have 12 bits; major(3) is a call into libc where code is compiled for size.
bool IsPseudoTerminal(dev_t device) {
  const auto number = (device >> 8) & 0xfff;
  return (number >= 136 && number <= 143) || number == 3;
}

// The process first, then its parents up to the one without a parent.
std::optional<std::vector<Link>> ReadAncestry(const ProcReader& proc, pid_t pid) {
  std::vector<Link> chain;
  while (pid > 0) {
    auto process = proc.ReadProcess(pid);
    if (!process || chain.size() == kMaxAncestors) return std::nullopt;
    const pid_t parent = process->parent;
    chain.push_back({pid, *std::move(process)});
    pid = parent;
  }
  if (chain.empty()) return std::nullopt;
  return chain;
}

// Step 3. "" where nothing remote was found.
std::string RemoteReason(const ProcReader& proc, const std::vector<Link>& chain) {
  for (const auto& [pid, process] : chain) {
    const std::string program = ProgramOf(process);
    if (IsSshServer(program) || program == "sparekey-web") {
      return "the process runs below " + program;
    }
    if (proc.IsRemoteSession(pid)) return "the login session is a remote one";
  }
  return "";
}

struct Origin {
  dev_t terminal = 0;
  std::string reason;  // why there is none
};

// Step 1.
Origin FindOrigin(const std::vector<Link>& chain) {
  dev_t below = chain.front().process.terminal;
  for (const auto& [pid, process] : chain) {
    if (process.terminal == 0) {
      return {0, pid == chain.front().pid ? "the process has no terminal"
                                          : "the pseudo-terminal belongs to a background process"};
    }
    if (process.terminal != below && !PassesTerminalOn(process)) {
      return {0, "the pseudo-terminal belongs to " + ProgramOf(process) +
                     ": detach from it or leave it first"};
    }
    if (!IsPseudoTerminal(process.terminal)) return {process.terminal, ""};
    below = process.terminal;
  }
  return {0, "the pseudo-terminal comes from outside"};
}

bool IsConfigured(const ConsoleConfig& config, const std::string& node) {
  return std::ranges::any_of(config.ttys, [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), node.c_str(), FNM_PATHNAME) == 0;
  });
}

bool IsPrivate(const ProcReader::Node& node) { return (node.mode & (S_IRGRP | S_IROTH)) == 0; }

Locality NotLocal(std::string reason) {
  Locality answer;
  answer.reason = std::move(reason);
  return answer;
}

// Step 2.
Locality FindNode(const ProcReader& proc, const ConsoleConfig& config, dev_t terminal) {
  Locality found;
  found.node_is_private = true;
  for (const auto& node : proc.ListNodes()) {
    if (node.device != terminal) continue;
    found.node_is_private = found.node_is_private && IsPrivate(node);
    if (found.local || !IsConfigured(config, node.name)) continue;
    found.local = true;
    found.terminal = node.name;
  }
  if (!found.local) return NotLocal("the terminal is not one of console.ttys");
  return found;
}

bool IsConsoleDevice(const ProcReader& proc, const ConsoleConfig& config, dev_t device) {
  return device == makedev(5, 1) || FindNode(proc, config, device).local;
}

// init=/bin/sh and initramfs shells: the kernel's console without job control. A daemon that was
// given /dev/console is told apart by its parents: PID 1 of a running system has none.
bool IsRescueShell(const ProcReader& proc, const ConsoleConfig& config,
                   const std::vector<Link>& chain) {
  if (chain.back().pid != 1 || !RemoteReason(proc, chain).empty()) return false;
  const auto output = proc.ReadDevice(chain.front().pid, 1);
  if (!output || !IsConsoleDevice(proc, config, *output)) return false;
  return std::ranges::all_of(chain, [&](const Link& link) {
    const auto input = proc.ReadDevice(link.pid, 0);
    return link.process.terminal == 0 && input && IsConsoleDevice(proc, config, *input);
  });
}

// /dev/tty and /dev/console are other names of a terminal that the process already has.
bool IsTerminalOf(const ProcReader& proc, const Link& link, int fd) {
  const auto device = proc.ReadDevice(link.pid, fd);
  return device &&
         (*device == link.process.terminal || *device == makedev(5, 0) || *device == makedev(5, 1));
}

Locality LocalityOf(const ProcReader& proc, const ConsoleConfig& config,
                    const std::vector<Link>& chain) {
  if (auto reason = RemoteReason(proc, chain); !reason.empty()) return NotLocal(reason);
  const Origin origin = FindOrigin(chain);
  if (origin.terminal == 0) return NotLocal(origin.reason);
  return FindNode(proc, config, origin.terminal);
}

}  // namespace

bool IsSshServer(const std::string& executable) {
  static constexpr std::array<std::string_view, 4> kNames{"sshd", "sshd-session", "sshd-auth",
                                                          "dropbear"};
  return std::ranges::find(kNames, ProgramName(executable)) != kNames.end();
}

Locality FindLocality(const ProcReader& proc, const ConsoleConfig& config, pid_t pid) {
  const auto chain = ReadAncestry(proc, pid);
  if (!chain) return NotLocal("the parent processes cannot be read");
  return LocalityOf(proc, config, *chain);
}

bool IsConsoleLogin(const ProcReader& proc, const ConsoleConfig& config, pid_t pid,
                    const PamFacts& facts) {
  if (facts.caller != 0 || !facts.rhost.empty() || facts.tty == "ssh") return false;
  if (std::ranges::find(config.services, facts.service) == config.services.end()) return false;
  const Locality locality = FindLocality(proc, config, pid);
  return locality.local && locality.node_is_private;
}

ResetPermission MayReset(const ProcReader& proc, const ConsoleConfig& config, pid_t pid,
                         uid_t uid) {
  if (uid != 0) return {false, "only root may reset"};
  if (!proc.IsInOwnNamespaces(pid)) return {false, "the process runs in a container"};
  if (config.allow_root) return {true, ""};
  const auto chain = ReadAncestry(proc, pid);
  if (!chain) return {false, "the parent processes cannot be read"};
  if (IsRescueShell(proc, config, *chain)) return {true, ""};
  const Locality locality = LocalityOf(proc, config, *chain);
  if (!locality.local) return {false, locality.reason};
  if (!IsTerminalOf(proc, chain->front(), 0) || !IsTerminalOf(proc, chain->front(), 1)) {
    return {false, "standard input and output are not the terminal"};
  }
  return {true, ""};
}

}  // namespace sparekey
