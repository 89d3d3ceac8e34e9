// SPDX-License-Identifier: Apache-2.0
#include "service/routes.h"

#include <spdlog/fmt/fmt.h>

#include <utility>

#include "service/access.h"
#include "service/account_step.h"
#include "service/console_reset.h"
#include "service/console_two_factor.h"
#include "service/json.h"
#include "service/logging.h"
#include "version.h"

namespace sparekey {
namespace {

// What stands for each {} if the path is of the pattern: one segment that is not empty.
std::optional<std::vector<std::string>> Match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> arguments;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = pattern.substr(0, pattern.find('/', 1));
    const std::string_view segment = path.substr(0, path.find('/', 1));
    const bool is_argument = wanted == "/{}" && segment.size() > 1;
    if (is_argument) arguments.emplace_back(segment.substr(1));
    if (!is_argument && segment != wanted) return std::nullopt;
    pattern.remove_prefix(wanted.size());
    path.remove_prefix(segment.size());
  }
  return pattern.empty() && path.empty() ? std::optional(std::move(arguments)) : std::nullopt;
}

HttpResponse NotAllowed(std::string text) {
  return Problem(Error{ErrorCode::kNotAllowed, std::move(text)});
}

// Others than root hear no end of refusals if they like, but not in the log of every day.
Respond LogIfRefused(const HttpRequest& request, Respond respond) {
  return [method = request.method, path = request.path, uid = request.peer.uid,
          respond = std::move(respond)](HttpResponse response) {
    if (response.status >= 400 && response.status < 500) {
      Log(uid == 0 ? LogLevel::kInfo : LogLevel::kDebug,
          fmt::format("refused {} {} uid={} status={}", EscapeForLog(method), EscapeForLog(path),
                      uid, response.status));
    }
    respond(std::move(response));
  };
}

HttpResponse CarryOut(Store& store, const ResetRequest& wanted, bool preview, TimePoint now) {
  const auto plan = PlanReset(store, wanted);
  if (!plan) return Problem(plan.error());
  if (!preview) {
    const Status done = CarryOutReset(store, *plan, now);
    if (!done) return Problem(done.error());
  }
  return Reply(200,
               {{"accounts", plan->Names()}, {"super_lockout_ended", plan->end_super_lockout}});
}

}  // namespace

