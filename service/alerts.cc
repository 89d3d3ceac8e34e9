// SPDX-License-Identifier: Apache-2.0
#include "service/alerts.h"

#include <charconv>
#include <limits>
#include <memory>
#include <utility>

#include "service/account_step.h"
#include "service/notify.h"
#include "service/query.h"

namespace sparekey {
namespace {

constexpr std::chrono::seconds kTestTime{90};
constexpr std::chrono::hours kReportEvery{1};
constexpr std::size_t kMostReported = 1024;

HttpResponse ListPage(Store& store, const AlertQuery& query) {
  const auto alerts = store.ListAlerts(query);
  if (!alerts) return Problem(alerts.error());
  Json list = Json::array();
  for (const Alert& alert : *alerts) list.push_back(ToJson(alert));
  return Reply(200, {{"alerts", list}});
}

Result<Alert> FindAlert(Store& store, std::int64_t id) {
  Alert found;
  Work look{{}, [&found](Records& records) -> Result<Changes> {
              found = *records.alert;
              return Changes{};
            }};
  look.alert = id;
  store.Run({&look, 1});
  if (!look.status) return look.status.error();
  return found;
}

// Rule 10 holds here as for every change: of the system, and of the account that it is about.
Result<Changes> AcknowledgeStep(const Records& records, TimePoint now) {
  const Alert& alert = *records.alert;
  const bool known = !records.accounts.empty() && records.accounts[0].account;
  const Status open =
      RefuseWhileSuperLocked(records.system, known ? &*records.accounts[0].account : nullptr);
  if (!open) return open.error();
  const Status possible = CheckAcknowledgeable(alert);
  if (!possible) return possible.error();
  Changes changes;
  if (alert.acknowledged) return changes;
  Event event;
  event.kind = EventKind::kAlertAcknowledged;
  event.account = alert.account;
  event.detail = ToString(alert.kind);
  event.time = now;
  changes.events.push_back(std::move(event));
  return changes;
}

// A record that is damaged must not keep its own alert open.
HttpResponse CarryOutAcknowledgement(Store& store, std::int64_t id, TimePoint now) {
  const auto alert = FindAlert(store, id);
  if (!alert) return Problem(alert.error());
  Work work{{}, [now](Records& records) { return AcknowledgeStep(records, now); }, Ok(), true};
  if (!alert->account.empty()) work.accounts.push_back({alert->account, std::nullopt});
  work.alert = id;
  store.Run({&work, 1});
  if (!work.status) return Problem(work.status.error());
  Alert acknowledged = *alert;
  acknowledged.acknowledged = true;
  return Reply(200, ToJson(acknowledged));
}

Json ToJson(const Notifier::Delivery& delivery, const std::string& folder) {
  Json hooks = Json::array();
  Json passed_over = Json::array();
  for (const HookRun& run : delivery.runs) {
    hooks.push_back({{"name", run.name},
                     {"result", ToString(run.end)},
                     {"status", run.status},
                     {"milliseconds", run.time.count()},
                     {"said", run.said}});
  }
  for (const PassedOver& one : delivery.found.passed_over) {
    passed_over.push_back({{"name", one.name}, {"reason", one.reason}});
  }
  return {{"event", delivery.event},
          {"folder", folder},
          {"hooks", hooks},
          {"passed_over", passed_over}};
}

Event TestEvent(TimePoint now) {
  Event event;
  event.kind = EventKind::kTest;
  event.detail = "asked for by an administrator";
  event.time = now;
  return event;
}

// Answers the first time, whoever comes first: the hooks, an error or the end of the time.
Respond Once(Respond respond) {
  auto waiting = std::make_shared<Respond>(std::move(respond));
  return [waiting](HttpResponse response) {
    if (*waiting) std::exchange(*waiting, nullptr)(std::move(response));
  };
}

}  // namespace

Json ToJson(const Alert& alert) {
  if (alert.damaged) return {{"id", alert.id}, {"damaged", true}};
  return {{"id", alert.id},
          {"kind", ToString(alert.kind)},
          {"account", alert.account.empty() ? Json(nullptr) : Json(alert.account)},
          {"state", alert.acknowledged ? "acknowledged" : "open"},
          {"since", FormatTime(alert.since)},
          {"last", FormatTime(alert.last)},
          {"count", alert.count},
          {"text", AlertText(alert)}};
}

void Alerts::List(const HttpRequest& request, Respond respond) const {
  const auto query = ParseQuery(request.query);
  const auto after = QueryNumber(query, "after_id", 0, std::numeric_limits<std::int64_t>::max(), 0);
  const auto limit = QueryNumber(query, "limit", 1, 1000, 100);
  const std::string state = QueryText(query, "state");
  if (!after) return respond(Problem(after.error()));
  if (!limit) return respond(Problem(limit.error()));
  AlertQuery wanted;
  wanted.after_id = *after;
  wanted.limit = static_cast<std::size_t>(*limit);
  if (state == "open" || state == "acknowledged") {
    wanted.acknowledged = state == "acknowledged";
  } else if (!state.empty()) {
    return respond(Problem(Invalid("\"state\" must be open or acknowledged")));
  }
  backend_.OnStore([wanted](Store& store) { return ListPage(store, wanted); }, std::move(respond));
}

void Alerts::Acknowledge(const std::string& id, Respond respond) const {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size()) {
    return respond(Problem({ErrorCode::kNotFound, "an alert's id is a number"}));
  }
  backend_.OnStore([number, now = backend_.clock()](
                       Store& store) { return CarryOutAcknowledgement(store, number, now); },
                   std::move(respond));
}

