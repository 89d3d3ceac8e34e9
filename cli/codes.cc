// SPDX-License-Identifier: Apache-2.0
// codes new, codes status.
#include "cli/arguments.h"
#include "cli/codes_output.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/proof.h"

namespace sparekey {

int RunCodesNew(Context& context, const Invocation& invocation) {
  const Status named = CheckName("NAME", invocation.First());
  if (!named.ok()) return Fail(context, named.error());
  Result<CodesOutput> output = CodesOutput::Prepare("out", invocation.Get("out"));
  if (!output.ok()) return Fail(context, output.error());
  Api api = context.OpenApi();
  const std::string name(invocation.First());
  const Answer answer = SendProved(api, name, "POST", AccountTarget(name, "/backup-codes"),
                                   SecretJson(Json::object()));
  if (!answer.ok()) return Fail(context, *answer.failure);
  const Status delivered = output->Deliver(answer.body.Expose(), context.json);
  if (context.json) PrintJson(answer.body.Expose());
  const bool in_file = delivered.ok() && invocation.Has("out");
  const bool lost = !in_file && TellUnwritten(
                                    "These codes are nowhere else, and older ones are "
                                    "void; a new sheet again: sparekey codes new " +
                                    name);
  if (!delivered.ok()) return Fail({context.config, false}, delivered.error());
  if (lost) return End(ExitStatus::kUnreachable);
  if (!context.json) Say("The codes of every older sheet are void.");
  return End(ExitStatus::kDone);
}

int RunCodesStatus(Context& context, const Invocation& invocation) {
  const Status named = CheckName("NAME", invocation.First());
  if (!named.ok()) return Fail(context, named.error());
  Api api = context.OpenApi();
  const Answer answer = api.Get(AccountTarget(invocation.First(), "/backup-codes"));
  if (!answer.ok()) return Fail(context, *answer.failure);
  const Json& sheet = answer.body.Expose();
  if (NumberOf(sheet, "count") == 0) return Finish(context, sheet, "no backup codes\n");
  return Finish(context, sheet,
                Table({{"Backup codes left", std::to_string(NumberOf(sheet, "codes_left")) +
                                                 " of " + std::to_string(NumberOf(sheet, "count"))},
                       {"One recovery needs", std::to_string(NumberOf(sheet, "required"))},
                       {"Sheet", std::to_string(NumberOf(sheet, "sheet"))},
                       {"Issued", LocalTime(TextOf(sheet, "issued"))}}));
}

}  // namespace sparekey
