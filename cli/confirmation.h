// SPDX-License-Identifier: Apache-2.0
// Proving a new authenticator with one code.
#pragma once

#include <string>

#include "cli/api.h"

namespace sparekey {

// Reads a code and sends it; after a wrong one asks again, `tries` times in all.
Answer Confirm(Api& api, const std::string& account, int tries);

}  // namespace sparekey