std::vector<Routes::Route> Routes::MakeTable() {
  return {
      {"POST", "/v1/logins", Who::kRootOnPamSocket,
       [](Routes& r, Call c) { r.logins_.Begin(c.request, std::move(c.respond)); }},
      {"POST", "/v1/logins/{}/answers", Who::kRootOnPamSocket,
       [](Routes& r, Call c) {
         r.logins_.Answer(c.arguments[0], c.request, std::move(c.respond));
       }},
      {"POST", "/v1/access", Who::kRootOnPamSocket,
       [](Routes& r, Call c) { AnswerAccess(r.backend_, c.request, std::move(c.respond)); }},
      {"POST", "/v1/sessions", Who::kRootOnPamSocket,
       [](Routes& r, Call c) { r.BeginSession(std::move(c)); }},
      {"DELETE", "/v1/sessions/{}", Who::kRootOnPamSocket,
       [](Routes& r, Call c) { r.sessions_.End(c.arguments[0], std::move(c.respond)); }},

      {"GET", "/v1/accounts", Who::kRoot,
       [](Routes& r, Call c) { r.accounts_.List(c.request, std::move(c.respond)); }},
      {"POST", "/v1/enrolments", Who::kRoot,
       [](Routes& r, Call c) { r.listed_.Enrol(c.request, std::move(c.respond)); }},
      {"GET", "/v1/accounts/{}", Who::kRootOrSelf,
       [](Routes& r, Call c) {
         r.accounts_.Show(c.arguments[0], r.backend_.DirectoryFor(c.request.peer),
                          std::move(c.respond));
       }},
      {"DELETE", "/v1/accounts/{}", Who::kRoot,
       [](Routes& r, Call c) { r.accounts_.Remove(c.arguments[0], std::move(c.respond)); }},
      {"POST", "/v1/accounts/{}/proof", Who::kSelf,
       [](Routes& r, Call c) { r.proofs_.Begin(c.arguments[0], c.request, std::move(c.respond)); }},
      {"POST", "/v1/accounts/{}/proof/answers", Who::kSelf,
       [](Routes& r, Call c) {
         r.proofs_.Answer(c.arguments[0], c.request, std::move(c.respond));
       }},
      {"POST", "/v1/accounts/{}/enrolment", Who::kRootOrProvedSelf,
       [](Routes& r, Call c) {
         r.enrolments_.Begin(c.arguments[0], c.request, std::move(c.respond));
       }},
      {"POST", "/v1/accounts/{}/enrolment/confirmation", Who::kRootOrProvedSelf,
       [](Routes& r, Call c) {
         r.enrolments_.Confirm(c.arguments[0], c.request, std::move(c.respond));
       }},
      {"GET", "/v1/accounts/{}/backup-codes", Who::kRootOrSelf,
       [](Routes& r, Call c) { r.accounts_.ShowSheet(c.arguments[0], std::move(c.respond)); }},
      {"POST", "/v1/accounts/{}/backup-codes", Who::kRootOrCodeProvedSelf,
       [](Routes& r, Call c) { r.enrolments_.ReplaceSheet(c.arguments[0], std::move(c.respond)); }},
      {"GET", "/v1/accounts/{}/authenticators", Who::kRootOrSelf,
       [](Routes& r, Call c) { r.authenticators_.List(c.arguments[0], std::move(c.respond)); }},
      {"POST", "/v1/accounts/{}/authenticators", Who::kRootOrCodeProvedSelf,
       [](Routes& r, Call c) {
         r.authenticators_.Add(c.arguments[0], c.request, std::move(c.respond));
       }},
      {"PUT", "/v1/accounts/{}/authenticators/{}", Who::kRootOrCodeProvedSelf,
       [](Routes& r, Call c) {
         r.authenticators_.Renew(c.arguments[0], c.arguments[1], c.request, std::move(c.respond));
       }},
      {"DELETE", "/v1/accounts/{}/authenticators/{}", Who::kRootOrCodeProvedSelf,
       [](Routes& r, Call c) {
         r.authenticators_.Remove(c.arguments[0], c.arguments[1], std::move(c.respond));
       }},
      {"POST", "/v1/accounts/{}/resync", Who::kRootOrCodeProvedSelf,
       [](Routes& r, Call c) {
         r.authenticators_.Resync(c.arguments[0], c.request, std::move(c.respond));
       }},
      {"POST", "/v1/accounts/{}/unlock", Who::kRoot,
       [](Routes& r, Call c) { r.accounts_.Unlock(c.arguments[0], std::move(c.respond)); }},

      {"GET", "/v1/settings", Who::kRoot,
       [](Routes& r, Call c) { r.settings_.Show(std::move(c.respond)); }},
      {"PATCH", "/v1/settings", Who::kRoot,
       [](Routes& r, Call c) { r.settings_.Change(c.request, std::move(c.respond)); }},
      {"GET", "/v1/ssh-gate", Who::kRoot,
       [](Routes& r, Call c) { r.administration_.ShowGate(std::move(c.respond)); }},
      {"PUT", "/v1/ssh-gate", Who::kRoot, [](Routes& r, Call c) { r.ChangeGate(std::move(c)); }},
      {"GET", "/v1/status", Who::kRoot,
       [](Routes& r, Call c) { r.administration_.ShowStatus(std::move(c.respond)); }},
      {"GET", "/v1/store-check", Who::kRoot,
       [](Routes& r, Call c) { r.administration_.CheckStore(c.request, std::move(c.respond)); }},
      {"GET", "/v1/events", Who::kRoot,
       [](Routes& r, Call c) { r.administration_.ShowEvents(c.request, std::move(c.respond)); }},

      {"GET", "/v1/alerts", Who::kRoot,
       [](Routes& r, Call c) { r.alerts_.List(c.request, std::move(c.respond)); }},
      {"POST", "/v1/alerts/{}/acknowledgement", Who::kRoot,
       [](Routes& r, Call c) { r.alerts_.Acknowledge(c.arguments[0], std::move(c.respond)); }},
      {"POST", "/v1/alerts/test", Who::kRoot,
       [](Routes& r, Call c) { r.alerts_.Test(std::move(c.respond)); }},

      {"POST", "/v1/console/resets", Who::kConsole,
       [](Routes& r, Call c) { r.ResetAtConsole(std::move(c)); }},
      {"PUT", "/v1/console/two-factor", Who::kConsole,
       [](Routes& r, Call c) { SwitchTwoFactor(r.backend_, c.request, std::move(c.respond)); }},
      {"GET", "/v1/health", Who::kAnyone,
       [](Routes&, Call c) {
         c.respond(Reply(200, {{"status", "ok"}, {"version", kVersion}}));
       }},
  };
}

