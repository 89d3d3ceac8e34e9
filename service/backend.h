// SPDX-License-Identifier: Apache-2.0
// What the use cases share: the one decider, the directory of users, the hash pool, the clock. All
// handlers run on the server's thread; store work runs where the decider decides.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "core/clock.h"
#include "core/local_console.h"
#include "core/seal.h"
#include "core/secret.h"
#include "lockout/decide.h"
#include "service/config.h"
#include "service/decider.h"
#include "service/directory.h"
#include "service/first_factor.h"
#include "service/hash_pool.h"
#include "service/http_server.h"

namespace sparekey {

class DamageReports;
class Notifier;

inline constexpr std::chrono::seconds kRequestDeadline{3};
inline constexpr std::chrono::seconds kLoginLifetime{120};

// MayReset by the kernel's word on the peer's process.
ResetPermission MayPeerReset(const ConsoleConfig& console, const Peer& peer);

// What backup codes are hashed under.
SecretBytes DeriveCodeKey(const MasterKey& key);

struct Backend {
  Decider& decider;
  Directory& directory;
  Directory& self_directory;  // for peers that are not root: they cannot hold up logins
  HashPool& hashes;
  std::function<void(std::function<void()>)> post;  // to the server's thread, later
  std::function<void(std::chrono::milliseconds, std::function<void()>)> after;
  std::function<TimePoint()> clock;
  TimePoint built;   // a clock before this is wrong
  std::string host;  // for otpauth URIs and sheets
  const SecretBytes& code_key;
  const Config& config;
  bool privileged;  // runs as root; otherwise its own user stands for root
  uid_t own_uid;
  FirstFactor& first_factor;
  std::function<std::chrono::steady_clock::time_point()> steady_clock =
      std::chrono::steady_clock::now;
  Notifier* notifier = nullptr;     // none: nobody is told of events
  DamageReports* damage = nullptr;  // none: damage is met in silence
  // Who may call the console's routes.
  std::function<ResetPermission(const ConsoleConfig& console, const Peer& peer)> may_reset =
      MayPeerReset;
  // To the server's thread: at once where that is the caller's; none: as post.
  std::function<void(std::function<void()>)> deliver = nullptr;

  // Looks `name` up. Where its uid has a record under another name, and that name still has the
  // uid, `name` is an alias: two names of one uid are one account, which has the enrolled name.
  using Identified = std::function<void(Result<std::optional<Identity>> identity,
                                        std::optional<std::string> alias_of)>;
  void Identify(Directory& whose, const std::string& name, Identified found) const;
  // Whether `holder` still has the uid of `identity`: its identity if so, nullopt if not.
  void FindAlias(Directory& whose, const Identity& identity, const std::string& holder,
                 Directory::Found found) const;

  void Deliver(std::function<void()> task) const { (deliver ? deliver : post)(std::move(task)); }

  // On the server's thread, about an error that somebody met who proved a first factor; `account`
  // is the name of the record that was read.
  void ReportDamage(const std::string& account, const Error& error) const;

  bool IsRoot(uid_t uid) const { return uid == (privileged ? 0 : own_uid); }
  Directory& DirectoryFor(const Peer& peer) const {
    return IsRoot(peer.uid) ? directory : self_directory;
  }
  Clock Now() const { return {clock(), built}; }

  // Runs `run` on the decider's thread between transactions and answers with what it returns.
  void OnStore(std::function<HttpResponse(Store& store)> run, Respond respond) const;
};

// Runs one step over one account and returns its status; for store work outside group commit.
Status RunStep(Store& store, std::vector<AccountKey> accounts, Step step);

// Who the directory and the stored record say stands at the door. An error where the directory has
// no answer and the record alone cannot decide.
Result<Subject> MakeSubject(const Policy& policy, const LoadedAccount& loaded,
                            const Result<std::optional<Identity>>& identity);

// Key of the record for what the directory answered about `name`.
AccountKey MakeKey(const std::string& name, const Result<std::optional<Identity>>& identity);

}  // namespace sparekey
