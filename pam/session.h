// SPDX-License-Identifier: Apache-2.0
// The session phase: tells sparekeyd which SSH sessions live, so that containment can end them.
// Never stands in a session's way.
#pragma once

#include <security/pam_modules.h>

#include "pam/options.h"

namespace sparekey::pam {

void OpenSession(pam_handle_t* pamh, const Options& options);
void CloseSession(pam_handle_t* pamh, const Options& options);

}  // namespace sparekey::pam
