// SPDX-License-Identifier: Apache-2.0
// authenticator add, list, renew, remove, resync.
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/authenticator_text.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/new_authenticator.h"
#include "cli/prompt.h"
#include "cli/proof.h"

namespace sparekey {
namespace {

std::string LabelTarget(std::string_view account, std::string_view label) {
  return AccountTarget(account, "/authenticators/" + PercentEncode(label));
}

Status CheckLabelled(const Invocation& invocation) {
  if (!invocation.Has("label")) return Invalid("--label is missing; it names the authenticator");
  return CheckNewAuthenticator(invocation);
}

Answer ListAuthenticators(Api& api, std::string_view name) {
  return api.Get(AccountTarget(name, "/authenticators"));
}

// The label that was typed, or the account's only one.
Result<std::string> ChooseLabel(Api& api, const Invocation& invocation) {
  if (const auto label = invocation.Get("label")) return *label;
  const Answer answer = ListAuthenticators(api, invocation.First());
  if (!answer.ok()) return std::string("authenticator");  // the renewal says why not
  const Json& list = ListOf(answer.body.Expose(), "authenticators");
  if (list.size() == 1) return TextOf(list[0], "label");
  std::string labels;
  for (const Json& one : list) labels += (labels.empty() ? "" : ", ") + TextOf(one, "label");
  if (list.empty()) return std::string("authenticator");
  return Invalid("--label: say which one to renew: " + Escape(labels));
}

// Where nobody has seen the new secret.
std::string RemedyFor(const Json& made) {
  if (TextOf(made, "enrolment") != "active") {
    return "The secret is nowhere else, and does not count yet: begin again with the same command";
  }
  return "The secret is nowhere else; a new one again: sparekey authenticator renew " +
         Escape(TextOf(made, "account")) + " --label '" + Escape(TextOf(made, "label")) + '\'';
}

// Adds or renews: shows the secret, then asks for a code that proves it.
int Begin(Context& context, const Invocation& invocation, std::string_view method,
          const std::string& target, const std::string& done, Api& api, QrOutput& qr) {
  const Result<SecretJson> request = RequestNewAuthenticator(invocation);
  if (!request.ok()) return Fail(context, request.error());
  const Answer answer = SendProved(api, std::string(invocation.First()), method, target, *request);
  if (!answer.ok()) return Fail(context, *answer.failure);
  const Json& made = answer.body.Expose();
  const Status shown = ShowNewAuthenticator(made, qr, context.json);
  if (context.json) PrintJson(made);
  const bool kept = shown.ok() && (invocation.Has("qr") || invocation.Has("secret-stdin"));
  const bool lost = !kept && TellUnwritten(RemedyFor(made));
  if (!shown.ok()) return Fail({context.config, false}, shown.error());
  if (lost) return End(ExitStatus::kUnreachable);
  return FinishNewAuthenticator(context, api, made, done);
}

}  // namespace

int RunAuthenticatorAdd(Context& context, const Invocation& invocation) {
  const Status checked = CheckLabelled(invocation);
  if (!checked.ok()) return Fail(context, checked.error());
  Result<QrOutput> qr = QrOutput::Prepare(invocation.Get("qr"));
  if (!qr.ok()) return Fail(context, qr.error());
  Api api = context.OpenApi();
  return Begin(context, invocation, "POST", AccountTarget(invocation.First(), "/authenticators"),
               Escape(*invocation.Get("label")) + " counts from now on, beside the others", api,
               *qr);
}

int RunAuthenticatorRenew(Context& context, const Invocation& invocation) {
  const Status checked = CheckNewAuthenticator(invocation);
  if (!checked.ok()) return Fail(context, checked.error());
  Result<QrOutput> qr = QrOutput::Prepare(invocation.Get("qr"));
  if (!qr.ok()) return Fail(context, qr.error());
  Api api = context.OpenApi();
  const Result<std::string> label = ChooseLabel(api, invocation);
  if (!label.ok()) return Fail(context, label.error());
  return Begin(context, invocation, "PUT", LabelTarget(invocation.First(), *label),
               Escape(*label) + " has its new secret; the old one is void", api, *qr);
}

int RunAuthenticatorList(Context& context, const Invocation& invocation) {
  const Status named = CheckName("NAME", invocation.First());
  if (!named.ok()) return Fail(context, named.error());
  Api api = context.OpenApi();
  const Answer answer = ListAuthenticators(api, invocation.First());
  if (!answer.ok()) return Fail(context, *answer.failure);
  const Json& body = answer.body.Expose();
  std::vector<std::vector<std::string>> rows = {{"LABEL", "CODES", "CREATED", "LAST USED"}};
  for (const Json& one : ListOf(body, "authenticators")) {
    rows.push_back({TextOf(one, "label"), CodesText(one), LocalTime(TextOf(one, "created")),
                    LastUsedText(one)});
  }
  std::string text = rows.size() > 1 ? Table(rows) : "no authenticators\n";
  const Json& pending = ObjectOf(body, "pending");
  if (!pending.empty()) {
    text += (FlagOf(pending, "renews") ? "A renewal of " : "Not confirmed yet: ") +
            Escape(TextOf(pending, "label")) +
            (FlagOf(pending, "renews") ? " is not confirmed yet" : "") + ", since " +
            LocalTime(TextOf(pending, "since")) + '\n';
  }
  return Finish(context, body, text);
}

int RunAuthenticatorRemove(Context& context, const Invocation& invocation) {
  if (!invocation.Has("label")) return Fail(context, Invalid("--label is missing"));
  const Status named = CheckName("NAME", invocation.First());
  if (!named.ok()) return Fail(context, named.error());
  const std::string label = *invocation.Get("label");
  const std::string name(invocation.First());
  const Status sure =
      AskFirst(invocation.Has("yes"),
               "Codes of " + Escape(label) + " will not be taken any more for " + name + ".");
  if (!sure.ok()) return Fail(context, sure.error());
  Api api = context.OpenApi();
  const Answer answer = SendProved(api, name, "DELETE", LabelTarget(name, label), SecretJson());
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, {{"account", name}, {"removed", label}},
                Escape(label) + " is removed; its codes are void\n");
}

int RunAuthenticatorResync(Context& context, const Invocation& invocation) {
  const Status named = CheckName("NAME", invocation.First());
  if (!named.ok()) return Fail(context, named.error());
  SecretJson request(Json::object());
  for (const auto& [key, prompt] :
       {std::pair("first", "One code: "), std::pair("second", "The code after it: ")}) {
    const auto code = ReadAnswer(prompt, Echo::kOff);
    if (!code || code->empty()) {
      return Fail(context, Invalid("two consecutive codes are needed, one a line"));
    }
    SetSecret(request.Expose(), key, *code);
  }
  Api api = context.OpenApi();
  const std::string name(invocation.First());
  const Answer answer = SendProved(api, name, "POST", AccountTarget(name, "/resync"), request);
  if (!answer.ok()) return Fail(context, *answer.failure);
  const Json& body = answer.body.Expose();
  return Finish(context, body, Escape(TextOf(body, "label")) + " is in step again\n");
}

}  // namespace sparekey
