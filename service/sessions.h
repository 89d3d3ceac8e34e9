// SPDX-License-Identifier: Apache-2.0
// The live SSH sessions that PAM's session calls told of: process and start time, kept in the
// runtime folder too, so that a restarted sparekeyd knows them. Safe to use from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "lockout/ssh_sessions.h"
#include "service/http_server.h"

namespace sparekey {

struct KeptSession {
  std::string id;
  std::string account;
  std::string service;
  std::string remote_host;
  ProcessId process;
};

class Sessions {
 public:
  // `folder` is created (0700) where it is missing; sessions whose process is gone are forgotten.
  explicit Sessions(std::string folder);

  // POST /v1/sessions; the session, where it is kept.
  std::optional<KeptSession> Begin(const HttpRequest& request, Respond respond);
  // Whose the session is, where PAM's name for it is another. Unknown ids are passed over.
  void SetAccount(const std::string& id, const std::string& account);
  void End(const std::string& id, Respond respond);  // DELETE /v1/sessions/{id}
  std::vector<KnownSession> List();  // those whose process lives; holds nobody up meanwhile
  std::size_t Count();               // forgets the dead ones first

 private:
  void ForgetDead();
  std::string PathOf(const std::string& id) const;

  const std::string folder_;
  std::mutex mutex_;
  std::map<std::string, KeptSession> sessions_;
};

}  // namespace sparekey