void Alerts::Test(Respond respond) const {
  if (backend_.notifier == nullptr) {
    return respond(Problem({ErrorCode::kUnavailable, "nobody is notified here"}));
  }
  respond = Once(std::move(respond));
  backend_.notifier->OnTest([post = backend_.post, respond,
                             folder = backend_.notifier->folder()](Notifier::Delivery delivery) {
    auto told = std::make_shared<Notifier::Delivery>(std::move(delivery));
    post([respond, told, folder] {
      if (told->failure.empty()) return respond(Reply(200, ToJson(*told, folder)));
      respond(Problem({ErrorCode::kConflict, told->failure}));
    });
  });
  auto record = [now = backend_.clock()](Records& records) -> Result<Changes> {
    const Status open = RefuseWhileSuperLocked(records.system, nullptr);
    if (!open) return open.error();
    Changes changes;
    changes.events.push_back(TestEvent(now));
    return changes;
  };
  auto done = [post = backend_.post, respond](Status status) {
    if (status) return;
    auto failed = std::make_shared<Error>(status.error());
    post([respond, failed] { respond(Problem(*failed)); });
  };
  backend_.decider.Submit({}, std::move(record),
                          std::chrono::steady_clock::now() + kRequestDeadline, std::move(done));
  backend_.after(kTestTime, [respond] {
    respond(Problem({ErrorCode::kBusy, "the hooks have not ended yet; see sparekeyd's log"}));
  });
}

void DamageReports::Report(const std::string& account, const Error& error) {
  if (error.code != ErrorCode::kDamaged) return;
  const auto now = backend_.steady_clock();
  std::erase_if(reported_, [now](const auto& one) { return now - one.second >= kReportEvery; });
  if (reported_.size() >= kMostReported || !reported_.try_emplace(account, now).second) return;
  Event event;
  event.kind = EventKind::kUnsealingFailed;
  event.account = account;
  event.detail = error.message;
  event.time = backend_.clock();
  auto record = [event](Records&) -> Result<Changes> {
    Changes changes;
    changes.events.push_back(event);
    return changes;
  };
  // The decider may call it when this has ended; what is posted then is not run.
  auto done = [this, post = backend_.post, account](Status status) {
    if (!status) post([this, account] { reported_.erase(account); });
  };
  backend_.decider.Submit({}, std::move(record),
                          std::chrono::steady_clock::now() + kRequestDeadline, std::move(done));
}

}  // namespace sparekey
