// SPDX-License-Identifier: Apache-2.0
// Who has an SSH session just now: judged from the kernel's facts about sshd's own processes, and
// completed by what PAM's session calls and logind said. Pure; whoever reads the facts passes them
// in. docs/containment.md has the processes as they were seen.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sparekey {

// A process for all time: its number may be given to another, with a later start.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot, /proc/PID/stat field 22
  auto operator<=>(const ProcessId&) const = default;
};

// A process whose program may be sshd's.
struct SshProcess {
  ProcessId id;
  pid_t parent = 0;
  uid_t uid = 0;                     // the real one
  std::string executable;            // /proc/PID/exe
  bool executable_is_roots = false;  // owned by root and writable by nobody else
  bool in_own_namespaces = false;    // user and pid namespace as ours: no container's
  std::string title;                 // what sshd wrote over its arguments
};

// What PAM's session calls told of.
struct KnownSession {
  ProcessId process;
  std::string account;
};

// A line of logind's: only the process that leads the session is looked at.
struct LogindSession {
  pid_t leader = 0;
  uid_t uid = 0;
};

struct SshSession {
  ProcessId monitor;                // SIGTERM to it ends the session in good order
  std::vector<ProcessId> children;  // what speaks to the client with the user's rights; root's
                                    // session may be the monitor alone
  std::optional<uid_t> uid;
  std::string account;      // as PAM named it, else as sshd did; may be empty
  bool established = true;  // false: a login past its question or about to be, nobody's session yet
};

// One entry a session, by monitor. `known` holds processes that live. What is not sshd's own, is a
// listener, or has not authenticated anybody, is none.
std::vector<SshSession> FindSshSessions(const std::vector<SshProcess>& processes,
                                        const std::vector<KnownSession>& known,
                                        const std::vector<LogindSession>& logind);

// What a title says that sshd wrote. Names hold neither spaces nor slashes.
enum class SshRole : std::uint8_t {
  kOther,    // a listener, or one that has not said yet what it is
  kPreAuth,  // [accepted], [net], [pam]
  kMonitor,  // "bob [priv]"
  kSession,  // "bob", "bob@pts/0", "bob@notty", "bob@internal-sftp"
};
SshRole FindRole(std::string_view title);

// A process with a terminal, for finding those of a session.
struct TerminalUse {
  pid_t pid = 0;
  pid_t parent = 0;
  dev_t terminal = 0;  // 0: none
};
// The pseudo-terminals that processes below the session have, each once.
std::vector<dev_t> FindTerminals(const std::vector<TerminalUse>& processes,
                                 const SshSession& session);

}  // namespace sparekey
