// SPDX-License-Identifier: Apache-2.0
// PAM's account phase, which runs for key logins too: one question without a conversation.
#pragma once

#include "service/backend.h"

namespace sparekey {

void AnswerAccess(const Backend& backend, const HttpRequest& request,
                  Respond respond);  // POST /v1/access

}  // namespace sparekey
