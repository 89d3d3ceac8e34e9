// SPDX-License-Identifier: Apache-2.0
#include "service/administration.h"

#include <utility>

#include "core/sqlite_store.h"
#include "lockout/transitions.h"
#include "service/account_step.h"
#include "service/alerts.h"
#include "service/json.h"
#include "service/logging.h"
#include "service/query.h"
#include "version.h"

namespace sparekey {
namespace {

constexpr std::size_t kAlertsShown = 100;
constexpr std::chrono::seconds kFollowTime{25};
constexpr std::chrono::milliseconds kFollowEvery{250};
constexpr char kByAdministrator[] = "closed by an administrator";

// The gates as they are. A record that is damaged is named in the log of whoever reads it and left
// out here: it must not stand between an administrator and the gate.
HttpResponse DescribeGates(Store& store) {
  SystemState system;
  const Status read =
      ReadRecords(store, {}, [&](const Records& records) { system = records.system; });
  if (!read) return Problem(read.error());
  const auto names = store.ListClosedGates();
  if (!names) return Problem(names.error());
  Json accounts = Json::array();
  for (const std::string& name : *names) {
    const Status shown = ReadRecords(store, {{name, std::nullopt}}, [&](const Records& records) {
      const auto& account = records.accounts[0].account;
      if (!account || !account->gate) return;
      accounts.push_back({{"account", name},
                          {"since", FormatTime(account->gate->since)},
                          {"reason", account->gate->reason}});
    });
    if (!shown) Log(LogLevel::kError, EscapeForLog(name + ": " + shown.error().message));
  }
  Json body = GateJson(system.gate);
  body["accounts"] = accounts;
  return Reply(200, body);
}

struct GateChange {
  bool open = false;
  TimePoint now;
  std::set<std::string> overdue;  // containments that opening waits for no more

  // The system's (`owner` empty) or an account's.
  template <typename Owner>
  void Apply(Owner& record, const std::string& owner, std::vector<Event>& events) const {
    if (open) {
      OpenGate(record, now, events);
    } else {
      CloseGate(record.gate, owner, kByAdministrator, now, events);
    }
  }

