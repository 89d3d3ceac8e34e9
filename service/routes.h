// SPDX-License-Identifier: Apache-2.0
// The route table: every route of the API with who may call it. Nothing is authorised anywhere
// else, and never from text that the peer sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "service/accounts.h"
#include "service/administration.h"
#include "service/alerts.h"
#include "service/authenticators.h"
#include "service/backend.h"
#include "service/containments.h"
#include "service/enrolment.h"
#include "service/event_pruning.h"
#include "service/listed_enrolments.h"
#include "service/logins.h"
#include "service/policy_settings.h"
#include "service/proofs.h"
#include "service/sessions.h"

namespace sparekey {

// Who may call a route. "Root" is uid 0, or a sparekeyd without root's own user.
enum class Who : std::uint8_t {
  kAnyone,
  kRoot,
  kRootOnPamSocket,
  kRootOrSelf,  // self: the peer's uid is the account's
  kSelf,
  kRootOrProvedSelf,      // self, on a connection that has just proven password and code
  kRootOrCodeProvedSelf,  // the same; a password alone, where nothing is enrolled, is not enough
  kConsole,               // the local console, by the peer's process
};

// What peers that are not root do for themselves: one request at a time, changes at a bounded rate,
// since every one of them leaves an event on the disk.
class Selves {
 public:
  static constexpr int kMostChangesAtOnce = 20;
  static constexpr std::chrono::seconds kChangeEvery{6};  // from then on

  // A request that is under way, until it is answered (End) or given up on whatever thread.
  class Turn {
   public:
    Turn(std::shared_ptr<Selves> selves, uid_t uid) : selves_(std::move(selves)), uid_(uid) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { End(); }
    void End();

   private:
    std::shared_ptr<Selves> selves_;  // none: it has ended
    uid_t uid_;
  };
  // nullptr: another one is under way.
  static std::shared_ptr<Turn> Enter(const std::shared_ptr<Selves>& selves, uid_t uid);
  bool MayChange(uid_t uid, std::chrono::steady_clock::time_point now);

 private:
  std::mutex mutex_;
  std::set<uid_t> busy_;
  std::map<uid_t, std::chrono::steady_clock::time_point> free_from_;  // with nothing to pay off
};

class Routes {
 public:
  // `system`: whose SSH sessions are seen besides those that PAM tells of.
  Routes(const Backend& backend, std::string session_folder,
         std::unique_ptr<SessionSystem> system = MakeSessionSystem(false));

  void Handle(HttpRequest request, Respond respond);
  // Now and then: ends what was begun and never confirmed, deletes old events.
  void KeepHouse();
  void Resume() { containments_.Resume(); }  // what the last sparekeyd began
  // Nothing that a containment has still to do within its bound.
  bool IsQuiet() const { return containments_.IsQuiet(); }
  // The server is about to: answer who waits for nothing. Before what the backend names ends.
  void Stop();

  struct Call {
    std::vector<std::string> arguments;  // what stands for each {} in the pattern
    HttpRequest request;
    Respond respond;
  };
  struct Route {
    std::string_view method;
    std::string_view pattern;  // "/v1/accounts/{}/unlock"
    Who who;
    void (*run)(Routes& routes, Call call);
  };
  static const std::vector<Route>& Table();

 private:
  void Authorise(const Route& route, Call call);
  Respond NameTheAccount(const Call& call);
  void Run(const Route& route, Call call);
  void BeginSession(Call call);
  void ChangeGate(Call call);
  void RunForSelf(const Route& route, Call call);
  void RunForOwner(const Route& route, const std::shared_ptr<Call>& call, const Identity& owner);
  void ResetAtConsole(Call call);
  static std::vector<Route> MakeTable();

  const Backend& backend_;
  std::shared_ptr<Selves> selves_ = std::make_shared<Selves>();
  std::unique_ptr<SessionSystem> session_system_;
  Sessions sessions_;
  Containments containments_;
  Logins logins_;
  Proofs proofs_;
  Accounts accounts_;
  Enrolments enrolments_;
  ListedEnrolments listed_;
  Authenticators authenticators_;
  PolicySettings settings_;
  Administration administration_;
  Alerts alerts_;
  EventPruning pruning_;
};

}  // namespace sparekey
