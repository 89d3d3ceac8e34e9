// SPDX-License-Identifier: Apache-2.0
// user show, list, remove, unlock, confirm.
#include <pwd.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/authenticator_text.h"
#include "cli/commands.h"
#include "cli/confirmation.h"
#include "cli/context.h"
#include "cli/prompt.h"

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

std::string UidText(const Json& account) {
  return account.contains("uid") && account["uid"].is_number()
             ? std::to_string(NumberOf(account, "uid"))
             : "-";  // accounts = any
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

// All pages of GET /v1/accounts.
Answer ListAccounts(Api& api) {
  Answer all;
  Json accounts = Json::array();
  std::int64_t nameless = 0;
  std::string after;
  do {
    Answer page = api.Get("/v1/accounts?limit=500&after=" + PercentEncode(after));
    if (!page.ok()) return page;
    for (const Json& account : ListOf(page.body.Expose(), "accounts")) accounts.push_back(account);
    nameless += NumberOf(page.body.Expose(), "nameless");
    after = TextOf(page.body.Expose(), "next");
  } while (!after.empty());
  all.body = SecretJson(Json{{"accounts", std::move(accounts)}, {"nameless", nameless}});
  return all;
}

std::vector<std::string> RowOf(const Json& account) {
  if (FlagOf(account, "damaged")) return {TextOf(account, "account"), "-", "DAMAGED"};
  const std::string login = TextOf(account, "last_login");
  return {TextOf(account, "account"),
          UidText(account),
          TextOf(account, "enrolment"),
          TextOf(account, "lockout"),
          std::to_string(NumberOf(account, "codes_left")),
          TextOf(account, "ssh_gate"),
          login.empty() ? "never" : LocalTime(login)};
}

std::string DamageText(std::size_t damaged, std::int64_t nameless) {
  std::string text;
  if (damaged != 0) {
    text +=
        "A damaged record denies every login of its account. At the local console this replaces "
        "it: sparekey console reset NAME\n";
  }
  if (nameless != 0) {
    text += std::to_string(nameless) + " more damaged: not even the name can be read.\n";
  }
  return text;
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

int RunUserList(Context& context, const Invocation&) {
  Api api = context.OpenApi();
  const Answer answer = ListAccounts(api);
  if (!answer.ok()) return Fail(context, *answer.failure);
  std::vector<std::vector<std::string>> rows = {
      {"ACCOUNT", "UID", "ENROLMENT", "LOCKOUT", "CODES LEFT", "SSH GATE", "LAST LOGIN"}};
  std::size_t damaged = 0;
  for (const Json& account : ListOf(answer.body.Expose(), "accounts")) {
    rows.push_back(RowOf(account));
    damaged += FlagOf(account, "damaged") ? 1 : 0;
  }
  const std::int64_t nameless = NumberOf(answer.body.Expose(), "nameless");
  return Finish(context, answer.body.Expose(), Table(rows) + DamageText(damaged, nameless));
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
