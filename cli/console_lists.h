// SPDX-License-Identifier: Apache-2.0
// What the local console lists by pages: locked accounts, alerts and the last events.
#pragma once

#include "cli/console_place.h"

namespace sparekey {

// false: none is locked, or they are not known, which was said.
bool ShowLockedAccounts(ConsolePlace& place);
void ShowAlertsAndEvents(ConsolePlace& place);

}  // namespace sparekey