std::shared_ptr<Selves::Turn> Selves::Enter(const std::shared_ptr<Selves>& selves, uid_t uid) {
  const std::lock_guard lock(selves->mutex_);
  if (!selves->busy_.insert(uid).second) return nullptr;
  return std::make_shared<Turn>(selves, uid);
}

void Selves::Turn::End() {
  if (const auto selves = std::exchange(selves_, nullptr)) {
    const std::lock_guard lock(selves->mutex_);
    selves->busy_.erase(uid_);
  }
}

// Every change costs kChangeEvery; up to kMostChangesAtOnce of them may be owed.
bool Selves::MayChange(uid_t uid, std::chrono::steady_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(free_from_, [now](const auto& entry) { return entry.second <= now; });
  auto& free_from = free_from_.try_emplace(uid, now).first->second;
  if (free_from - now > kChangeEvery * (kMostChangesAtOnce - 1)) return false;
  free_from += kChangeEvery;
  return true;
}

const std::vector<Routes::Route>& Routes::Table() {
  static const std::vector<Route> table = MakeTable();
  return table;
}

Routes::Routes(const Backend& backend, std::string session_folder,
               std::unique_ptr<SessionSystem> system)
    : backend_(backend),
      session_system_(std::move(system)),
      sessions_(std::move(session_folder)),
      containments_(backend, *session_system_, [this] { return sessions_.List(); }),
      logins_(backend, [this](const auto& due) { containments_.Begin(due); }),
      proofs_(backend, [this](const auto& due) { containments_.Begin(due); }),
      accounts_(backend),
      enrolments_(backend),
      listed_(backend),
      authenticators_(backend),
      settings_(backend),
      administration_(
          backend, [this] { return sessions_.Count(); },
          [this] { return containments_.Overdue(); }),
      alerts_(backend),
      pruning_(backend) {}

void Routes::KeepHouse() {
  enrolments_.EndExpired();
  pruning_.Start();
}

void Routes::Stop() {
  administration_.Stop();
  containments_.Stop();
}

void Routes::Handle(HttpRequest request, Respond respond) {
  respond = LogIfRefused(request, std::move(respond));
  std::string methods;
  for (const Route& route : Table()) {
    auto arguments = Match(route.pattern, request.path);
    if (!arguments) continue;
    if (route.method == request.method) {
      return Authorise(route, {std::move(*arguments), std::move(request), std::move(respond)});
    }
    methods += (methods.empty() ? "" : ", ") + std::string(route.method);
  }
  if (methods.empty()) return respond(Problem({ErrorCode::kNotFound, "there is no such route"}));
  HttpResponse response = Problem(405, "Method not allowed", "this route has " + methods);
  response.allow = std::move(methods);
  respond(std::move(response));
}

