// SPDX-License-Identifier: Apache-2.0
// What containment asks of the system and does to it: sshd's processes, logind's sessions, pidfds,
// terminals. Tests pass recorded facts. Who is ended is judged in lockout/ssh_sessions.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "lockout/ssh_sessions.h"

namespace sparekey {

// One process, held by pidfd: nothing done to it can hit another that got its number.
class HeldProcess {
 public:
  virtual ~HeldProcess() = default;
  virtual bool HasEnded() = 0;  // also where nobody has waited for it yet
  virtual Status Signal(int number) = 0;
};

class SessionSystem {
 public:
  virtual ~SessionSystem() = default;
  virtual std::vector<SshProcess> ListSshProcesses() = 0;
  // False: a process was there that could not be looked at (descriptors or memory were out). Who
  // is missing in the list may live.
  virtual bool SawAll() { return true; }
  virtual std::vector<LogindSession> ListLogindSessions() = 0;
  virtual std::vector<TerminalUse> ListTerminals() = 0;
  // nullptr: this process has ended, whoever has its number now. An error: try again.
  virtual Result<std::unique_ptr<HeldProcess>> Hold(const ProcessId& id) = 0;
  // Writes a line to a pseudo-terminal if it is `owner`'s; never waits. False: it did not.
  virtual bool Tell(dev_t terminal, uid_t owner, std::string_view line) = 0;
};

// The kernel's. `whole_machine`: sees all of sshd's sessions; otherwise none but what PAM told,
// for a sparekeyd beside the machine's own (docs/containment.md).
std::unique_ptr<SessionSystem> MakeSessionSystem(bool whole_machine);

// A file of /run/systemd/sessions; nullopt where it has no leader, or only closes still.
std::optional<LogindSession> ParseLogindSession(std::string_view text);

// nullopt: no such process, or one that has ended and was not waited for yet.
std::optional<std::uint64_t> ReadStartTime(pid_t pid);
// False: it has surely ended. True also where that cannot be told just now.
bool MayLive(const ProcessId& id);

}  // namespace sparekey
