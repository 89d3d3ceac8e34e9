// SPDX-License-Identifier: Apache-2.0
// alerts list, acknowledge, test: what waits for an administrator, and whether anybody is told.
#include <unistd.h>

#include "cli/commands.h"
#include "cli/context.h"

namespace sparekey {
namespace {

constexpr std::int64_t kPage = 100;  // logins wait behind a page
constexpr std::chrono::milliseconds kTestDeadline{100'000};  // the service answers within 90 s

// By pages, oldest first.
Answer LoadAlerts(Api& api, bool all) {
  Json alerts = Json::array();
  std::int64_t after = 0;
  for (bool more = true; more;) {
    const Answer page = api.Get("/v1/alerts?limit=" + std::to_string(kPage) +
                                "&after_id=" + std::to_string(after) + (all ? "" : "&state=open"));
    if (!page.ok()) return Answer{page.failure, {}};
    const Json& list = ListOf(page.body.Expose(), "alerts");
    for (const Json& alert : list) alerts.push_back(alert);
    more = static_cast<std::int64_t>(list.size()) == kPage;
    if (more) after = NumberOf(list.back(), "id");
  }
  return Answer{{}, SecretJson(Json{{"alerts", std::move(alerts)}})};
}

std::string AlertsTable(const Json& alerts) {
  if (alerts.empty()) return "No alert is open.\n";
  std::vector<std::vector<std::string>> rows;
  for (const Json& alert : alerts) {
    const std::string id = std::to_string(NumberOf(alert, "id"));
    if (FlagOf(alert, "damaged")) {
      rows.push_back({id, "-", "-", "is damaged and cannot be read"});
      continue;
    }
    const std::int64_t count = NumberOf(alert, "count");
    rows.push_back(
        {id, LocalTime(TextOf(alert, "since")), TextOf(alert, "state"),
         TextOf(alert, "text") + (count > 1 ? " (" + std::to_string(count) + " times)" : "")});
  }
  return Table(rows);
}

std::string RunText(const Json& run) {
  const std::string result = TextOf(run, "result");
  std::string text = result;
  if (result == "failed") text += " with exit status " + std::to_string(NumberOf(run, "status"));
  if (result == "killed") text += " by signal " + std::to_string(NumberOf(run, "status"));
  return text + " after " + std::to_string(NumberOf(run, "milliseconds")) + " ms";
}

std::string TestText(const Json& test) {
  std::vector<std::vector<std::string>> rows;
  for (const Json& run : ListOf(test, "hooks")) {
    rows.push_back({TextOf(run, "name"), RunText(run)});
    for (const Json& line : ListOf(run, "said")) {
      if (line.is_string()) rows.push_back({"", line.get<std::string>()});
    }
  }
  for (const Json& one : ListOf(test, "passed_over")) {
    rows.push_back({TextOf(one, "name"), "passed over: " + TextOf(one, "reason")});
  }
  const std::string folder = Escape(TextOf(test, "folder"));
  if (ListOf(test, "hooks").empty()) {
    return "Nobody is notified: there is no program to run in " + folder + ".\n" + Table(rows);
  }
  return "Test notification to the programs in " + folder + ":\n" + Table(rows);
}

bool IsDone(const Json& test) {
  const Json& runs = ListOf(test, "hooks");
  for (const Json& run : runs) {
    if (TextOf(run, "result") != "done") return false;
  }
  return !runs.empty();
}

}  // namespace

int RunAlertsList(Context& context, const Invocation& invocation) {
  Api api = context.OpenApi();
  const Answer answer = LoadAlerts(api, invocation.Has("all"));
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, answer.body.Expose(), AlertsTable(ListOf(answer.body.Expose(), "alerts")));
}

int RunAlertsAcknowledge(Context& context, const Invocation& invocation) {
  Api api = context.OpenApi();
  const Answer answer = api.Send(
      "POST", "/v1/alerts/" + PercentEncode(invocation.First()) + "/acknowledgement", SecretJson());
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, answer.body.Expose(),
                "Acknowledged: " + Escape(TextOf(answer.body.Expose(), "text")) + '\n');
}

int RunAlertsTest(Context& context, const Invocation&) {
  Api api = context.OpenApi();
  const Answer answer = api.Send("POST", "/v1/alerts/test", SecretJson(), kTestDeadline);
  if (!answer.ok()) return Fail(context, *answer.failure);
  const Json& test = answer.body.Expose();
  Finish(context, test, TestText(test));
  return End(IsDone(test) ? ExitStatus::kDone : ExitStatus::kDenied);
}

}  // namespace sparekey
