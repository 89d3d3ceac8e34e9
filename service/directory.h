// SPDX-License-Identifier: Apache-2.0
// Who the system's users are (NSS), asked in a small pool with a deadline, because a directory may
// hang. With accounts = any, every valid name is its own answer.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/account.h"
#include "core/result.h"
#include "service/config.h"

namespace sparekey {

struct Identity {
  std::string name;                      // as getpwnam returned it
  uid_t uid = kNoUid;                    // kNoUid with accounts = any
  std::vector<std::string> groups;       // names, primary one included
  bool administrator_by_config = false;  // admin_accounts, with accounts = any
  bool groups_complete = true;           // false: groups of a source that failed are missing
};

class Directory {
 public:
  using Found = std::function<void(Result<std::optional<Identity>> identity)>;
  virtual ~Directory() = default;
  // Called on the server's thread; calls `found` there, later and once: the identity, nullopt for
  // "no such user", kUnavailable for an error or no answer within the deadline. Not called any more
  // once the directory has ended.
  virtual void Lookup(std::string name, Found found) = 0;
};

// How the directory reaches the server's thread: `post` from any thread, `after` from that thread.
struct ServerThread {
  std::function<void(std::function<void()>)> post;
  std::function<void(std::chrono::milliseconds, std::function<void()>)> after;
};
// Asks NSS in the calling thread, which may take for ever. getgrouplist(3) hides a source that
// fails, so a group that does not exist is asked for too: all sources of "group" must say so. It
// cannot see a source that says "not found" while it is down, one that fails for this one user
// only, or one listed in nsswitch.conf before another that answers (glibc reports the last).
Result<std::optional<Identity>> AskNss(const std::string& name);
using AskDirectory = std::function<Result<std::optional<Identity>>(const std::string& name)>;

struct PoolLimits {
  std::size_t threads = 8;
  std::size_t waiting = 1024;
  // How long a name that got no answer is not asked for again, unless the late answer comes: so one
  // login, which looks up its account more than once, waits once.
  std::chrono::milliseconds silence{60'000};
};

// Threads are started at need; a lookup that hangs keeps its thread. Answers are kUnavailable after
// the deadline, and at once (through `post`) when too many wait or the name is a silent one.
std::unique_ptr<Directory> MakeNssDirectory(ServerThread server, std::chrono::milliseconds deadline,
                                            AskDirectory ask = AskNss, PoolLimits limits = {});
// Any valid name, without a uid.
std::unique_ptr<Directory> MakeAnyDirectory(ServerThread server,
                                            std::vector<std::string> admin_accounts);
// A sparekeyd without root: only its own user's account exists.
std::unique_ptr<Directory> MakeOwnDirectory(std::unique_ptr<Directory> inner, uid_t uid);

}  // namespace sparekey
