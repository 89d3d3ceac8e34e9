// SPDX-License-Identifier: Apache-2.0
// ssh status, enable, disable: the SSH gate.
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/context.h"

namespace sparekey {
namespace {

std::string GateText(const Json& gate) {
  const std::string state = TextOf(gate, "ssh_gate");
  std::string text =
      "SSH gate: " +
      Coloured(STDOUT_FILENO, state == "open" ? Colour::kGood : Colour::kBad, Escape(state));
  if (state != "open") {
    text += " since " + LocalTime(TextOf(gate, "since")) + ": " + Escape(TextOf(gate, "reason"));
  }
  text += '\n';
  std::vector<std::vector<std::string>> rows;
  for (const Json& account : ListOf(gate, "accounts")) {
    rows.push_back({"closed for " + TextOf(account, "account"),
                    "since " + LocalTime(TextOf(account, "since")), TextOf(account, "reason")});
  }
  return text + Table(rows);
}

int SetGate(Context& context, const Invocation& invocation, std::string_view state) {
  Json change = {{"state", state}};
  if (!invocation.arguments.empty()) {
    const Status named = CheckName("NAME", invocation.First());
    if (!named.ok()) return Fail(context, named.error());
    change["account"] = invocation.First();
  }
  Api api = context.OpenApi();
  const Answer answer = api.Send("PUT", "/v1/ssh-gate", SecretJson(std::move(change)));
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, answer.body.Expose(), GateText(answer.body.Expose()));
}

}  // namespace

int RunSshStatus(Context& context, const Invocation&) {
  Api api = context.OpenApi();
  const Answer answer = api.Get("/v1/ssh-gate");
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, answer.body.Expose(), GateText(answer.body.Expose()));
}

int RunSshEnable(Context& context, const Invocation& invocation) {
  return SetGate(context, invocation, "open");
}

int RunSshDisable(Context& context, const Invocation& invocation) {
  return SetGate(context, invocation, "closed");
}

}  // namespace sparekey
