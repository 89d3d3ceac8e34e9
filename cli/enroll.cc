// SPDX-License-Identifier: Apache-2.0
// user enroll.
#include "cli/codes_output.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/new_authenticator.h"
#include "cli/proof.h"
#include "cli/way_out.h"

namespace sparekey {
namespace {

Status RefuseListOptions(const Invocation& invocation) {
  for (const char* name : {"out", "codes", "format", "dry-run"}) {
    if (invocation.Has(name)) return Invalid(std::string("--") + name + " goes with --from");
  }
  return Ok();
}

// Secret and backup codes stand in files, too, or somebody had them before.
bool IsKeptElsewhere(const Invocation& invocation, const Json& enrolment) {
  const bool secret = invocation.Has("qr") || invocation.Has("secret-stdin");
  return secret && (invocation.Has("codes-out") || ListOf(enrolment, "backup_codes").empty());
}

}  // namespace

int RunUserEnroll(Context& context, const Invocation& invocation) {
  if (invocation.Has("from")) return RunUserEnrollFrom(context, invocation);
  if (const Status one = RefuseListOptions(invocation); !one) return Fail(context, one.error());
  if (invocation.arguments.empty()) {
    return Fail(context, Invalid("NAME is missing; see: sparekey help user enroll"));
  }
  const Status checked = CheckNewAuthenticator(invocation);
  if (!checked.ok()) return Fail(context, checked.error());
  Result<CodesOutput> codes = CodesOutput::Prepare("codes-out", invocation.Get("codes-out"));
  if (!codes.ok()) return Fail(context, codes.error());
  Result<QrOutput> qr = QrOutput::Prepare(invocation.Get("qr"));
  if (!qr.ok()) return Fail(context, qr.error());
  const Result<SecretJson> request = RequestNewAuthenticator(invocation);
  if (!request.ok()) return Fail(context, request.error());

  Api api = context.OpenApi();
  const std::string name(invocation.First());
  const Answer answer = SendProved(api, name, "POST", AccountTarget(name, "/enrolment"), *request);
  if (!answer.ok()) return Fail(context, *answer.failure);
  const Json& enrolment = answer.body.Expose();
  const Status shown = ShowNewAuthenticator(enrolment, *qr, context.json);
  const Status sheet = codes->Deliver(enrolment, context.json);
  if (context.json) PrintJson(enrolment);
  const bool kept = shown.ok() && sheet.ok() && IsKeptElsewhere(invocation, enrolment);
  const bool lost = !kept && TellUnwritten("What was made is nowhere else: sparekey user remove " +
                                           name + ", then enrol again");
  for (const Status& status : {shown, sheet}) {
    if (!status.ok()) return Fail({context.config, false}, status.error());
  }
  if (lost) return End(ExitStatus::kUnreachable);
  SayWayOut(context, api, name);
  return FinishNewAuthenticator(context, api, enrolment, name + " is enrolled");
}

}  // namespace sparekey
