// SPDX-License-Identifier: Apache-2.0
// What a person is told: one or two lines that say what happened and what to do next, the same at
// every door.
#pragma once

#include <string>

#include "lockout/decide.h"

namespace sparekey {

struct WordsContext {
  std::string account;
  int required = 2;  // backup codes that one recovery needs
  bool has_sheet = false;
  int codes_left = 0;
  bool codes_low = false;         // by the policy: told with a hint at a new sheet
  bool one_more_locks = false;    // exactly one wrong code is left before a lockout
  bool whole_system = true;       // whom the super-lockout covers
  bool recovery_possible = true;  // allowed here, and enough codes are left
  bool recovering = false;        // the person asked for a recovery
  std::optional<TimePoint> gate_since;
  bool enrolled = false;                // never said, but told to the terminal, as the next one:
  bool must_enrol = false;              // the module's option `unenrolled` goes by them
  OwnerNotice notice;                   // told with an accepted login
  std::optional<TimePoint> last_login;  // the one before
};

// `account`: nullptr where nothing is stored. `recovery_allowed`: by the terminal.
WordsContext MakeWords(const Policy& policy, const Account* account, const SystemState& system,
                       const std::string& name, bool recovery_allowed);

// Empty where nothing needs to be said.
std::string Say(Reason reason, const WordsContext& context);

inline constexpr char kOneTimePrompt[] = "One-time code: ";
std::string BackupPrompt(int number, int required);  // "Backup code 1 of 2: "

}  // namespace sparekey
