// SPDX-License-Identifier: Apache-2.0
// PUT /v1/console/two-factor: two-factor logins off until they are set back, by the local console.
// Works under a super-lockout, which it does not end.
#pragma once

#include "service/backend.h"

namespace sparekey {

void SwitchTwoFactor(const Backend& backend, const HttpRequest& request, Respond respond);

}  // namespace sparekey
