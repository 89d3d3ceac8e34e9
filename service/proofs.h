// SPDX-License-Identifier: Apache-2.0
// How an account's owner proves himself before he changes his own two-factor without root: password
// (by PAM) and code on one connection. The proof is that connection's, for five minutes; a uid
// alone proves nothing, and no other process of it has a share in the proof.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "service/backend.h"
#include "service/logins.h"

namespace sparekey {

inline constexpr std::chrono::minutes kProofLifetime{5};
inline constexpr std::size_t kMostProofs = 1024;

// Which connections have proven which account. Times are passed in.
class ProofTable {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Proof {
    std::string account;
    uid_t uid = kNoUid;
    bool by_code = false;  // false: by the password alone, the account being not enrolled
    TimePoint expires{};
  };
  // A connection has one proof, the last. With the table full the oldest one goes.
  void Add(std::uint64_t connection, Proof proof, TimePoint now);
  // nullptr: none that counts for this account now.
  const Proof* Find(const Peer& peer, const std::string& account, TimePoint now) const;
  void EndOthers(const std::string& account, std::uint64_t connection);
  std::size_t size() const { return proofs_.size(); }

 private:
  std::map<std::uint64_t, Proof> proofs_;
};

class Proofs {
 public:
  Proofs(const Backend& backend, Logins::EndSessions end_sessions);

  // For the account's owner only; `account` as the directory writes it.
  void Begin(const std::string& account, const HttpRequest& request, Respond respond);
  void Answer(const std::string& account, const HttpRequest& request, Respond respond);

  // What the record says of an owner who wants to change his account.
  struct Standing {
    AdmissionDecision admission{Admission::kDecided, Reason::kIdentityChanged};
    std::string words;  // why it is refused
  };
  static Result<Standing> FindStanding(const Records& records, const Identity& identity);
  // Why the peer may not change the account now. Who has only not proven himself yet, or no longer,
  // gets the code proof_needed. `by_code`: where nothing is enrolled, nothing is there to change.
  std::optional<HttpResponse> FindRefusal(const Peer& peer, const std::string& account,
                                          const Standing& standing, bool by_code) const;
  // Ends the proofs for the account, "" for every one, but that of `connection`.
  void EndOthers(const std::string& account, std::uint64_t connection) {
    table_.EndOthers(account, connection);
  }

 private:
  void GoOn(const std::string& account, const Peer& peer, Respond respond);

  const Backend& backend_;
  // A table of logins apart from PAM's: nobody fills that one through this door.
  Logins logins_;
  ProofTable table_;
};

}  // namespace sparekey
