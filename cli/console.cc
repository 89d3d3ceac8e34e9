// SPDX-License-Identifier: Apache-2.0
// console: the local console's menu. Every entry says what it will do and asks before it does it;
// Ctrl-C and the end of input lead back.
#include <csignal>
#include <cstdlib>
#include <optional>

#include "cli/commands.h"
#include "cli/console_enrol.h"
#include "cli/console_lists.h"
#include "cli/console_place.h"
#include "cli/console_reset.h"
#include "cli/console_screen.h"
#include "cli/console_state.h"
#include "cli/context.h"
#include "cli/store_holder.h"

namespace sparekey {
namespace {

struct Console {
  Context& context;
  ConsolePlace& place;
};

std::string AccountsText(const std::vector<std::string>& accounts) {
  std::string text;
  for (const std::string& name : accounts) text += (text.empty() ? "" : ", ") + Ascii(name);
  return text;
}

// ---- the SSH gate

Answer LoadGates(Console& console) { return console.place.Look("/v1/ssh-gate"); }

std::string GatesText(const Json& gates) {
  std::string text;
  if (TextOf(gates, "ssh_gate") == "closed") {
    text = "The SSH gate is closed since " + LocalTime(TextOf(gates, "since")) + ": " +
           Ascii(TextOf(gates, "reason")) + ".";
  }
  const Json& accounts = ListOf(gates, "accounts");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min<std::size_t>(accounts.size(), 10); ++i) {
    names.push_back(TextOf(accounts[i], "account"));
  }
  if (names.empty()) return text;
  text += (text.empty() ? "" : "\n") + std::string("Closed for ") + AccountsText(names);
  if (accounts.size() > 10) text += " and " + std::to_string(accounts.size() - 10) + " more";
  return text + ".";
}

void OfferToOpenGate(Console& console) {
  const Answer gates = LoadGates(console);
  if (!gates.ok()) return TellFailure(*gates.failure);
  const std::string closed = GatesText(gates.body.Expose());
  if (closed.empty()) return Tell("The SSH gate is open.");
  Tell(closed);
  Tell(
      "Opening lets everybody try SSH logins again, also whoever guessed. Whoever guesses codes "
      "has got past a password or a key: make sure that it was changed.");
  if (!Agree("Open SSH for everybody?")) return Tell("It stays closed; entry 2 opens it.");
  const Answer opened =
      console.place.Send("PUT", "/v1/ssh-gate", SecretJson(Json{{"state", "open"}}));
  if (!opened.ok()) return TellFailure(*opened.failure);
  const std::string left = GatesText(opened.body.Expose());
  Tell("The SSH gate is open." + (left.empty() ? "" : "\n" + left));
}

bool IsSuperLocked(Console& console) {
  return LoadConsoleState(console.context.config, console.place).IsSuperLocked();
}

void OpenGate(Console& console) {
  if (IsSuperLocked(console)) {
    return Tell(
        "A super-lockout is in force: SSH stays shut whatever the gate says. End it with "
        "entry 1, then open the gate.");
  }
  OfferToOpenGate(console);
}

// ---- resets

// What a person needs next, in order: until both are done nobody logs in as before.
void OfferNextSteps(Console& console, const std::vector<std::string>& accounts) {
  if (IsSuperLocked(console)) {
    return Tell(
        "The system's super-lockout goes on: end it with entry 1, then enrol with entry 5.");
  }
  for (const std::string& account : accounts) {
    const std::string name = Ascii(account);
    if (Agree("Enrol " + name + " now, with QR code and backup codes?")) {
      EnrolAtConsole(console.place, account);
    } else {
      Tell("Until it is enrolled (entry 5), " + name + " can log in at this console only.");
    }
  }
  const Answer gates = LoadGates(console);
  if (gates.ok() && !GatesText(gates.body.Expose()).empty()) OfferToOpenGate(console);
}

void CarryOutReset(Console& console, std::optional<std::string> account) {
  const ResetWish wish{std::move(account), [] { return Agree("Go on?"); }};
  const ResetOutcome done = ResetAtConsole(console.context, console.place, wish);
  if (done.given_up) return Tell("Nothing was changed.");
  if (done.failure && !wish.account && done.failure->code == "conflict") {
    return Tell(
        "There is no super-lockout of the system. An account that is super-locked by "
        "itself is reset with entry 4; entry 3 lists them.");
  }
  if (done.failure) return TellFailure(*done.failure);
  if (done.ended_super_lockout) Tell("The system's super-lockout has ended.");
  Tell("Reset: " + AccountsText(done.accounts) + ".");
  OfferNextSteps(console, done.accounts);
}

void EndSuperLockout(Console& console) { CarryOutReset(console, std::nullopt); }

void ResetAccount(Console& console) {
  if (const auto account = AskAccount("Account to reset (Enter: back): ")) {
    CarryOutReset(console, *account);
  }
}

void ShowLocked(Console& console) {
  if (!ShowLockedAccounts(console.place)) return;
  ResetAccount(console);
}

// ---- the others

constexpr char kEndItFirst[] = "A super-lockout is in force: end it with entry 1 first.";

void Enrol(Console& console) {
  if (IsSuperLocked(console)) return Tell(kEndItFirst);
  const auto account = AskAccount("Account to enrol (Enter: back): ");
  if (!account) return;
  Tell("This makes a new secret for " + *account +
       " and shows it here as a QR code, then asks for a code of the app.");
  if (Agree("Is nobody else looking? Go on?")) EnrolAtConsole(console.place, *account);
}

void NewSheet(Console& console) {
  if (IsSuperLocked(console)) return Tell(kEndItFirst);
  if (const auto account = AskAccount("Account for new backup codes (Enter: back): ")) {
    NewSheetAtConsole(console.place, *account);
  }
}

void SwitchTwoFactor(Console& console) {
  const ConsoleState state = LoadConsoleState(console.context.config, console.place);
  const std::optional<bool> on = state.IsTwoFactorOn();
  if (!on) {
    const std::string why =
        state.failure ? Ascii(state.failure->message) : "the service does not tell it";
    return Tell("Whether two-factor is on or off is not known: " + why +
                ". So nothing is switched here. Mend that first, then choose this entry again.");
  }
  const bool off = *on;
  Tell(off ? "This switches two-factor logins OFF for everybody: passwords and keys alone are "
             "enough until somebody sets it back with this entry, and an alert stays until then. "
             "Secrets and backup codes are kept. A super-lockout and a closed SSH gate stay."
           : "This sets two-factor logins back on: everybody who is enrolled is asked for a code "
             "again.");
  if (!Agree(off ? "Switch two-factor off?" : "Set it back on?")) {
    return Tell("Nothing was changed.");
  }
  const Answer done =
      console.place.Send("PUT", "/v1/console/two-factor", SecretJson(Json{{"enabled", !off}}));
  if (!done.ok()) return TellFailure(*done.failure);
  Tell(off ? "Two-factor is OFF. Entry 7 sets it back." : "Two-factor is on.");
}

void StartAnew(Console& console) { RenewAtConsole(console.context, console.place.mounted()); }

void ShowEvents(Console& console) { ShowAlertsAndEvents(console.place, IsSuperLocked(console)); }

struct Entry {
  std::string_view key, text;
  void (*run)(Console& console);
};

constexpr Entry kEntries[] = {
    {"1", "end the super-lockout       resets the accounts that caused it", EndSuperLockout},
    {"2", "open the SSH gate", OpenGate},
    {"3", "locked accounts             lists them, resets one", ShowLocked},
    {"4", "reset an account            new password, codes void, must enrol again", ResetAccount},
    {"5", "enrol an account            QR code, backup codes", Enrol},
    {"6", "new sheet of backup codes", NewSheet},
    {"7", "two-factor for everybody    off until it is set back, or back on", SwitchTwoFactor},
    {"8", "start anew                  the key is lost, or the store beyond repair", StartAnew},
    {"9", "alerts                      acknowledge them; what happened last", ShowEvents},
};

void ShowScreen(Console& console) {
  std::string screen = "\n";
  for (const std::string& line : LinesOf(LoadConsoleState(console.context.config, console.place))) {
    screen += line + '\n';
  }
  screen += '\n';
  for (const Entry& entry : kEntries) {
    screen += ' ' + std::string(entry.key) + "  " + std::string(entry.text) + '\n';
  }
  Print(screen);
}

// What hangs and holds the store stands in the way of every entry. false: it is to stay.
bool MakeWay(Console& console) {
  if (console.place.service() != ConsolePlace::Service::kHanging) return true;
  console.place.Look("/v1/health");  // it may have come back
  if (console.place.service() != ConsolePlace::Service::kHanging) return true;
  const Status freed = OfferToEndHolder(console.context.config.state_dir, kNoAnswer);
  if (!freed.ok()) TellFailure(FailureOf(freed.error()));
  return freed.ok();
}

// The same of a disk so full that the store cannot even be opened.
bool MakeRoom(Console& console) {
  if (!console.place.needs_room()) return true;
  Tell("The disk is full, and without more room the store cannot be opened.");
  if (!Agree("Give up the reserve file, which is kept for this?")) {
    Tell("Nothing was changed.");
    return false;
  }
  MakeRoomOnFullDisk(console.context.config.state_dir);
  return true;
}

// Ctrl-C leads back instead of ending the program; children get it as ever.
void KeepOnInterrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

void Serve(Console& console) {
  ShowScreen(console);
  while (true) {
    const Typed typed = AskLine("Number, Enter to look again, q to quit: ");
    if (!typed.given || typed.text == "q") return;
    const Entry* chosen = nullptr;
    for (const Entry& entry : kEntries) {
      if (entry.key == typed.text) chosen = &entry;
    }
    if (chosen == nullptr && !typed.text.empty()) {
      Tell("'" + Cut(Ascii(typed.text), 30) + "' is none of 1 to 9.");
      continue;
    }
    if (chosen != nullptr) {
      if (MakeWay(console) && MakeRoom(console)) chosen->run(console);
      const Typed back = AskLine("-- Enter for the menu: ");
      if (back.ended) return;
    }
    ShowScreen(console);
  }
}

}  // namespace

int RunConsole(Context& context, const Invocation& invocation) {
  setenv("NO_COLOR", "1", 1);
  const Status allowed = EnterConsole(context, invocation);
  if (!allowed.ok()) return Fail(context, allowed.error());
  ConsolePlace place(context.config, invocation.Has("root"));
  if (context.json) {
    return Finish(context, JsonOf(LoadConsoleState(context.config, place)), "");
  }
  KeepOnInterrupt();
  Console console{context, place};
  Serve(console);
  return End(ExitStatus::kDone);
}

}  // namespace sparekey
