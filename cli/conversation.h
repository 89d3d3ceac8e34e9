// SPDX-License-Identifier: Apache-2.0
// The login conversation as the command line holds it: root vouches for the first factor, the
// service asks, this answers.
#pragma once

#include <functional>
#include <string>

#include "cli/api.h"

namespace sparekey {

// The answers to `ask` (the API's), or why there are none.
using Answers = std::function<Result<SecretJson>(const Json& ask)>;

// Begins a login and answers until there is a verdict. Says what the service says.
Answer Converse(Api& api, const Json& begin, const Answers& answers);

}  // namespace sparekey
