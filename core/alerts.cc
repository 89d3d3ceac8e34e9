// SPDX-License-Identifier: Apache-2.0
#include "core/alerts.h"

namespace sparekey {
namespace {

using What = AlertChange::What;

constexpr char kNow[] = "Reset it at the local console with: sparekey console";

Alert Imply(EventKind kind, std::string account, TimePoint since, std::string detail) {
  Alert alert;
  alert.kind = kind;
  alert.account = std::move(account);
  alert.since = alert.last = since;
  alert.detail = std::move(detail);
  return alert;
}

std::string JoinNames(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// What nothing but an administrator's word ends.
bool EndsWithItsAcknowledgement(EventKind kind) { return kind == EventKind::kClockWrong; }

std::vector<AlertChange> Acknowledge(const Event& event) {
  const auto kind = ParseEventKind(event.detail);
  if (!kind) return {};
  return {{EndsWithItsAcknowledgement(*kind) ? What::kSettle : What::kAcknowledge, *kind,
           event.account}};
}

// `account` begins over: whatever was wrong with it is gone, but for a gate.
std::vector<AlertChange> Reset(const std::string& account) {
  if (account.empty()) return {{What::kSettle, EventKind::kSuperLockout, ""}};
  return {{What::kSettle, EventKind::kLockout, account},
          {What::kSettle, EventKind::kSuperLockout, account},
          {What::kSettle, EventKind::kCodesLow, account},
          {What::kSettle, EventKind::kUnsealingFailed, account}};
}

std::string For(const Alert& alert) { return alert.account.empty() ? "" : " for " + alert.account; }
std::string With(const std::string& detail) { return detail.empty() ? "" : " (" + detail + ")"; }

std::string SuperLockoutText(const Alert& alert) {
  if (alert.account.empty()) {
    return "Logins are disabled on this system" + With(alert.detail) + ". " + kNow;
  }
  return "Logins of " + alert.account + " are disabled. " + kNow + " reset " + alert.account;
}

}  // namespace

std::vector<AlertChange> AlertChangesOf(const Event& event, const SystemState& system) {
  switch (event.kind) {
    case EventKind::kLockout:
    case EventKind::kGateClosed:
    case EventKind::kCodesLow:
    case EventKind::kTwoFactorOff:
    case EventKind::kUnsealingFailed:
      return {{What::kRaise, event.kind, event.account}};
    case EventKind::kSuperLockout:
      // While everybody is covered nobody's attempt is decided: this event began it.
      return {{What::kRaise, event.kind, system.super_locked ? "" : event.account}};
    case EventKind::kClockWrong:
      return {{What::kRaise, event.kind, ""}};
    case EventKind::kUnlocked:
    case EventKind::kRecovery:
      return {{What::kSettle, EventKind::kLockout, event.account}};
    case EventKind::kGateOpened:
      return {{What::kSettle, EventKind::kGateClosed, event.account}};
    case EventKind::kSheetReplaced:
    case EventKind::kEnrolmentRemoved:
      return {{What::kSettle, EventKind::kCodesLow, event.account}};
    case EventKind::kTwoFactorOn:
      return {{What::kSettle, EventKind::kTwoFactorOff, event.account}};
    case EventKind::kConsoleReset:
      return Reset(event.account);
    case EventKind::kAlertAcknowledged:
      return Acknowledge(event);
    default:
      return {};
  }
}

Alert RaiseAlert(const std::optional<Alert>& before, const AlertChange& change,
                 const Event& event) {
  const bool lasts = before && !before->damaged && !before->acknowledged;
  Alert alert = Imply(change.kind, change.account, event.time, event.detail);
  if (change.kind == EventKind::kSuperLockout) alert.detail = "failures of " + event.account;
  alert.id = lasts ? before->id : event.id;
  if (lasts) alert.since = before->since;
  if (lasts) alert.count = before->count + 1;
  return alert;
}

Status CheckAcknowledgeable(const Alert& alert) {
  if (alert.kind == EventKind::kTwoFactorOff) {
    return Error{ErrorCode::kConflict,
                 "this alert stays until two-factor logins are on again: sparekey settings set "
                 "enabled=true"};
  }
  if (alert.kind != EventKind::kGateClosed) return Ok();
  return Error{ErrorCode::kConflict,
               "this alert stays until SSH is enabled again: sparekey ssh "
               "enable" +
                   (alert.account.empty() ? "" : " " + alert.account)};
}

std::vector<Alert> AlertsImpliedBy(const SystemState& system, const Policy& policy,
                                   TimePoint known) {
  std::vector<Alert> alerts;
  if (const auto& super = system.super_locked) {
    alerts.push_back(Imply(EventKind::kSuperLockout, "", super->since,
                           "failures of " + JoinNames(super->causes)));
  }
  if (system.gate) {
    alerts.push_back(Imply(EventKind::kGateClosed, "", system.gate->since, system.gate->reason));
  }
  if (!policy.enabled) alerts.push_back(Imply(EventKind::kTwoFactorOff, "", known, ""));
  return alerts;
}

std::vector<Alert> AlertsImpliedBy(const Account& account) {
  std::vector<Alert> alerts;
  if (account.locked) {
    alerts.push_back(Imply(EventKind::kLockout, account.name, *account.locked, ""));
  }
  if (account.super_locked) {
    alerts.push_back(Imply(EventKind::kSuperLockout, account.name, *account.super_locked,
                           "failures of " + account.name));
  }
  if (account.gate) {
    alerts.push_back(
        Imply(EventKind::kGateClosed, account.name, account.gate->since, account.gate->reason));
  }
  return alerts;
}

std::string AlertText(const Alert& alert) {
  const std::string& account = alert.account;
  switch (alert.kind) {
    case EventKind::kLockout:
      return account + " is locked" + With(alert.detail) +
             ": one-time codes are not taken. Backup codes lead out, or: sparekey user unlock " +
             account;
    case EventKind::kSuperLockout:
      return SuperLockoutText(alert);
    case EventKind::kGateClosed:
      return "SSH is disabled" + For(alert) + With(alert.detail) +
             ": enable it again? sparekey ssh enable" + (account.empty() ? "" : " " + account);
    case EventKind::kCodesLow:
      return account + " has few backup codes" + With(alert.detail) +
             ". A new sheet: sparekey codes new " + account;
    case EventKind::kClockWrong:
      return "The system clock is wrong: one-time codes cannot be checked. Set the clock";
    case EventKind::kTwoFactorOff:
      return "Two-factor logins are off: nobody is asked for a code. On again: sparekey settings "
             "set enabled=true";
    case EventKind::kUnsealingFailed:
      return "The record of " + account + " cannot be read: logins of " + account +
             " are denied. At the local console this replaces it: sparekey console reset " +
             account;
    default:
      return std::string(ToString(alert.kind)) + For(alert) + With(alert.detail);
  }
}

}  // namespace sparekey
