// SPDX-License-Identifier: Apache-2.0
// Enrolment at the local console: the QR code, a code that proves it, and the backup codes.
#pragma once

#include <string>

#include "cli/console_place.h"

namespace sparekey {

void EnrolAtConsole(ConsolePlace& place, const std::string& account);
// Voids the old sheet; asks before.
void NewSheetAtConsole(ConsolePlace& place, const std::string& account);

}  // namespace sparekey
