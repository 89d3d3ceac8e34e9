// SPDX-License-Identifier: Apache-2.0
// The console reset as a person carries it out: permission, plan, new passwords, one commit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/console_place.h"
#include "cli/context.h"

namespace sparekey {

struct ResetWish {
  std::optional<std::string> account;  // nullopt: the system
  std::function<bool()> agree;         // asked after the plan was shown; none: agreed
};

struct ResetOutcome {
  std::optional<Failure> failure;
  bool given_up = false;  // by the person; nothing was reset
  std::vector<std::string> accounts;
  bool ended_super_lockout = false;
};

// kNotAllowed with the reason where this process is not at the local console.
Status CheckAtConsole(const ConsoleConfig& config);
// CheckAtConsole; with --root the mounted system becomes this process's root folder, and its
// configuration the context's.
Status EnterConsole(Context& context, const Invocation& invocation);

ResetOutcome ResetAtConsole(Context& context, ConsolePlace& place, const ResetWish& wish);

// A new master key and a new store (core/store_renewal.h).
int RenewAtConsole(Context& context, bool mounted);

}  // namespace sparekey
