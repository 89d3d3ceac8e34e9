// SPDX-License-Identifier: Apache-2.0
// user enroll --from.
#include <csignal>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/list_enrolment.h"
#include "cli/new_authenticator.h"

namespace sparekey {
namespace {

constexpr const char* kOfOne[] = {"counter", "secret-stdin", "qr", "codes-out"};

struct ListWishes {
  std::string file, out;
  std::optional<bool> with_sheets;
  bool as_json = false;
};

Result<ListWishes> CheckOptions(const Invocation& invocation) {
  if (!invocation.arguments.empty()) {
    return Invalid("NAME: --from takes the names from its list");
  }
  for (const char* name : kOfOne) {
    if (invocation.Has(name)) {
      return Invalid(std::string("--") + name + " is for one account, not for --from");
    }
  }
  if (!invocation.Has("out")) {
    return Invalid("--out is missing: the folder for secrets and backup codes");
  }
  if (!invocation.Has("no-confirm") && !invocation.Has("dry-run")) {
    return Invalid(
        "--no-confirm is missing: nobody is there to prove each with a code, so that all of them "
        "become active at once");
  }
  Status status = CheckAuthenticatorOptions(invocation);
  const auto codes = invocation.Get("codes"), format = invocation.Get("format");
  if (status && codes) status = CheckOneOf("codes", *codes, {"now", "later"});
  if (status && format) status = CheckOneOf("format", *format, {"txt", "json"});
  if (!status) return status.error();
  ListWishes wishes{*invocation.Get("from"), *invocation.Get("out"), std::nullopt, false};
  if (codes) wishes.with_sheets = *codes == "now";
  wishes.as_json = format == "json";
  return wishes;
}

struct ListForecast {
  std::size_t accounts = 0;
  std::size_t given = 0;   // secrets of the list
  std::size_t kept = 0;    // secrets of an earlier run's files
  std::size_t made = 0;    // secrets to be made
  std::size_t sheets = 0;  // that are not there yet
};

// What can be said about a line before anything is done.
Status Foresee(const ListEntry& entry, const ListPlan& plan, const SecretFolder* folder,
               ListForecast& forecast) {
  const auto planned = PlanAuthenticator(plan, entry);
  if (!planned) return planned.error();
  if (FileNameOf(entry.account).size() > SecretFolder::kLongestFileName) {
    return Invalid("line " + std::to_string(entry.line) +
                   ", account: is too long for the name of a file; at most " +
                   std::to_string(SecretFolder::kLongestFileName) + " bytes");
  }
  ++forecast.accounts;
  const auto uri = folder != nullptr && entry.secret.empty()
                       ? folder->LoadUri(entry.account)
                       : Result<std::optional<OtpauthUri>>(std::optional<OtpauthUri>());
  const bool kept = uri && *uri;
  ++(!entry.secret.empty() ? forecast.given : kept ? forecast.kept : forecast.made);
  const auto sheet =
      folder != nullptr ? folder->LookAtSheet(entry.account) : Result<SheetFile>(SheetFile::kNone);
  if (!sheet || *sheet != SheetFile::kFull) ++forecast.sheets;
  return Ok();
}

Status TellMistakes(const ListCheck& check) {
  if (check.mistakes.empty()) return Ok();
  for (const std::string& mistake : check.mistakes) Say(mistake);
  if (check.more != 0) Say("and " + std::to_string(check.more) + " more");
  const std::size_t count = check.mistakes.size() + check.more;
  return Invalid("the list has " + std::to_string(count) + (count == 1 ? " mistake" : " mistakes") +
                 "; nothing was enrolled");
}

int ShowForecast(Context& context, const ListForecast& forecast, bool with_sheets) {
  const std::size_t sheets = with_sheets ? forecast.sheets : 0;
  return Finish(context,
                {{"accounts", forecast.accounts},
                 {"secrets_given", forecast.given},
                 {"secrets_kept", forecast.kept},
                 {"secrets_made", forecast.made},
                 {"sheets", sheets}},
                Table({{"Accounts of the list", std::to_string(forecast.accounts)},
                       {"Secrets that the list gives", std::to_string(forecast.given)},
                       {"Secrets of an earlier run", std::to_string(forecast.kept)},
                       {"Secrets to be made", std::to_string(forecast.made)},
                       {"Sheets to be made", std::to_string(sheets)}}) +
                    "Nothing was enrolled.\n");
}

void StopOnSignals() {
  struct sigaction action {};
  action.sa_handler = [](int) { StopListEnrolment(); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one ends it at once
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
}

Json DescribeTotals(const ListTotals& totals, std::size_t accounts, Progress& progress) {
  Json failed = Json::array();
  for (const ListFailure& failure : totals.failed) {
    failed.push_back({{"account", failure.account},
                      {"line", failure.line},
                      {"error", {{"code", failure.code}, {"message", failure.message}}}});
  }
  return {{"accounts", accounts},
          {"enrolled", totals.enrolled},
          {"unchanged", totals.unchanged},
          {"failed", std::move(failed)},
          {"sheets", totals.sheets},
          {"seconds", static_cast<double>(progress.elapsed().count()) / 1000}};
}

std::string TotalsText(const ListTotals& totals, std::size_t accounts) {
  return std::to_string(accounts) + " accounts: " + std::to_string(totals.enrolled) +
         " enrolled, " + std::to_string(totals.unchanged) + " were so already, " +
         std::to_string(totals.failed.size()) + " failed; " + std::to_string(totals.sheets) +
         " sheets made\n";
}

int Report(Context& context, const ListTotals& totals, std::size_t accounts, Progress& progress,
           const std::optional<Failure>& failure) {
  progress.Finish();
  const bool stopped = IsListEnrolmentStopped();
  const Json summary = DescribeTotals(totals, accounts, progress);
  if (failure && !stopped) {
    (void)Fail({context.config, false}, *failure);
  }
  if (failure || stopped) {
    Say("Stopped. What is done stays done; the same command goes on with the rest.");
  }
  (void)Finish(context, summary, TotalsText(totals, accounts));
  if (stopped) return End(ExitStatus::kTryAgain);
  if (failure) return End(failure->status);
  return totals.failed.empty() ? End(ExitStatus::kDone)
                               : End(StatusOfApiError(totals.failed.front().code, 0));
}

}  // namespace

int RunUserEnrollFrom(Context& context, const Invocation& invocation) {
  const auto wishes = CheckOptions(invocation);
  if (!wishes) return Fail(context, wishes.error());
  auto list = AccountList::Open(wishes->file);
  if (!list) return Fail(context, list.error());
  Api api = context.OpenApi();
  auto plan = LoadListPlan(api, invocation);
  if (!plan) return Fail(context, plan.error());
  const bool with_sheets = wishes->with_sheets.value_or(plan->policy.codes_at_enrolment);
  const std::string extension = wishes->as_json ? ".json" : ".txt";

  const auto earlier = SecretFolder::Look(wishes->out, extension);
  if (!earlier) return Fail(context, earlier.error());
  ListForecast forecast;
  const bool looks = invocation.Has("dry-run") && *earlier;
  const auto check = CheckList(*list, [&](const ListEntry& entry) {
    return Foresee(entry, *plan, looks ? &**earlier : nullptr, forecast);
  });
  if (!check) return Fail(context, check.error());
  const Status clean = TellMistakes(*check);
  if (!clean) return Fail(context, clean.error());
  if (invocation.Has("dry-run")) return ShowForecast(context, forecast, with_sheets);

  const auto folder = SecretFolder::Open(wishes->out, extension);
  if (!folder) return Fail(context, folder.error());
  StopOnSignals();
  Progress progress(forecast.accounts);
  ListEnrolment enrolment({context.config.socket, std::move(*plan), with_sheets, wishes->as_json},
                          *list, *folder, progress);
  const auto failure = enrolment.Run();
  return Report(context, enrolment.totals(), forecast.accounts, progress, failure);
}

}  // namespace sparekey
