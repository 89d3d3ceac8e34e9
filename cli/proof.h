// SPDX-License-Identifier: Apache-2.0
// Changing one's own account without root: where the service wants a proof, password and code are
// asked for and sent on the same connection, and the request is sent again.
#pragma once

#include <string>

#include "cli/api.h"

namespace sparekey {

// As Api::Send. `account`: whose owner the caller may be. Nothing is asked for where the service
// does not want it. Password and codes are hidden prompts, or lines of standard input in the order
// in which they are asked for. A denied proof is a failure with the status of its reason.
Answer SendProved(Api& api, const std::string& account, std::string_view method,
                  const std::string& target, const SecretJson& body);

}  // namespace sparekey
