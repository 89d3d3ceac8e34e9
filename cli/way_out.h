// SPDX-License-Identifier: Apache-2.0
// Can somebody still get in, and end a super-lockout, when SSH and web are shut? A terminal that
// lets people log in, and an administrator whose password this machine knows by itself.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/finding.h"
#include "cli/system.h"

namespace sparekey {

struct WayOutFacts {
  ConsoleConfig console;
  std::vector<std::string> admin_groups;
};

Findings CheckWayOut(const System& system, const WayOutFacts& facts);

// The same for whoever may not be root: only what is not in order, and whom to ask about what could
// not be seen.
Findings FindAgainstWayOut(const System& system, const WayOutFacts& facts);

// For user enroll: where the account is an administrator's and no other administrator is known to
// be enrolled (among the first 1000 accounts; without root none is known), says on standard error
// what FindAgainstWayOut finds. Never stands in the way.
void SayWayOut(const Context& context, Api& api, const std::string& name);

}  // namespace sparekey