void Routes::Authorise(const Route& route, Call call) {
  const Peer& peer = call.request.peer;
  const bool root = backend_.IsRoot(peer.uid);
  switch (route.who) {
    case Who::kAnyone:
      return Run(route, std::move(call));
    case Who::kRootOnPamSocket:
      if (root && peer.socket == SocketKind::kPam) return Run(route, std::move(call));
      return call.respond(NotAllowed("logins are begun by root on pam.sock"));
    case Who::kRoot:
      if (root && peer.socket == SocketKind::kApi) return Run(route, std::move(call));
      return call.respond(NotAllowed("this needs root"));
    case Who::kRootOrSelf:
    case Who::kSelf:
    case Who::kRootOrProvedSelf:
    case Who::kRootOrCodeProvedSelf:
      if (peer.socket != SocketKind::kApi) break;
      if (root && route.who != Who::kSelf) return Run(route, std::move(call));
      return RunForSelf(route, std::move(call));
    case Who::kConsole: {
      if (peer.socket != SocketKind::kApi) break;
      const auto permission = backend_.may_reset(backend_.config.console, peer);
      if (permission.allowed) return Run(route, std::move(call));
      return call.respond(NotAllowed(permission.reason));
    }
  }
  call.respond(NotAllowed("this is not for pam.sock"));
}

// What is not found under this name may be under another one of the same uid.
Respond Routes::NameTheAccount(const Call& call) {
  return [this, name = call.arguments[0], peer = call.request.peer,
          respond = call.respond](HttpResponse response) {
    if (response.status != 404) return respond(std::move(response));
    auto answer = std::make_shared<HttpResponse>(std::move(response));
    backend_.Identify(backend_.DirectoryFor(peer), name, [=](auto, auto alias_of) {
      respond(alias_of ? Problem(IsAnotherName(name, *alias_of)) : std::move(*answer));
    });
  };
}

// Who has proven himself for an account does so no more once somebody else has changed it.
void Routes::Run(const Route& route, Call call) {
  const bool of_account = route.pattern.starts_with("/v1/accounts/{}");
  if (of_account) call.respond = NameTheAccount(call);
  const bool changes = route.method != "GET" && route.who != Who::kSelf;
  if (changes && (of_account || route.who == Who::kConsole)) {
    call.respond = [this, account = of_account ? call.arguments[0] : "",
                    connection = call.request.peer.connection,
                    respond = std::move(call.respond)](HttpResponse response) {
      if (response.status < 300) proofs_.EndOthers(account, connection);
      respond(std::move(response));
    };
  }
  route.run(*this, std::move(call));
}

// Opening takes marks away; what is still under way for them must not meet who is let in now. Also
// where it is refused: some gates may be open, and only another one waits.
void Routes::ChangeGate(Call call) {
  auto respond = [this, answer = std::move(call.respond)](HttpResponse response) {
    containments_.Resume();
    answer(std::move(response));
  };
  administration_.ChangeGate(call.request, std::move(respond));
}

// Kept under the name that PAM used until the directory has said whose account that is. A gate may
// have closed since PAM's account phase; one that closes from now on finds the session kept.
void Routes::BeginSession(Call call) {
  const auto begun = sessions_.Begin(call.request, std::move(call.respond));
  if (!begun) return;
  containments_.Examine(begun->account, begun->process);
  backend_.Identify(backend_.directory, begun->account,
                    [this, begun = *begun](auto identity, auto alias_of) {
                      if (!identity || !*identity) return;
                      const std::string own = alias_of.value_or((*identity)->name);
                      sessions_.SetAccount(begun.id, own);
                      if (own != begun.account) containments_.Examine(own, begun.process);
                    });
}

