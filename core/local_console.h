// SPDX-License-Identifier: Apache-2.0
// Is this process at the local console? Decided from the kernel's facts, never from names or
// environment. The same function serves the PAM module, the command line and sparekeyd.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace sparekey {

// Root-owned configuration file, keys console.*.
struct ConsoleConfig {
  std::vector<std::string> ttys{"tty[1-9]*", "ttyS*", "ttyAMA*", "hvc*", "xvc*"};
  std::vector<std::string> services{"login", "su", "su-l", "sudo", "sudo-i"};
  bool allow_root = false;  // console.allow = root: for the reset only
};
// Missing, unreadable, not root-owned (or not this user's), writable by others, or bad: defaults.
ConsoleConfig LoadConsoleConfig(const std::string& path);

// What the function asks of the system; tests pass recorded facts.
class ProcReader {
 public:
  struct Process {
    pid_t parent = 0;
    dev_t terminal = 0;                // tty_nr; 0: none
    std::string executable;            // /proc/PID/exe, "" where it cannot be read
    bool executable_is_roots = false;  // owned by root and writable by nobody else
    std::string name;                  // the kernel's short name (comm), which a process may change
  };
  struct Node {
    std::string name;  // below /dev
    dev_t device = 0;
    uid_t owner = 0;
    mode_t mode = 0;
  };
  virtual std::optional<Process> ReadProcess(pid_t pid) const = 0;
  virtual std::vector<Node> ListNodes() const = 0;      // character devices right below /dev
  virtual bool IsRemoteSession(pid_t pid) const = 0;    // logind's word, false without logind
  virtual bool IsInOwnNamespaces(pid_t pid) const = 0;  // user and pid namespace as ours
  // The number of the character device that the process has open as `fd`; nothing where it is none.
  virtual std::optional<dev_t> ReadDevice(pid_t pid, int fd) const = 0;

 protected:
  ~ProcReader() = default;
};
// The kernel's word (core/proc_reader.cc). Reading about other processes' programs and files needs
// root with CAP_SYS_PTRACE. Where a security module hides a program even so (PID 1's, say), its
// short name counts for step 3, and it passes no terminal on.
const ProcReader& RealProc();

// The programs that run PAM for a remote login: sshd, sshd-session, sshd-auth, dropbear. By the
// file's name in /proc/PID/exe; an upgraded file counts under its old name.
bool IsSshServer(const std::string& executable);

struct Locality {
  bool local = false;
  std::string reason;            // why not, for people: "the process runs below sshd"
  std::string terminal;          // the origin's name below /dev where local
  bool node_is_private = false;  // readable by nobody but its owner and root
};
// Steps 1 to 3 of docs/console.md for the process.
Locality FindLocality(const ProcReader& proc, const ConsoleConfig& config, pid_t pid);

// A console login needs more than locality (PAM facts).
struct PamFacts {
  std::string service, rhost, tty;
  uid_t caller = 0;
};
bool IsConsoleLogin(const ProcReader& proc, const ConsoleConfig& config, pid_t pid,
                    const PamFacts& facts);

// A reset: uid 0 in own namespaces, and one of: local with the terminal as standard input and
// output; console.allow = root; a rescue shell (no process up to PID 1 has a terminal, and all have
// a console device as standard input, which no daemon's parents have).
struct ResetPermission {
  bool allowed = false;
  std::string reason;
};
ResetPermission MayReset(const ProcReader& proc, const ConsoleConfig& config, pid_t pid, uid_t uid);

}  // namespace sparekey
