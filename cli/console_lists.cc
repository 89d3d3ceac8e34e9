// SPDX-License-Identifier: Apache-2.0
#include "cli/console_lists.h"

#include <algorithm>

#include "cli/console_screen.h"
#include "cli/text.h"

namespace sparekey {
namespace {

constexpr std::size_t kPage = 100;
constexpr std::size_t kMostListed = 1000;
constexpr std::size_t kNameColumns = 25;
constexpr std::size_t kIdColumns = 4;

std::string Padded(std::string text, std::size_t width) {
  text = Cut(std::move(text), width);
  text.resize(width + 1, ' ');
  return text;
}

std::string LineOfLocked(const Json& account) {
  const std::string name = Padded(Ascii(TextOf(account, "account")), kNameColumns);
  if (FlagOf(account, "damaged")) return name + "its record is damaged: entry 4 replaces it";
  const bool super = TextOf(account, "lockout") == "super_locked";
  const std::string since = TextOf(account, super ? "super_locked_since" : "locked_since");
  return Cut(name + (super ? "SUPER-LOCKED " : "locked       ") + "since " + LocalTime(since) +
             ", " +
             (super ? std::to_string(NumberOf(account, "recovery_failures")) + " failed recoveries"
                    : std::to_string(NumberOf(account, "otp_failures")) + " wrong codes"));
}

std::string LineOfEvent(const Json& event) {
  if (FlagOf(event, "damaged")) {
    return "event " + std::to_string(NumberOf(event, "id")) + " is damaged and cannot be read";
  }
  std::string line = LocalTime(TextOf(event, "time")) + "  " + Padded(TextOf(event, "kind"), 20);
  for (const char* key : {"account", "door", "remote_host", "detail"}) {
    const std::string text = TextOf(event, key);
    if (!text.empty()) line += " " + Ascii(text);
  }
  return Cut(std::move(line));
}

// Folded to the screen's width.
void AddLine(std::vector<std::string>& lines, const std::string& text, std::size_t indent = 2) {
  const std::string folded = Fold(text, kScreenColumns, indent);
  for (std::size_t begin = 0, end = 0; begin <= folded.size(); begin = end + 1) {
    end = std::min(folded.find('\n', begin), folded.size());
    lines.push_back(folded.substr(begin, end - begin));
  }
}

// ---- alerts

// The menu's entry that alone settles it; 0: it can be acknowledged.
int EntryThatSettles(const Json& alert) {
  const std::string kind = TextOf(alert, "kind");
  if (kind == "super_lockout") return TextOf(alert, "account").empty() ? 1 : 4;
  return kind == "gate_closed" ? 2 : kind == "two_factor_off" ? 7 : 0;
}

std::string TextOfAlert(const Json& alert) {
  if (FlagOf(alert, "damaged")) return "is damaged and can be neither read nor acknowledged";
  const std::int64_t count = NumberOf(alert, "count");
  return Ascii(TextOf(alert, "text")) + (count > 1 ? " (" + std::to_string(count) + " times)" : "");
}

void AddAlerts(std::vector<std::string>& lines, const std::vector<Json>& alerts) {
  AddLine(lines, alerts.empty() ? "Alerts: none" : "Alerts:");
  for (const Json& alert : alerts) {
    const int entry = EntryThatSettles(alert);
    std::string id = std::to_string(NumberOf(alert, "id"));
    id.insert(0, kIdColumns - std::min(id.size(), kIdColumns), ' ');
    const std::string since =
        FlagOf(alert, "damaged") ? "" : LocalTime(TextOf(alert, "since")) + "  ";
    AddLine(lines,
            id + "  " + since + TextOfAlert(alert) +
                (entry != 0 ? " [only entry " + std::to_string(entry) + " settles it]" : ""),
            kIdColumns + 2);
  }
  if (alerts.size() == kPage) AddLine(lines, "... and more: sparekey alerts list shows all");
}

// true: it is not open any more.
bool Acknowledge(ConsolePlace& place, const Json& alert) {
  const std::string id = std::to_string(NumberOf(alert, "id"));
  Tell("This takes alert " + id + " off the open alerts: somebody has seen it. It mends nothing.");
  if (!Agree("Acknowledge it?")) {
    Tell("It stays open.");
    return false;
  }
  const Answer done = place.Send("POST", "/v1/alerts/" + id + "/acknowledgement", SecretJson());
  if (!done.ok()) {
    TellFailure(*done.failure);
    return false;
  }
  Tell("Acknowledged: " + TextOfAlert(alert));
  return true;
}

void OfferToAcknowledge(ConsolePlace& place, std::vector<Json> open) {
  while (!open.empty()) {
    const Typed typed = AskLine("Number of an alert to acknowledge (Enter: what happened last): ");
    if (!typed.given || typed.text.empty()) return;
    const auto chosen = std::find_if(open.begin(), open.end(), [&typed](const Json& alert) {
      return std::to_string(NumberOf(alert, "id")) == typed.text;
    });
    if (chosen == open.end()) {
      Tell("'" + Cut(Ascii(typed.text), 30) + "' is no number of an alert to acknowledge.");
    } else if (Acknowledge(place, *chosen)) {
      open.erase(chosen);
    }
  }
}

}  // namespace

bool ShowLockedAccounts(ConsolePlace& place) {
  std::vector<std::string> lines;
  std::string after;
  do {
    const Answer page = place.Look("/v1/accounts?locked=1&limit=" + std::to_string(kPage) +
                                   "&after=" + PercentEncode(after));
    if (!page.ok()) return TellFailure(*page.failure), false;
    const Json& json = page.body.Expose();
    for (const Json& account : ListOf(json, "accounts")) lines.push_back(LineOfLocked(account));
    after = TextOf(json, "next");
  } while (!after.empty() && lines.size() < kMostListed);
  if (!after.empty()) lines.push_back("... and more: sparekey user list shows all");
  if (lines.empty()) {
    Tell("No account is locked by itself. (A super-lockout of the system is told above.)");
    return false;
  }
  ShowPages(lines);
  return true;
}

void ShowAlertsAndEvents(ConsolePlace& place, bool super_locked) {
  Answer alerts = place.Look("/v1/alerts?state=open&limit=" + std::to_string(kPage));
  if (!alerts.ok()) return TellFailure(*alerts.failure);
  std::vector<std::string> lines;
  std::vector<Json> open(ListOf(alerts.body.Expose(), "alerts").begin(),
                         ListOf(alerts.body.Expose(), "alerts").end());
  AddAlerts(lines, open);
  std::erase_if(open, [](const Json& alert) {
    return FlagOf(alert, "damaged") || EntryThatSettles(alert) != 0;
  });
  if (super_locked && !open.empty()) {
    AddLine(lines, "None can be acknowledged before the super-lockout has ended: entry 1.");
  } else if (!open.empty()) {
    if (!ShowPages(lines)) return;
    OfferToAcknowledge(place, std::move(open));
    lines.clear();
  }
  const Answer events = place.Look("/v1/events?limit=" + std::to_string(kPage));
  if (!events.ok()) return TellFailure(*events.failure);
  AddLine(lines, "Events, newest first:");
  for (const Json& event : ListOf(events.body.Expose(), "events")) {
    AddLine(lines, "  " + LineOfEvent(event));
  }
  ShowPages(lines);
}

}  // namespace sparekey
