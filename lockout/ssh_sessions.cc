// SPDX-License-Identifier: Apache-2.0
#include "lockout/ssh_sessions.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace sparekey {
namespace {

constexpr std::string_view kPrivileged = " [priv]";
constexpr std::string_view kAuthProgram = "sshd-auth";  // OpenSSH 10's process before a login
constexpr unsigned kPtsMajor = 136;  // UNIX98_PTY_SLAVE_MAJOR, of every /dev/pts/N

// By its file, which a user can neither name nor write: a program of a user that is called sshd, or
// root's sshd started by a user, has no monitor of root's above it.
std::string_view FileOf(const SshProcess& process) {
  static constexpr std::string_view kDeleted = " (deleted)";  // upgraded meanwhile
  std::string_view file = process.executable;
  if (file.ends_with(kDeleted)) file.remove_suffix(kDeleted.size());
  return file.substr(file.rfind('/') + 1);
}

bool IsSshd(const SshProcess& process) {
  static constexpr std::array<std::string_view, 3> kNames{"sshd", "sshd-session", kAuthProgram};
  return process.executable_is_roots && process.in_own_namespaces &&
         std::ranges::find(kNames, FileOf(process)) != kNames.end();
}

SshRole RoleOf(const SshProcess& process) {
  return FileOf(process) == kAuthProgram ? SshRole::kPreAuth : FindRole(process.title);
}

// What follows "sshd: ", or the name that its link has.
std::string_view SaidBy(std::string_view title) {
  const auto colon = title.find(": ");
  if (colon == std::string_view::npos) return "";
  if (title.substr(0, colon).find_first_of("/ ") != std::string_view::npos) return "";
  return title.substr(colon + 2);
}

// "" of what is no monitor.
std::string_view NameOfMonitor(const SshProcess& process) {
  if (RoleOf(process) != SshRole::kMonitor) return "";
  std::string_view said = SaidBy(process.title);
  said.remove_suffix(kPrivileged.size());
  return said;
}

// A name of another directory may hold a space, which no title's shape allows for: "john doe@pts/0"
// below "john doe [priv]".
bool IsNamedAfter(const SshProcess& process, const SshProcess& monitor) {
  const std::string_view name = NameOfMonitor(monitor);
  const std::string_view said = SaidBy(process.title);
  if (name.empty() || !said.starts_with(name)) return false;
  return said.size() == name.size() || said[name.size()] == '@';
}

class Finder {
 public:
  explicit Finder(const std::vector<SshProcess>& processes) {
    for (const SshProcess& process : processes) {
      if (IsSshd(process)) by_pid_.emplace(process.id.pid, &process);
    }
  }

  void FindByProcesses() {
    for (const auto& [pid, process] : by_pid_) {
      if (process->uid == 0) {
        AddRoots(*process);
      } else {
        AddUsers(*process);
      }
    }
  }

  // A login that has been let in may not have its user's child yet.
  void FindUndecided() {
    std::set<pid_t> asking;
    for (const auto& [pid, process] : by_pid_) {
      if (RoleOf(*process) == SshRole::kPreAuth) asking.insert(process->parent);
    }
    for (const auto& [pid, process] : by_pid_) {
      const bool lone = RoleOf(*process) == SshRole::kMonitor && process->uid == 0 &&
                        !sessions_.contains(process->id) && !asking.contains(pid);
      if (lone) Add(*process).established = false;
    }
  }

  // PAM's word: of a process that is no sshd too (another server with sparekey in its stack).
  void Complete(const KnownSession& known) {
    const SshProcess* process = Find(known.process.pid);
    if (process && process->id != known.process) return;
    if (process && RoleOf(*process) == SshRole::kOther) return;
    SshSession* session = FindOwner(known.process);
    if (!session) session = &Add(known.process);
    session->account = known.account;
    session->established = true;
  }

  // A session that is over may keep the number of its leader, so the kernel's facts go first.
  void Complete(const LogindSession& logind) {
    for (auto& [monitor, session] : sessions_) {
      if (monitor.pid != logind.leader || session.established) continue;
      session.uid = logind.uid;
      session.established = true;
    }
  }

  std::vector<SshSession> Take() {
    std::vector<SshSession> list;
    for (auto& [monitor, session] : sessions_) list.push_back(std::move(session));
    return list;
  }

