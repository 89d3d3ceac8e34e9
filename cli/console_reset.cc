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
#include "cli/reset_place.h"
#include "cli/store_holder.h"
#include "core/local_console.h"
#include "core/sqlite_store.h"

namespace sparekey {
namespace {

// A killed service may be started again before the store is ours.
constexpr int kRounds = 3;

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + Escape(name);
  return text;
}

// Opens the store; where a process holds it, shows it and ends it if that is wanted.
Result<std::unique_ptr<ResetPlace>> TakeStore(const Config& config) {
  if (const auto holder = FindStoreOwner(config.state_dir)) {
    Say("The store is held by " + DescribeHolder(*holder) + ", which does not answer.");
    if (!IsYesTyped("End this process and go on? Type YES: ")) {
      return Error{ErrorCode::kUnavailable, "the store is in use"};
    }
    const Status ended = EndHolder(config.state_dir, *holder);
    if (!ended.ok()) return ended.error();
  }
  auto place = ResetOnStore(config);
  if (!place.ok() && MakeRoomOnFullDisk(config.state_dir)) place = ResetOnStore(config);
  return place;
}

class Reset {
 public:
  Reset(Context& context, const ResetWish& wish) : context_(context), wish_(wish) {}

  int Run() {
    if (!wish_.mounted) place_ = ResetByService(context_.config);
    const ResetReply plan = Try(&ResetPlace::Plan);
    if (plan.failure) return Fail(context_, *plan.failure);
    Show(plan);
    const Status passwords = SetPasswords(plan.accounts);
    if (!passwords.ok()) return Fail(context_, passwords.error());
    ResetReply done = Try(&ResetPlace::CarryOut);
    // The service committed, but its answer was lost: what was to be ended is not there any more.
    const bool was_done =
        done.failure && unanswered_ && !wish_.account && done.failure->code == "conflict";
    if (was_done) done = plan;
    if (done.failure) return FailToCarryOut(*done.failure);
    return Report(plan, done);
  }

 private:
  using Operation = ResetReply (ResetPlace::*)(const std::optional<std::string>& account);

  // With the service; on the store where the service gives no answer; once more on a full disk.
  ResetReply Try(Operation operation) {
    ResetReply reply = TryPlaces(operation);
    const bool stuck = reply.failure && reply.failure->code == "unavailable";
    if (stuck && place_ != nullptr && MakeRoomOnFullDisk(context_.config.state_dir)) {
      reply = TryPlaces(operation);
    }
    return reply;
  }

  ResetReply TryPlaces(Operation operation) {
    ResetReply reply;
    for (int round = 0; round < kRounds; ++round) {
      if (place_ != nullptr) {
        reply = (place_.get()->*operation)(wish_.account);
        if (!reply.failure || !IsServiceAtFault(*reply.failure)) return reply;
        unanswered_ = unanswered_ || !reply.failure->answered;
        Say(reply.failure->answered ? "The service cannot do it: " + Escape(reply.failure->message)
                                    : "The service does not answer.");
      }
      auto store = TakeStore(context_.config);
      if (store.ok()) {
        place_ = std::move(*store);
        on_store_ = true;
        return (place_.get()->*operation)(wish_.account);
      }
      reply.failure = FailureOf(store.error());
      if (store.error().code != ErrorCode::kConflict) return reply;
    }
    return reply;
  }

  // A service that gives no answer, or says that it cannot, must not stand in the way.
  bool IsServiceAtFault(const Failure& failure) const {
    if (on_store_) return false;
    return !failure.answered || failure.code == "unavailable" || failure.code == "damaged" ||
           failure.code == "busy";
  }

  int FailToCarryOut(Failure failure) {
    failure.message += unanswered_
                           ? "; whether the reset was carried out is not known: run it again"
                           : "; new passwords stay, nothing else was reset";
    return Fail(context_, failure);
  }

  void Show(const ResetReply& plan) {
    if (plan.ends_super_lockout) Say("This ends the system's super-lockout.");
    if (!plan.accounts.empty()) Say("This resets: " + Join(plan.accounts));
    for (const std::string& account : plan.accounts) {
      Say("  " + Escape(account) +
          ": new password; authenticators and backup codes void; counters and lockouts cleared");
    }
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
      Say(Escape(account) + " has no local password: change it in its directory.");
      if (IsYesTyped("Go on without a new password? Type YES: ")) return Ok();
      return Error{ErrorCode::kNotAllowed, account + " has no new password"};
    }
    Say("New password of " + Escape(account) + ':');
    return wish_.mounted ? SetPasswordByProgram(account) : SetPassword(account);
  }

  int Report(const ResetReply& plan, const ResetReply& done) {
    for (const std::string& account : done.accounts) {
      const bool planned =
          std::find(plan.accounts.begin(), plan.accounts.end(), account) != plan.accounts.end();
      if (!planned) Say(Escape(account) + " was reset too, without a new password: set one now");
    }
    std::string text;
    if (done.ends_super_lockout) text += "The system's super-lockout has ended.\n";
    for (const std::string& account : done.accounts) {
      text += "Reset: " + Escape(account) + ". Enrol again with: sparekey user enroll " +
              Escape(account) + '\n';
    }
    text += "A closed SSH gate stays closed until it is opened: sparekey ssh enable\n";
    return Finish(
        context_,
        Json{{"accounts", done.accounts}, {"super_lockout_ended", done.ends_super_lockout}}, text);
  }

  Context& context_;
  ResetWish wish_;
  std::unique_ptr<ResetPlace> place_;
  bool unanswered_ = false;
  bool on_store_ = false;
};

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

int ResetAtConsole(Context& context, const ResetWish& wish) { return Reset(context, wish).Run(); }

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
  wish.mounted = invocation.Has("root");
  const Status allowed = wish.mounted ? EnterMountedSystem(context, invocation)
                                      : CheckAtConsole(context.config.console);
  if (!allowed.ok()) return Fail(context, allowed.error());
  return new_key ? RenewAtConsole(context) : ResetAtConsole(context, wish);
}

}  // namespace sparekey
