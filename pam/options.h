// SPDX-License-Identifier: Apache-2.0
// The module's options: the words behind pam_sparekey.so in a PAM service file.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "pam/door.h"

namespace sparekey::pam {

enum class Unenrolled { kByPolicy, kDeny, kSkip };

struct Options {
  // Parts of the words that were parsed, if not these.
  std::string_view socket{"/run/sparekey/pam.sock"};
  std::string_view config{"/etc/sparekey/sparekey.conf"};  // for console.* alone
  std::chrono::seconds timeout{3};  // 1 to 30, for all requests of one call; typing is not counted
  std::string prompt;               // in the place of the prompt for a one-time code
  bool echo_code = false;           // codes are shown while they are typed
  bool debug = false;               // what happens goes to the log, never what was typed
  bool no_recovery = false;         // backup codes are not taken here
  bool ask_first = false;           // one fixed prompt before any contact
  bool waive_first_factor = false;  // first_factor=none: a name is enough to lock an account
  Unenrolled unenrolled = Unenrolled::kByPolicy;
  std::optional<Door> door;  // console permits, the others say

  // A code behind the password in one line: the last `code_digits` characters, digits all.
  bool try_first_pass = false;  // take it from an earlier module's password, else ask
  bool use_first_pass = false;  // take it from there, never ask
  bool forward_pass = false;    // leave the password without the code to the modules below
  std::size_t code_digits = 6;  // 6 to 8
};

// An error names the word that is unknown or out of range.
Result<Options> ParseOptions(std::span<const char* const> words);

}  // namespace sparekey::pam
