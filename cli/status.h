// SPDX-License-Identifier: Apache-2.0
// The whole system on one screen; also shown by the console's menu.
#pragma once

#include <string>

#include "cli/api.h"

namespace sparekey {

std::string StatusText(const Json& status);

}  // namespace sparekey
