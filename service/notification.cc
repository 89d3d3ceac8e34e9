// SPDX-License-Identifier: Apache-2.0
#include "service/notification.h"

#include "core/alerts.h"
#include "service/json.h"

namespace sparekey {
namespace {

std::string By(const Event& event) {
  std::string text;
  if (event.door) text += " at the door " + std::string(ToString(*event.door));
  if (!event.remote_host.empty()) text += " from " + event.remote_host;
  return text;
}

std::string With(const std::string& detail) { return detail.empty() ? "" : " (" + detail + ")"; }

// One line for people: a mail's subject.
std::string TextOf(const Event& event) {
  const std::string whose = event.account.empty() ? "the system" : event.account;
  switch (event.kind) {
    case EventKind::kSuperLockout:
      return "Super-lockout by failed recoveries of " + event.account + With(event.detail) +
             ". Reset it at the local console with: sparekey console";
    case EventKind::kRecovery:
      return event.account + " signed in with backup codes" + By(event) + With(event.detail);
    case EventKind::kGateOpened:
      return "SSH is enabled again for " +
             (event.account.empty() ? std::string("everybody") : event.account);
    case EventKind::kConsoleReset:
      return "Console reset of " + whose + With(event.detail);
    case EventKind::kSheetReplaced:
      return event.account + " has a new sheet of backup codes" + With(event.detail);
    case EventKind::kEnrolmentRemoved:
      return event.account + " has no two-factor login any more" + With(event.detail);
    case EventKind::kTwoFactorOn:
      return "Two-factor logins are on again";
    case EventKind::kTest:
      return "This is a test notification of sparekey";
    default:
      break;
  }
  return AlertText(
      RaiseAlert(std::nullopt, {AlertChange::What::kRaise, event.kind, event.account}, event));
}

}  // namespace

bool IsNotified(EventKind kind) {
  switch (kind) {
    case EventKind::kLockout:
    case EventKind::kSuperLockout:
    case EventKind::kGateClosed:
    case EventKind::kGateOpened:
    case EventKind::kRecovery:
    case EventKind::kConsoleReset:
    case EventKind::kCodesLow:
    case EventKind::kSheetReplaced:
    case EventKind::kEnrolmentRemoved:
    case EventKind::kTwoFactorOff:
    case EventKind::kTwoFactorOn:
    case EventKind::kClockWrong:
    case EventKind::kUnsealingFailed:
    case EventKind::kTest:
      return true;
    default:
      return false;
  }
}

std::string NotificationJson(const Event& event, const std::string& host, std::uint64_t missed) {
  Json value = ToJson(event);
  value["host"] = host;
  value["text"] = TextOf(event);
  value["missed"] = missed;
  return value.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace sparekey