 private:
  const SshProcess* Find(pid_t pid) const {
    const auto found = by_pid_.find(pid);
    return found == by_pid_.end() ? nullptr : found->second;
  }

  const SshProcess* ParentOf(const SshProcess& process) const {
    const SshProcess* parent = Find(process.parent);
    const bool fits = parent && parent->id.start_time <= process.id.start_time;
    return fits ? parent : nullptr;
  }

  SshSession& Add(const ProcessId& monitor) {
    SshSession& session = sessions_[monitor];
    session.monitor = monitor;
    return session;
  }

  SshSession& Add(const SshProcess& monitor) {
    SshSession& session = Add(monitor.id);
    session.account = NameOfMonitor(monitor);
    return session;
  }

  SshSession* FindOwner(const ProcessId& id) {
    for (auto& [monitor, session] : sessions_) {
      if (monitor == id || std::ranges::find(session.children, id) != session.children.end()) {
        return &session;
      }
    }
    return nullptr;
  }

  // The user's child of a monitor. Its title may still be the monitor's, right after the fork.
  void AddUsers(const SshProcess& process) {
    const SshProcess* monitor = ParentOf(process);
    if (!monitor || monitor->uid != 0) return;
    if (RoleOf(*monitor) == SshRole::kOther) return;
    const SshRole role = RoleOf(process);
    if (role == SshRole::kPreAuth) return;
    if (role == SshRole::kOther && !IsNamedAfter(process, *monitor)) return;
    SshSession& session = Add(*monitor);
    session.uid = process.uid;
    session.children.push_back(process.id);
  }

  // Root's sessions: up to OpenSSH 9.7 one process that is both; a monitor and its child since.
  // What such a session forks belongs to it.
  void AddRoots(const SshProcess& process) {
    if (RoleOf(process) != SshRole::kSession) return;
    const SshProcess* parent = ParentOf(process);
    const SshRole above = parent && parent->uid == 0 ? RoleOf(*parent) : SshRole::kOther;
    if (above == SshRole::kSession) return;
    SshSession& session = Add(above == SshRole::kMonitor ? *parent : process);
    session.uid = 0;
    if (above == SshRole::kMonitor) session.children.push_back(process.id);
  }

  std::map<pid_t, const SshProcess*> by_pid_;
  std::map<ProcessId, SshSession> sessions_;
};

bool IsBelow(const std::map<pid_t, pid_t>& parents, pid_t pid, const std::set<pid_t>& roots) {
  for (std::size_t steps = 0; steps <= parents.size(); ++steps) {
    const auto parent = parents.find(pid);
    if (parent == parents.end()) return false;
    pid = parent->second;
    if (roots.contains(pid)) return true;
  }
  return false;
}

}  // namespace

SshRole FindRole(std::string_view title) {
  const std::string_view said = SaidBy(title);
  if (said.empty() || said.front() == '/') return SshRole::kOther;
  if (said.ends_with(kPrivileged)) return SshRole::kMonitor;
  for (const std::string_view mark : {"[accepted]", "[net]", "[pam]"}) {
    if (said.ends_with(mark)) return SshRole::kPreAuth;
  }
  return said.find_first_of(" [") == std::string_view::npos ? SshRole::kSession : SshRole::kOther;
}

std::vector<SshSession> FindSshSessions(const std::vector<SshProcess>& processes,
                                        const std::vector<KnownSession>& known,
                                        const std::vector<LogindSession>& logind) {
  Finder finder(processes);
  finder.FindByProcesses();
  finder.FindUndecided();
  for (const KnownSession& session : known) finder.Complete(session);
  for (const LogindSession& session : logind) finder.Complete(session);
  return finder.Take();
}

std::vector<dev_t> FindTerminals(const std::vector<TerminalUse>& processes,
                                 const SshSession& session) {
  std::set<pid_t> roots{session.monitor.pid};
  for (const ProcessId& child : session.children) roots.insert(child.pid);
  std::map<pid_t, pid_t> parents;
  for (const TerminalUse& use : processes) parents.emplace(use.pid, use.parent);
  std::set<dev_t> found;
  for (const TerminalUse& use : processes) {
    if (major(use.terminal) != kPtsMajor || !IsBelow(parents, use.pid, roots)) continue;
    found.insert(use.terminal);
  }
  return {found.begin(), found.end()};
}

}  // namespace sparekey
