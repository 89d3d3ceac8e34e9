// SPDX-License-Identifier: Apache-2.0
#include "cli/console_reset.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/password.h"
#include "cli/prompt.h"
#include "cli/store_holder.h"
#include "core/local_console.h"

namespace sparekey {
namespace {

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + Escape(name);
  return text;
}

class Reset {
 public:
  Reset(Context& context, ConsolePlace& place, const ResetWish& wish)
      : context_(context), place_(place), wish_(wish) {}

  ResetOutcome Run() {
    const ResetOutcome plan = Ask(true);
    if (plan.failure) return plan;
    Show(plan);
    if (wish_.agree && !wish_.agree()) return GivenUp();
    if (const Status passwords = SetPasswords(plan.accounts); !passwords.ok()) {
      return Failed(FailureOf(passwords.error()));
    }
    ResetOutcome done = Ask(false);
    // The service committed, but its answer was lost: what was to be ended is not there any more.
    const bool was_done =
        done.failure && place_.in_doubt() && !wish_.account && done.failure->code == "conflict";
    if (was_done) done = plan;
    if (done.failure) return Explain(std::move(done));
    SayMore(plan, done);
    return done;
  }

 private:
  static ResetOutcome GivenUp() {
    ResetOutcome outcome;
    outcome.given_up = true;
    return outcome;
  }
  static ResetOutcome Failed(Failure failure) {
    ResetOutcome outcome;
    outcome.failure = std::move(failure);
    return outcome;
  }

  ResetOutcome Ask(bool preview) {
    SecretJson body(Json::object());
    if (wish_.account) {
      body.Expose()["account"] = *wish_.account;
    } else {
      body.Expose()["system"] = true;
    }
    if (preview) body.Expose()["preview"] = true;
    const Answer answer = place_.Send("POST", "/v1/console/resets", body);
    ResetOutcome outcome;
    outcome.failure = answer.failure;
    outcome.ended_super_lockout = FlagOf(answer.body.Expose(), "super_lockout_ended");
    for (const Json& account : ListOf(answer.body.Expose(), "accounts")) {
      if (account.is_string()) outcome.accounts.push_back(account.get<std::string>());
    }
    return outcome;
  }

  ResetOutcome Explain(ResetOutcome done) {
    done.failure->message += place_.in_doubt()
                                 ? "; whether the reset was carried out is not known: run it again"
                                 : "; new passwords stay, nothing else was reset";
    return done;
  }

  void Show(const ResetOutcome& plan) {
    if (plan.ended_super_lockout) Say("This ends the system's super-lockout.");
    if (plan.accounts.empty()) return;
    Say(Fold("This resets: " + Join(plan.accounts)));
    Say(
        Fold("New password; authenticators and backup codes void; counters and lockouts cleared; "
             "must enrol again."));
  }

  // Before the commit: whoever guessed may know the old ones.
  Status SetPasswords(const std::vector<std::string>& accounts) {
    if (context_.config.accounts == AccountNames::kAny) return Ok();
    for (const std::string& account : accounts) {
      Status status = SetPasswordOf(account);
      if (status.ok()) continue;
      Error error = status.error();
      error.message += "; nothing else was reset";
      return error;
    }
    return Ok();
  }

  Status SetPasswordOf(const std::string& account) {
    if (!FindLocalUid(account)) {
      Say(Fold(Escape(account) + " has no local password: change it in its directory."));
      if (IsYesTyped("Go on without a new password? Type YES: ")) return Ok();
      return Error{ErrorCode::kNotAllowed, account + " has no new password"};
    }
    PasswordChange change = AskForPassword(account);
    // The password file may lie on the disk of the store.
    const bool failed = !change.status.ok() && !change.given_up;
    if (failed && MakeRoomOnFullDisk(context_.config.state_dir)) change = AskForPassword(account);
    return change.status;
  }

  PasswordChange AskForPassword(const std::string& account) {
    Say("New password of " + Escape(account) + ':');
    return place_.mounted() ? SetPasswordByProgram(account) : SetPassword(account);
  }

  void SayMore(const ResetOutcome& plan, const ResetOutcome& done) {
    for (const std::string& account : done.accounts) {
      const bool planned =
          std::find(plan.accounts.begin(), plan.accounts.end(), account) != plan.accounts.end();
      if (!planned) Say(Escape(account) + " was reset too, without a new password: set one now");
    }
  }

  Context& context_;
  ConsolePlace& place_;
  const ResetWish& wish_;
};

int Report(Context& context, const ResetOutcome& done) {
  if (done.failure) return Fail(context, *done.failure);
  std::string text;
  if (done.ended_super_lockout) text += "The system's super-lockout has ended.\n";
  for (const std::string& account : done.accounts) {
    text += "Reset: " + Escape(account) + ". Enrol again with: sparekey user enroll " +
            Escape(account) + '\n';
  }
  text += "A closed SSH gate stays closed until it is opened: sparekey ssh enable\n";
  return Finish(
      context, Json{{"accounts", done.accounts}, {"super_lockout_ended", done.ended_super_lockout}},
      text);
}

// The console check needs this system's /proc, so it comes before the change of the root folder.
// From then on every path, symbolic links included, is the mounted system's.
Status EnterMountedSystem(Context& context, const Invocation& invocation) {
  const std::string root = *invocation.Get("root");
  const std::string config_path = invocation.config.config.value_or(kDefaultConfig);
  const Status allowed = CheckAtConsole(LoadConsoleConfig(root + config_path));
  if (!allowed.ok()) return allowed;
  if (chroot(root.c_str()) != 0 || chdir("/") != 0) {
    return Invalid("--root: cannot enter '" + root + "': " + std::strerror(errno));
  }
  Result<Config> config = LoadConfig(invocation.config);
  if (!config.ok()) return config.error();
  context.config = std::move(*config);
  return Ok();
}

}  // namespace

Status CheckAtConsole(const ConsoleConfig& config) {
  const ResetPermission permission = MayReset(RealProc(), config, getpid(), geteuid());
  if (permission.allowed) return Ok();
  return Error{ErrorCode::kNotAllowed,
               "this works at the local console only: " + permission.reason};
}

Status EnterConsole(Context& context, const Invocation& invocation) {
  return invocation.Has("root") ? EnterMountedSystem(context, invocation)
                                : CheckAtConsole(context.config.console);
}

ResetOutcome ResetAtConsole(Context& context, ConsolePlace& place, const ResetWish& wish) {
  return Reset(context, place, wish).Run();
}

int RunConsoleReset(Context& context, const Invocation& invocation) {
  const bool system = invocation.Has("system");
  const bool new_key = invocation.Has("new-key");
  const auto wishes = (system ? 1U : 0U) + (new_key ? 1U : 0U) + invocation.arguments.size();
  if (wishes != 1) {
    return Fail(context, Invalid(wishes > 1 ? "NAME, --system and --new-key exclude each other"
                                            : "NAME or --system is missing; see: sparekey help "
                                              "console reset"));
  }
  ResetWish wish;
  if (!system && !new_key) {
    const Status named = CheckName("NAME", invocation.First());
    if (!named.ok()) return Fail(context, named.error());
    wish.account = invocation.First();
  }
  const Status allowed = EnterConsole(context, invocation);
  if (!allowed.ok()) return Fail(context, allowed.error());
  const bool mounted = invocation.Has("root");
  if (new_key) return RenewAtConsole(context, mounted);
  ConsolePlace place(context.config, mounted);
  return Report(context, ResetAtConsole(context, place, wish));
}

}  // namespace sparekey
