// SPDX-License-Identifier: Apache-2.0
// The console reset as a person carries it out: permission, plan, new passwords, one commit; with
// the service or, where it is down or hangs, on the store itself.
#pragma once

#include <optional>
#include <string>

#include "cli/context.h"

namespace sparekey {

struct ResetWish {
  std::optional<std::string> account;  // nullopt: the system
  bool mounted = false;                // another system's root folder; there is no service
};

// kNotAllowed with the reason where this process is not at the local console.
Status CheckAtConsole(const ConsoleConfig& config);

int ResetAtConsole(Context& context, const ResetWish& wish);

// A new master key and a new store (core/store_renewal.h).
int RenewAtConsole(Context& context);

}  // namespace sparekey
