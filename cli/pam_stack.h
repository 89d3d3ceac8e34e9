// SPDX-License-Identifier: Apache-2.0
// A PAM service file as libpam reads it, and what a stack of modules decides when each of them
// answers so and so. No module is loaded.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/system.h"

namespace sparekey {

// The answers that make a difference to the checks; every other one is `default` in a control.
enum class PamCode { kSuccess, kNewAuthtokReqd, kIgnore, kAuthErr, kPermDenied, kUnavailable };
inline constexpr std::size_t kPamCodes = 6;

struct PamAction {
  enum Kind { kIgnore, kOk, kDone, kBad, kDie, kReset, kJump } kind = kBad;
  int jump = 0;
};

struct PamLine {
  std::string module;  // "pam_unix.so", without its folder; "": a substack begins
  std::string path;    // as written
  std::vector<std::string> arguments;
  std::array<PamAction, kPamCodes> actions;
  int level = 0;      // in how many substacks it stands
  std::string where;  // "/etc/pam.d/sshd:7"

  bool HasArgument(std::string_view argument) const;
};

struct PamStack {
  std::vector<PamLine> lines;
  std::vector<std::string> faults;  // what libpam could not read: it denies then
};

// `phase`: auth, account or session. Follows @include, include and substack. A service without a
// file of its own is "other".
PamStack ReadPamStack(const System& system, const std::string& service, std::string_view phase);
// "/etc/pam.d/sshd"; "" where there is none.
std::string FindPamFile(const System& system, const std::string& service);

struct PamOutcome {
  bool accepted = false;
  std::vector<bool> reached;  // by line

  bool Reached(const PamStack& stack, std::string_view module) const;
};
PamOutcome RunPamStack(const PamStack& stack,
                       const std::function<PamCode(const PamLine& line)>& answer);

}  // namespace sparekey
