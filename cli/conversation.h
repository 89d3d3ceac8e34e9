// SPDX-License-Identifier: Apache-2.0
// The login conversation as the command line holds it: the service asks, this answers.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "cli/api.h"

namespace sparekey {

// The answers to `ask` (the API's), or why there are none.
using Answers = std::function<Result<SecretJson>(const Json& ask)>;

struct ConversationPlace {
  std::string begin;    // "/v1/logins"
  std::string answers;  // "/v1/logins/{}/answers"; without {} the login's id is in the body
  std::chrono::milliseconds deadline = Api::kDeadline;
};

// Begins and answers until there is a verdict. Says what the service says.
Answer Converse(Api& api, const ConversationPlace& place, const SecretJson& begin,
                const Answers& answers);

}  // namespace sparekey
