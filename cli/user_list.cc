// SPDX-License-Identifier: Apache-2.0
#include "cli/user_list.h"

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_list.h"

namespace sparekey {
namespace {

// Calls `visit` with every page of GET /v1/accounts until it says false: nobody reads any more.
template <typename Visit>
std::optional<Failure> VisitAccounts(Api& api, const Visit& visit) {
  std::string after;
  do {
    const Answer page = api.Get("/v1/accounts?limit=100&after=" + PercentEncode(after));
    if (!page.ok()) return page.failure;
    if (!visit(page.body.Expose())) return std::nullopt;
    after = TextOf(page.body.Expose(), "next");
  } while (!after.empty());
  return std::nullopt;
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

int ListAsJson(Context& context, Api& api) {
  JsonList list("accounts");
  std::int64_t nameless = 0;
  const auto failure = VisitAccounts(api, [&](const Json& page) {
    nameless += NumberOf(page, "nameless");
    for (const Json& account : ListOf(page, "accounts")) {
      if (!list.Add(account)) return false;
    }
    return true;
  });
  if (failure) return Fail({context.config, !list.begun()}, *failure);
  list.End({{"nameless", nameless}});
  return End(ExitStatus::kDone);
}

int ListAsTable(Context& context, Api& api) {
  std::vector<std::vector<std::string>> rows = {
      {"ACCOUNT", "UID", "ENROLMENT", "LOCKOUT", "CODES LEFT", "SSH GATE", "LAST LOGIN"}};
  std::vector<std::size_t> widths;  // of the pages so far
  std::size_t damaged = 0;
  std::int64_t nameless = 0;
  const auto failure = VisitAccounts(api, [&](const Json& page) {
    nameless += NumberOf(page, "nameless");
    for (const Json& account : ListOf(page, "accounts")) {
      rows.push_back(RowOf(account));
      damaged += FlagOf(account, "damaged") ? 1 : 0;
    }
    const bool read = Print(Table(rows, widths));
    rows.clear();
    return read;
  });
  if (failure) return Fail(context, *failure);
  Print(DamageText(damaged, nameless));
  return End(ExitStatus::kDone);
}

constexpr const char* kExported[] = {
    "account",  "uid",          "administrator",   "enrolment",         "must_enrol",
    "lockout",  "otp_failures", "otp_budget_left", "recovery_failures", "codes_left",
    "ssh_gate", "last_login",   "damaged"};

// RFC 4180 section 2.
std::string CsvField(const Json& account, const char* key) {
  const auto found = account.find(key);
  if (found == account.end() || found->is_null()) return "";
  if (!found->is_string()) return found->dump();
  const std::string text = found->get<std::string>();
  if (text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string CsvLine(const Json& account) {
  std::string line;
  for (const char* key : kExported) line += (line.empty() ? "" : ",") + CsvField(account, key);
  return line + "\r\n";
}

std::string CsvHeader() {
  std::string line;
  for (const char* key : kExported) line += (line.empty() ? "" : ",") + std::string(key);
  return line + "\r\n";
}

}  // namespace

std::string UidText(const Json& account) {
  return account.contains("uid") && account["uid"].is_number()
             ? std::to_string(NumberOf(account, "uid"))
             : "-";
}

int RunUserList(Context& context, const Invocation&) {
  Api api = context.OpenApi();
  return context.json ? ListAsJson(context, api) : ListAsTable(context, api);
}

int RunExport(Context& context, const Invocation& invocation) {
  const std::string format(invocation.First());
  const Status possible = CheckOneOf("FORMAT", format, {"csv", "jsonl"});
  if (!possible.ok()) return Fail(context, possible.error());
  if (context.json) return Fail(context, Invalid("--json: the format is " + format + " already"));
  const bool csv = format == "csv";
  Api api = context.OpenApi();
  std::string lines = csv ? CsvHeader() : "";
  std::int64_t nameless = 0;
  const auto failure = VisitAccounts(api, [&](const Json& page) {
    nameless += NumberOf(page, "nameless");
    for (const Json& account : ListOf(page, "accounts")) {
      lines += csv ? CsvLine(account)
                   : account.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
    }
    const bool read = Print(lines);
    lines.clear();
    return read;
  });
  if (failure) return Fail({context.config, false}, *failure);
  if (nameless > 0) Say("sparekey: " + DamageText(0, nameless) + "They are left out.");
  return End(ExitStatus::kDone);
}

}  // namespace sparekey
