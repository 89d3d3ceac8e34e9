// SPDX-License-Identifier: Apache-2.0
// An authenticator in words, as `user show` and `authenticator list` print it.
#pragma once

#include <string>

#include "cli/api.h"

namespace sparekey {

std::string CodesText(const Json& authenticator);     // "totp 6 digits sha1 30 s"
std::string LastUsedText(const Json& authenticator);  // "never", or this host's local time

}  // namespace sparekey
