// SPDX-License-Identifier: Apache-2.0
// What happened, as it is stored, shown and sent to hooks. Never holds a code or a secret.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"

namespace sparekey {

enum class Door : std::uint8_t { kSsh, kWeb, kConsole, kOther };
std::string_view ToString(Door door);  // ssh, web, console, other
std::optional<Door> ParseDoor(std::string_view text);

enum class EventKind : std::uint8_t {
  kLogin,           // accepted by a one-time code
  kRecovery,        // accepted by backup codes
  kWrongCode,       // wrong one-time code, counted
  kReplay,          // spent code again, not counted
  kFailedRecovery,  // wrong set of backup codes, counted
  kLockout,
  kSuperLockout,
  kGateClosed,
  kGateOpened,
  kEnrolmentBegun,
  kEnrolmentFinished,
  kEnrolmentRemoved,
  kSheetReplaced,
  kUnlocked,
  kSettingsChanged,
  kConsoleReset,
  kClockWrong,
  kAuthenticatorAdded,
  kAuthenticatorRenewed,
  kAuthenticatorRemoved,
  kResynchronised,   // a HOTP counter was moved on by two consecutive codes
  kSessionsEnded,    // containment is over: nobody's session in its scope lives any more
  kCodesLow,         // few backup codes are left
  kUnsealingFailed,  // a record could not be opened: damaged, or of another key
  kTwoFactorOff,     // enabled=false
  kTwoFactorOn,
  kAlertAcknowledged,
  kTest,  // a test notification
};
std::string_view ToString(EventKind kind);  // login, recovery, wrong_code, …
std::optional<EventKind> ParseEventKind(std::string_view text);

struct Event {
  EventKind kind = EventKind::kLogin;
  std::string account;  // empty: the system
  std::optional<Door> door;
  std::string remote_host;  // as PAM said it; shown escaped
  std::string detail;       // one line for people; may be empty
  TimePoint time{};
  std::int64_t id = 0;   // given by the store, ascending
  bool damaged = false;  // cannot be read: nothing but the id is known
};

}  // namespace sparekey