// The directory and the stored record must both say that the account is the peer's. One request a
// uid at a time: each may keep a thread of the directory waiting.
void Routes::RunForSelf(const Route& route, Call call) {
  auto turn = Selves::Enter(selves_, call.request.peer.uid);
  if (!turn) {
    return call.respond(Problem({ErrorCode::kBusy, "another request of yours is under way"}));
  }
  call.respond = [turn = std::move(turn),
                  respond = std::move(call.respond)](HttpResponse response) {
    turn->End();
    respond(std::move(response));
  };
  auto shared = std::make_shared<Call>(std::move(call));
  backend_.self_directory.Lookup(shared->arguments[0], [this, &route, shared](auto identity) {
    const uid_t uid = shared->request.peer.uid;
    const bool listed = identity && *identity && uid != kNoUid && (*identity)->uid == uid;
    if (!listed) return shared->respond(NotAllowed("this needs root, or the account's owner"));
    RunForOwner(route, shared, **identity);
  });
}

// The account is the directory's from here on, whatever way the peer wrote it.
void Routes::RunForOwner(const Route& route, const std::shared_ptr<Call>& call,
                         const Identity& owner) {
  call->arguments[0] = owner.name;
  backend_.decider.Read([this, &route, call, owner](Store& store) {
    bool owned = false;
    auto standing = std::make_shared<Result<Proofs::Standing>>(
        Error{ErrorCode::kNotAllowed, "this needs root, or the account's owner"});
    const Status read = ReadRecords(store, {{owner.name, owner.uid}}, [&](const Records& records) {
      const auto& account = records.accounts[0].account;
      owned = !account || account->uid == owner.uid;
      if (owned) *standing = Proofs::FindStanding(records, owner);
    });
    if (!read) owned = false;
    backend_.post([this, &route, call, owned, standing] {
      const bool by_code = route.who == Who::kRootOrCodeProvedSelf;
      const bool changes = by_code || route.who == Who::kRootOrProvedSelf;
      if (!owned || (changes && !*standing)) return call->respond(Problem(standing->error()));
      if (!changes) return Run(route, std::move(*call));
      const Peer& peer = call->request.peer;
      auto refusal = proofs_.FindRefusal(peer, call->arguments[0], **standing, by_code);
      if (refusal) return call->respond(std::move(*refusal));
      if (!selves_->MayChange(peer.uid, backend_.steady_clock())) {
        return call->respond(Problem({ErrorCode::kBusy, "too many changes; wait a minute"}));
      }
      Run(route, std::move(*call));
    });
  });
}

void Routes::ResetAtConsole(Call call) {
  const auto object = ParseObject(call.request.body);
  if (!object) return call.respond(Problem(object.error()));
  const auto account = TextField(*object, "account");
  const auto system = BoolField(*object, "system");
  const auto preview = BoolField(*object, "preview");
  if (!account) return call.respond(Problem(account.error()));
  if (!system) return call.respond(Problem(system.error()));
  if (!preview) return call.respond(Problem(preview.error()));
  if (account->has_value() == system->value_or(false)) {
    return call.respond(Problem(Invalid("name one \"account\", or \"system\": true")));
  }
  const bool look = preview->value_or(false);
  const TimePoint now = backend_.clock();
  if (!*account) {
    return backend_.OnStore([=](Store& store) { return CarryOut(store, {}, look, now); },
                            std::move(call.respond));
  }
  auto reset = [=, this, name = **account, respond = std::move(call.respond)](auto identity,
                                                                              auto alias_of) {
    if (alias_of) return respond(Problem(IsAnotherName(name, *alias_of)));
    ResetRequest wanted{name, std::nullopt};
    if (identity && *identity) wanted = {(*identity)->name, (*identity)->uid};
    backend_.OnStore([=](Store& store) { return CarryOut(store, wanted, look, now); }, respond);
  };
  backend_.Identify(backend_.directory, **account, std::move(reset));
}

}  // namespace sparekey
