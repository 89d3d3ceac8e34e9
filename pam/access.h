// SPDX-License-Identifier: Apache-2.0
// The account phase: super-lockout, SSH gate and logins with a key alone. At ssh and web only, so
// that cron and systemd --user go on.
#pragma once

#include <security/pam_modules.h>

#include "pam/options.h"

namespace sparekey::pam {

// PAM_IGNORE at other doors; else as Authenticate().
int CheckAccess(pam_handle_t* pamh, bool silent, const Options& options);

}  // namespace sparekey::pam
