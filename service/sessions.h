// SPDX-License-Identifier: Apache-2.0
// The live SSH sessions that PAM's session calls told of: process and start time, kept in the
// runtime folder too, so that a restarted sparekeyd knows them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/result.h"
#include "service/http_server.h"

namespace sparekey {

struct SshSession {
  std::string id;
  std::string account;
  std::string service;
  std::string remote_host;
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot, /proc/PID/stat field 22
};

class Sessions {
 public:
  // `folder` is created (0700) where it is missing; sessions whose process is gone are forgotten.
  explicit Sessions(std::string folder);

  // POST /v1/sessions; the session, where it is kept.
  std::optional<SshSession> Begin(const HttpRequest& request, Respond respond);
  // Whose the session is, where PAM's name for it is another. Unknown ids are passed over.
  void SetAccount(const std::string& id, const std::string& account);
  void End(const std::string& id, Respond respond);  // DELETE /v1/sessions/{id}
  // Containment: SIGTERM by pidfd to the sshd process of each session of the account, "" for
  // everybody's; sshd disconnects the client.
  void EndAll(const std::string& account);
  std::size_t Count();  // forgets the dead ones first

 private:
  void ForgetDead();
  std::string PathOf(const std::string& id) const;

  std::string folder_;
  std::map<std::string, SshSession> sessions_;
};

// nullopt: no such process.
std::optional<std::uint64_t> ReadStartTime(pid_t pid);

}  // namespace sparekey
