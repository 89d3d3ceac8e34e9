// SPDX-License-Identifier: Apache-2.0
// Which door somebody comes through, from the process that called PAM and from PAM's own items.
#pragma once

#include <security/pam_modules.h>

#include <optional>
#include <string>
#include <string_view>

namespace sparekey::pam {

enum class Door { kSsh, kWeb, kConsole, kOther };

std::string_view DoorName(Door door);
std::optional<Door> ParseDoor(std::string_view name);

// A PAM item of text; "" where it is not set.
std::string ReadItem(pam_handle_t* pamh, int item);

// The calling program is an SSH server, by /proc/self/exe.
bool RunsSshServer();

// `named`: option door=. console permits and never forces: the PAM service then counts as one of
// console.services, everything else must hold all the same. Any other name says "never the
// console".
bool IsAtConsole(pam_handle_t* pamh, std::optional<Door> named, std::string_view config);

// The door of somebody who is not at the console: ssh, web (by option alone) or other.
Door FindDoor(pam_handle_t* pamh, std::optional<Door> named);

}  // namespace sparekey::pam
