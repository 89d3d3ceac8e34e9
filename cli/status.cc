// SPDX-License-Identifier: Apache-2.0
#include "cli/status.h"

#include <unistd.h>

#include "cli/commands.h"
#include "cli/context.h"

namespace sparekey {
namespace {

std::string Line(std::string_view title, const std::string& text) {
  std::string line(title);
  line.resize(14, ' ');
  return line + text + '\n';
}

std::string Lit(Colour colour, const std::string& text) {
  return Coloured(STDOUT_FILENO, colour, Escape(text));
}

std::string LockoutText(const Json& status) {
  if (TextOf(status, "lockout") != "super_locked") return Lit(Colour::kGood, "none");
  std::string causes;
  for (const Json& cause : ListOf(status, "lockout_causes")) {
    if (cause.is_string()) causes += (causes.empty() ? "" : ", ") + cause.get<std::string>();
  }
  return Lit(Colour::kBad, "SUPER-LOCKED since " + LocalTime(TextOf(status, "lockout_since")) +
                               (causes.empty() ? "" : ", caused by " + causes)) +
         "\n              Reset it at the local console with: sparekey console";
}

std::string GateText(const Json& status) {
  if (TextOf(status, "ssh_gate") == "open") return Lit(Colour::kGood, "open");
  return Lit(Colour::kBad, "CLOSED since " + LocalTime(TextOf(status, "ssh_gate_since"))) + ": " +
         Escape(TextOf(status, "ssh_gate_reason")) +
         "\n              Open it with: sparekey ssh enable";
}

std::string AccountsText(const Json& accounts) {
  const auto number = [&accounts](const char* key) {
    return std::to_string(NumberOf(accounts, key));
  };
  return number("active") + " enrolled, " + number("pending") + " pending, " + number("locked") +
         " locked, " + number("super_locked") + " super-locked";
}

std::string AlertsText(const Json& status) {
  constexpr std::int64_t kShown = 10;
  constexpr char kNext[] = "\n              ";
  const std::string problem = TextOf(status, "alerts_problem");
  if (!problem.empty()) return Lit(Colour::kBad, "UNKNOWN: " + Escape(problem));
  std::string text;
  std::int64_t shown = 0;
  for (const Json& alert : ListOf(status, "alerts")) {
    if (shown == kShown) break;
    text += shown++ == 0 ? "" : kNext;
    const std::string what = FlagOf(alert, "damaged") ? "a damaged alert" : TextOf(alert, "text");
    text += Lit(Colour::kWarning, LocalTime(TextOf(alert, "since")) + "  " + what);
  }
  const std::int64_t more = NumberOf(status, "alerts_open") - shown;
  if (more > 0) text += kNext + std::to_string(more) + " more: sparekey alerts list";
  return shown == 0 ? "none" : text;
}

std::string ClockText(const Json& clock) {
  const std::string now = LocalTime(TextOf(clock, "now"));
  if (FlagOf(clock, "usable")) return now;
  return Lit(Colour::kBad, now + ": WRONG, no time-based code is accepted");
}

}  // namespace

std::string StatusText(const Json& status) {
  const Json& store = ObjectOf(status, "store");
  return Line("Service", Escape(TextOf(status, "version")) + ", running since " +
                             LocalTime(TextOf(status, "started"))) +
         Line("Two-factor", FlagOf(status, "enabled") ? "on" : Lit(Colour::kWarning, "off")) +
         Line("Lockout", LockoutText(status)) + Line("SSH gate", GateText(status)) +
         Line("Accounts", AccountsText(ObjectOf(status, "accounts"))) +
         Line("SSH sessions", std::to_string(NumberOf(status, "sessions"))) +
         Line("Alerts", AlertsText(status)) + Line("Clock", ClockText(ObjectOf(status, "clock"))) +
         Line("Store", Escape(TextOf(store, "path")) +
                           (store.contains("schema")
                                ? " (schema " + std::to_string(NumberOf(store, "schema")) + ')'
                                : ""));
}

int RunStatus(Context& context, const Invocation&) {
  Api api = context.OpenApi();
  const Answer answer = api.Get("/v1/status");
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, answer.body.Expose(), StatusText(answer.body.Expose()));
}

}  // namespace sparekey
