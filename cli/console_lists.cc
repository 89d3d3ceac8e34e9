// SPDX-License-Identifier: Apache-2.0
#include "cli/console_lists.h"

#include "cli/console_screen.h"
#include "cli/text.h"

namespace sparekey {
namespace {

constexpr std::size_t kPage = 100;
constexpr std::size_t kMostListed = 1000;
constexpr std::size_t kNameColumns = 25;

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

void ShowAlertsAndEvents(ConsolePlace& place) {
  const Answer status = place.Look("/v1/status");
  if (!status.ok()) return TellFailure(*status.failure);
  const Answer events = place.Look("/v1/events?limit=" + std::to_string(kPage));
  std::vector<std::string> lines;
  const auto add = [&lines](const std::string& text) {
    const std::string folded = Fold(text, kScreenColumns, 2);
    for (std::size_t begin = 0, end = 0; begin <= folded.size(); begin = end + 1) {
      end = std::min(folded.find('\n', begin), folded.size());
      lines.push_back(folded.substr(begin, end - begin));
    }
  };
  const Json& alerts = ListOf(status.body.Expose(), "alerts");
  add(alerts.empty() ? "Alerts: none" : "Alerts:");
  for (const Json& alert : alerts) {
    add("  " + LocalTime(TextOf(alert, "since")) + "  " + Ascii(TextOf(alert, "text")));
  }
  add("Events, newest first:");
  for (const Json& event : ListOf(events.body.Expose(), "events")) add("  " + LineOfEvent(event));
  if (!ShowPages(lines)) return;
  if (!events.ok()) return TellFailure(*events.failure);
  AskLine("-- Enter to go back: ");
}

}  // namespace sparekey
