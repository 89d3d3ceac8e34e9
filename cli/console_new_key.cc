// SPDX-License-Identifier: Apache-2.0
// console reset --new-key: the way back where the master key is lost or the store is beyond repair.
#include <unistd.h>

#include <cerrno>

#include "cli/commands.h"
#include "cli/console_reset.h"
#include "cli/prompt.h"
#include "cli/store_holder.h"
#include "core/sqlite_store.h"
#include "core/store_files.h"
#include "core/store_renewal.h"
#include "core/store_schema.h"

namespace sparekey {
namespace {

constexpr std::chrono::milliseconds kDeadline{4000};

std::string TextOf(const Renewal& renewal, const Config& config) {
  std::string text = "There is a new master key and a new store. The old store named " +
                     std::to_string(renewal.accounts) +
                     " accounts; they must enrol again: sparekey user enroll NAME\n";
  if (renewal.some_unknown) {
    text +=
        "There may be more of them: the old store is damaged. Enrol every account that had "
        "two-factor before somebody else does it with the password alone.\n";
  }
  text +=
      "Everybody else is required to enrol, too (required_for=everyone), whatever the old settings "
      "said, which nobody can read any more. All other settings are the defaults.\n"
      "The SSH gate is closed until it is opened: sparekey ssh enable\n";
  text += "The old files, where there were any, are kept: " + config.state_dir + "/sparekey.db" +
          renewal.suffix + ", " + config.master_key + renewal.suffix + '\n';
  return text + "Start the service: systemctl restart sparekeyd\n";
}

// A service that runs and answers has a key and a store that work; one that hangs is in the way.
// Where nobody holds the store nobody is asked: systemd's sockets would start who was stopped.
Status EndHangingService(const Config& config) {
  if (!FindStoreOwner(config.state_dir)) return Ok();
  const Answer health = Api(config.socket).Get("/v1/health", kDeadline);
  if (health.ok()) {
    return Error{
        ErrorCode::kConflict,
        "sparekeyd runs and can read the store: where a new key is wanted all the same, stop "
        "it with its sockets: systemctl stop sparekeyd.socket sparekeyd-pam.socket "
        "sparekeyd.service"};
  }
  return OfferToEndHolder(config.state_dir, health.failure->answered ? kUnable : kNoAnswer);
}

// A missing folder is no missing account.
Error CannotRenew(Error error, const std::string& state_dir) {
  if (error.code != ErrorCode::kNotFound) return error;
  if (access(state_dir.c_str(), F_OK) != 0 && errno == ENOENT) {
    error.message += "; is its disk mounted? else: systemd-tmpfiles --create sparekey.conf";
  }
  error.code = ErrorCode::kUnavailable;
  return error;
}

// In lines that the menu's screen holds, behind "sparekey: ".
int Refuse(const Context& context, const Error& error) {
  Failure failure = FailureOf(error);
  constexpr std::string_view kBefore = "sparekey: ";
  if (!context.json) {
    failure.message = Fold(std::string(kBefore) + failure.message).substr(kBefore.size());
  }
  return Fail(context, failure);
}

}  // namespace

int RenewAtConsole(Context& context, bool mounted) {
  Say(Fold(
      "This makes a new master key and a new store. Every account that is known must enrol again, "
      "and everybody else is required to enrol; settings and events are lost. It is for a key "
      "that is lost, or a store beyond repair, and for nothing else: put them back from a backup "
      "where there is one. Where it was interrupted, this finishes it."));
  if (!IsYesTyped("Make everybody enrol again? Type YES: ")) {
    return Refuse(context, Error{ErrorCode::kUnavailable, "nothing was changed"});
  }
  const Status free = mounted ? Ok() : EndHangingService(context.config);
  if (!free.ok()) return Refuse(context, free.error());
  const auto renew = [&] {
    return RenewStore(context.config.state_dir, context.config.master_key, ReadClock());
  };
  Result<Renewal> renewal = renew();
  const std::string& state_dir = context.config.state_dir;
  const bool room_helps = !renewal.ok() && RefuseNewer(StorePath(state_dir, kStoreFile)).ok();
  if (room_helps && MakeRoomOnFullDisk(state_dir)) renewal = renew();
  if (!renewal.ok()) return Refuse(context, CannotRenew(renewal.error(), state_dir));
  return Finish(context,
                Json{{"accounts", renewal->accounts},
                     {"some_unknown", renewal->some_unknown},
                     {"old_suffix", renewal->suffix}},
                Fold(TextOf(*renewal, context.config)));
}

}  // namespace sparekey