  // Who is let in again must not be thrown out by what is still under way.
  Status Wait(const std::optional<Containment>& due, const std::string& owner) const {
    if (!open || !due || overdue.contains(owner)) return Ok();
    return Error{ErrorCode::kBusy,
                 "SSH sessions are still being ended (" + due->reason + "); try again in a moment"};
  }
};

// Opening is refused under a super-lockout; closing never is.
Result<Changes> MoveAccountGate(Records& records, const AccountKey& key, const GateChange& change) {
  auto& account = records.accounts[0].account;
  if (!account && (change.open || !key.uid)) return NotEnrolled(key.name);
  const Status allowed = change.open ? RefuseWhileSuperLocked(records.system, &*account) : Ok();
  if (!allowed) return allowed.error();
  if (account) {
    if (Status free = change.Wait(account->containment, key.name); !free) return free.error();
  } else {
    account.emplace();
    account->name = key.name;
    account->uid = *key.uid;
  }
  Changes changes{{0}, false, false, {}};
  change.Apply(*account, account->name, changes.events);
  return changes;
}

Result<Changes> MoveSystemGate(Records& records, const GateChange& change) {
  const Status allowed = change.open ? RefuseWhileSuperLocked(records.system, nullptr) : Ok();
  if (!allowed) return allowed.error();
  if (Status free = change.Wait(records.system.containment, ""); !free) return free.error();
  Changes changes{{}, true, false, {}};
  change.Apply(records.system, "", changes.events);
  return changes;
}

HttpResponse MoveOneGate(Store& store, const AccountKey& key, const GateChange& change) {
  const Status status = RunStep(
      store, {key}, [&](Records& records) { return MoveAccountGate(records, key, change); });
  return status ? DescribeGates(store) : Problem(status.error());
}

// Opening the system's gate opens every account's too, in one commit; those of accounts that are
// super-locked themselves, or damaged, or still being contained, stay closed; the last are told.
HttpResponse MoveAllGates(Store& store, const GateChange& change) {
  std::vector<AccountKey> keys;
  if (change.open) {
    const auto names = store.ListClosedGates();
    if (!names) return Problem(names.error());
    for (const std::string& name : *names) keys.push_back({name, std::nullopt});
  }
  std::vector<Work> works;
  works.push_back({{}, [&](Records& records) { return MoveSystemGate(records, change); }, Ok()});
  for (const AccountKey& key : keys) {
    works.push_back(
        {{key}, [&](Records& records) { return MoveAccountGate(records, key, change); }, Ok()});
  }
  store.Run(works);
  if (!works[0].status) return Problem(works[0].status.error());
  for (const Work& work : works) {
    const bool waits = !work.status && work.status.error().code == ErrorCode::kBusy;
    if (waits) return Problem(work.status.error());
  }
  return DescribeGates(store);
}

// The open ones that are shown, and how many there are. Where they cannot be read, all else of the
// status still counts.
Json OpenAlertsJson(Store& store) {
  const auto first = store.ListAlerts({0, false, kAlertsShown});
  const auto all = store.CountOpenAlerts();
  if (!first || !all) {
    return {{"alerts", Json::array()},
            {"alerts_open", nullptr},
            {"alerts_problem", first ? all.error().message : first.error().message}};
  }
  Json list = Json::array();
  for (const Alert& alert : *first) list.push_back(ToJson(alert));
  return {{"alerts", list}, {"alerts_open", *all}, {"alerts_problem", nullptr}};
}

Json StatusJson(const Records& records, const AccountCounts& counts) {
  const auto& super = records.system.super_locked;
  const auto& gate = records.system.gate;
  return {{"version", kVersion},
          {"lockout", super ? "super_locked" : "none"},
          {"lockout_since", super ? Json(FormatTime(super->since)) : Json(nullptr)},
          {"lockout_causes", super ? Json(super->causes) : Json::array()},
          {"ssh_gate", gate ? "closed" : "open"},
          {"ssh_gate_since", gate ? Json(FormatTime(gate->since)) : Json(nullptr)},
          {"ssh_gate_reason", gate ? Json(gate->reason) : Json(nullptr)},
          {"accounts",
           {{"none", counts.none},
            {"active", counts.active},
            {"pending", counts.pending},
            {"locked", counts.locked},
            {"super_locked", counts.super_locked}}},
          {"enabled", records.policy.enabled}};
}

}  // namespace

Administration::Administration(const Backend& backend, std::function<std::size_t()> count_sessions,
                               OverdueContainments overdue_containments)
    : backend_(backend),
      count_sessions_(std::move(count_sessions)),
      overdue_containments_(std::move(overdue_containments)),
      started_(backend.clock()) {}

void Administration::ShowGate(Respond respond) const {
  backend_.OnStore(DescribeGates, std::move(respond));
}

void Administration::ChangeGate(const HttpRequest& request, Respond respond) const {
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  const auto state = TextField(*object, "state");
  const auto account = TextField(*object, "account");
  if (!state) return respond(Problem(state.error()));
  if (!account) return respond(Problem(account.error()));
  if (*state != "open" && *state != "closed") {
    return respond(Problem(Invalid("\"state\" must be open or closed")));
  }
  const GateChange change{*state == "open", backend_.clock(), overdue_containments_()};
  if (!*account) {
    return backend_.OnStore([change](Store& store) { return MoveAllGates(store, change); },
                            std::move(respond));
  }
  auto move = [this, change, name = **account, respond = std::move(respond)](auto identity,
                                                                             auto alias_of) {
    const AccountKey key = alias_of ? AccountKey{*alias_of, std::nullopt} : MakeKey(name, identity);
    backend_.OnStore([change, key](Store& store) { return MoveOneGate(store, key, change); },
                     respond);
  };
  backend_.Identify(backend_.directory, **account, std::move(move));
}

void Administration::ShowStatus(Respond respond) const {
  const Clock clock = backend_.Now();
  auto answer = [=, this, sessions = count_sessions_()](Store& store) {
    const auto counts = store.CountAccounts();
    if (!counts) return Problem(counts.error());
    Json body;
    const Status read = ReadRecords(
        store, {}, [&](const Records& records) { body = StatusJson(records, *counts); });
    if (!read) return Problem(read.error());
    body.update(OpenAlertsJson(store));
    body["started"] = FormatTime(started_);
    body["sessions"] = sessions;
    body["clock"] = {{"now", FormatTime(clock.now)}, {"usable", clock.now >= clock.built}};
    body["store"] = {{"path", backend_.config.state_dir}, {"schema", kSchemaVersion}};
    return Reply(200, body);
  };
  backend_.OnStore(std::move(answer), std::move(respond));
}

void Administration::CheckStore(const HttpRequest& request, Respond respond) const {
  auto check = [from = QueryText(ParseQuery(request.query), "from")](Store& store) {
    const auto piece = store.Check(from, {});
    if (!piece) return Problem(piece.error());
    return Reply(200, {{"rows", piece->rows},
                       {"damage", piece->damage},
                       {"structure", piece->structure},
                       {"next", piece->next ? Json(*piece->next) : Json(nullptr)}});
  };
  backend_.OnStore(std::move(check), std::move(respond));
}

void Administration::ShowEvents(const HttpRequest& request, Respond respond) {
  const auto query = ParseQuery(request.query);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  const auto after = QueryNumber(query, "after_id", 0, kMost, -1);
  const auto before = QueryNumber(query, "before_id", 0, kMost, -1);
  const auto limit = QueryNumber(query, "limit", 1, 1000, 100);
  for (const auto* number : {&after, &before, &limit}) {
    if (!*number) return respond(Problem(number->error()));
  }
  EventQuery wanted;
  if (const std::string account = QueryText(query, "account"); !account.empty()) {
    wanted.account = account;
  }
  if (const std::string since = QueryText(query, "since"); !since.empty()) {
    wanted.since = ParseTime(since);
    if (!wanted.since) {
      return respond(Problem(Invalid("\"since\" must be a time like 2026-11-23T14:02:00Z")));
    }
  }
  if (*after >= 0) wanted.after_id = *after;
  if (*before >= 0) wanted.before_id = *before;
  wanted.limit = static_cast<std::size_t>(*limit);
  const bool follow = wanted.after_id && QueryText(query, "follow") == "1";
  const auto now = std::chrono::steady_clock::now();
  Follow(wanted, follow ? now + kFollowTime : now, std::move(respond));
}

// Reads again every now and then until there is something or the time is over.
void Administration::Follow(const EventQuery& query, std::chrono::steady_clock::time_point until,
                            Respond respond) {
  backend_.decider.Read([=, this](Store& store) {
    auto page = std::make_shared<Result<EventPage>>(store.ReadEvents(query));
    backend_.post([=, this] {
      if (!*page) return respond(Problem(page->error()));
      const auto& [events, next] = **page;
      if (events.empty() && !next && !stopping_ && std::chrono::steady_clock::now() < until) {
        return backend_.after(kFollowEvery, [=, this] { Follow(query, until, respond); });
      }
      Json list = Json::array();
      for (const Event& event : events) list.push_back(ToJson(event));
      respond(Reply(200, {{"events", list}, {"next", next ? Json(*next) : Json(nullptr)}}));
    });
  });
}

}  // namespace sparekey
