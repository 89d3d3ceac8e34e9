// SPDX-License-Identifier: Apache-2.0
// What the local console lists by pages: locked accounts, alerts, which it acknowledges, and the
// last events.
#pragma once

#include "cli/console_place.h"

namespace sparekey {

// false: none is locked, or they are not known, which was said.
bool ShowLockedAccounts(ConsolePlace& place);
// The alerts first, to be acknowledged while their numbers are in sight; nothing can be under a
// super-lockout of the system.
void ShowAlertsAndEvents(ConsolePlace& place, bool super_locked);

}  // namespace sparekey
