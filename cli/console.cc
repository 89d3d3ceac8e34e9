// SPDX-License-Identifier: Apache-2.0
// console: the local console's menu.
#include <optional>

#include "cli/commands.h"
#include "cli/console_reset.h"
#include "cli/context.h"
#include "cli/prompt.h"
#include "cli/status.h"
#include "core/account.h"

namespace sparekey {
namespace {

constexpr std::chrono::milliseconds kDeadline{4000};

void ShowState(Context& context) {
  Api api = context.OpenApi();
  const Answer answer = api.Get("/v1/status", kDeadline);
  if (answer.ok()) {
    Print(StatusText(answer.body.Expose()));
    return;
  }
  Fail(context, *answer.failure);
  Say("Resets work all the same.");
}

void ResetAnAccount(Context& context) {
  const auto name = ReadAnswer("Account: ", Echo::kOn);
  if (!name || name->empty()) return;
  if (!IsAccountName(name->ExposeText())) {
    Say("'" + Escape(name->ExposeText()) + "' cannot be an account's name");
    return;
  }
  ResetAtConsole(context, {std::string(name->ExposeText()), false});
}

void OpenGate(Context& context) {
  Api api = context.OpenApi();
  const Answer answer =
      api.Send("PUT", "/v1/ssh-gate", SecretJson(Json{{"state", "open"}}), kDeadline);
  if (answer.ok()) {
    Say("The SSH gate is open.");
  } else {
    Fail(context, *answer.failure);
  }
}

constexpr char kMenu[] =
    "\n"
    "  1  show the state\n"
    "  2  reset an account\n"
    "  3  end the system's super-lockout\n"
    "  4  open the SSH gate\n"
    "  5  quit\n";

// false: quit.
bool Choose(Context& context, std::string_view choice) {
  if (choice == "1") ShowState(context);
  if (choice == "2") ResetAnAccount(context);
  if (choice == "3") ResetAtConsole(context, {std::nullopt, false});
  if (choice == "4") OpenGate(context);
  return choice != "5" && choice != "q";
}

}  // namespace

int RunConsole(Context& context, const Invocation&) {
  if (context.json) return Fail(context, Invalid("--json: the menu is for people"));
  const Status allowed = CheckAtConsole(context.config.console);
  if (!allowed.ok()) return Fail(context, allowed.error());
  ShowState(context);
  while (true) {
    Say(kMenu);
    const auto choice = ReadAnswer("Choice: ", Echo::kOn);
    if (!choice || !Choose(context, choice->ExposeText())) return End(ExitStatus::kDone);
  }
}

}  // namespace sparekey
