// SPDX-License-Identifier: Apache-2.0
// user show, remove, unlock, confirm.
#include <pwd.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/authenticator_text.h"
#include "cli/commands.h"
#include "cli/confirmation.h"
#include "cli/context.h"
#include "cli/prompt.h"
#include "cli/user_list.h"

namespace sparekey {
namespace {

std::string Since(const Json& account, std::string_view key) {
  const std::string time = TextOf(account, key);
  return time.empty() ? "" : " since " + LocalTime(time);
}

std::string GateText(const Json& account) {
  std::string text = TextOf(account, "ssh_gate") + Since(account, "ssh_gate_since");
  const std::string reason = TextOf(account, "ssh_gate_reason");
  return reason.empty() ? text : text + " (" + reason + ')';
}

std::string LockoutText(const Json& account) {
  const std::string lockout = TextOf(account, "lockout");
  return lockout +
         Since(account, lockout == "super_locked" ? "super_locked_since" : "locked_since");
}

std::string AuthenticatorText(const Json& one) {
  const std::string used = LastUsedText(one);
  return TextOf(one, "label") + ": " + CodesText(one) + ", " +
         (used == "never" ? "never used" : "last used " + used);
}

std::string AccountText(const Json& account) {
  std::vector<std::vector<std::string>> rows = {
      {"Account", TextOf(account, "account") + " (uid " + UidText(account) +
                      (FlagOf(account, "administrator") ? ", administrator)" : ")")},
      {"Enrolment", TextOf(account, "enrolment") +
                        (FlagOf(account, "must_enrol") ? ", must enrol before logging in" : "")},
      {"Lockout", LockoutText(account)},
      {"Wrong one-time codes", std::to_string(NumberOf(account, "otp_failures")) + " in a row, " +
                                   std::to_string(NumberOf(account, "otp_budget_left")) +
                                   " left in the budget"},
      {"Failed recoveries", std::to_string(NumberOf(account, "recovery_failures"))},
      {"Backup codes left", std::to_string(NumberOf(account, "codes_left"))},
      {"SSH gate", GateText(account)}};
  const std::string login = TextOf(account, "last_login");
  rows.push_back({"Last login", login.empty() ? "never" : LocalTime(login)});
  for (const Json& authenticator : ListOf(account, "authenticators")) {
    rows.push_back({"Authenticator", AuthenticatorText(authenticator)});
  }
  const Json& pending = ObjectOf(account, "pending");
  if (!pending.empty()) {
    rows.push_back({FlagOf(pending, "renews") ? "Renewal not confirmed" : "Not confirmed yet",
                    TextOf(pending, "label") + Since(pending, "since")});
  }
  return Table(rows);
}

}  // namespace

int RunUserShow(Context& context, const Invocation& invocation) {
  std::string name(invocation.First());
  if (invocation.arguments.empty()) {
    const passwd* const user = getpwuid(getuid());
    if (user == nullptr) return Fail(context, Invalid("your uid has no name; give NAME"));
    name = user->pw_name;
  }
  const Status named = CheckName("NAME", name);
  if (!named.ok()) return Fail(context, named.error());
  Api api = context.OpenApi();
  const Answer answer = api.Get(AccountTarget(name));
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, answer.body.Expose(), AccountText(answer.body.Expose()));
}

int RunUserRemove(Context& context, const Invocation& invocation) {
  const std::string name(invocation.First());
  const Status named = CheckName("NAME", name);
  if (!named.ok()) return Fail(context, named.error());
  const Status sure =
      AskFirst(invocation.Has("yes"), "The authenticators and backup codes of " + name +
                                          " become void; nobody asks for its codes any more.");
  if (!sure.ok()) return Fail(context, sure.error());
  Api api = context.OpenApi();
  const Answer answer = api.Send("DELETE", AccountTarget(name), SecretJson());
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, {{"account", name}, {"enrolment", "none"}},
                name + " is not enrolled any more; its counters and lockouts stay\n");
}

int RunUserUnlock(Context& context, const Invocation& invocation) {
  const std::string name(invocation.First());
  const Status named = CheckName("NAME", name);
  if (!named.ok()) return Fail(context, named.error());
  Api api = context.OpenApi();
  const Answer answer =
      api.Send("POST", AccountTarget(name, "/unlock"), SecretJson(Json::object()));
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, answer.body.Expose(), name + " may use one-time codes again\n");
}

int RunUserConfirm(Context& context, const Invocation& invocation) {
  const std::string name(invocation.First());
  const Status named = CheckName("NAME", name);
  if (!named.ok()) return Fail(context, named.error());
  Api api = context.OpenApi();
  const Answer answer = Confirm(api, name, 1);
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, answer.body.Expose(),
                name + ": " + TextOf(answer.body.Expose(), "label") + " is confirmed\n");
}

}  // namespace sparekey
