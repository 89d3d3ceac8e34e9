// SPDX-License-Identifier: Apache-2.0
// user list and export: every account, a page at a time, so that a million need no memory.
#pragma once

#include <string>

#include "cli/api.h"

namespace sparekey {

// "-" with accounts = any.
std::string UidText(const Json& account);

}  // namespace sparekey
