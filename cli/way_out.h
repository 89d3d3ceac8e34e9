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

// For user enroll: where the account is an administrator's and no other administrator is enrolled
// yet (among the first 1000 accounts), says on standard error what CheckWayOut has against it.
// Never stands in the way.
void SayWayOut(const Context& context, Api& api, const std::string& name);

}  // namespace sparekey
