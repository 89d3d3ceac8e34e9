// SPDX-License-Identifier: Apache-2.0
// The auth phase: a terminal for sparekeyd's login conversation.
#pragma once

#include <security/pam_modules.h>

#include "pam/options.h"

namespace sparekey::pam {

// PAM_SUCCESS       accepted; not required (or not enrolled with unenrolled=skip) after sshd's key
// PAM_IGNORE        not required (or skipped) after anything else
// PAM_AUTH_ERR      denied, whatever the reason: the one code with which sshd shows the text that
//                   says what to do
// PAM_MAXTRIES      more questions than a login has
// PAM_AUTHINFO_UNAVAIL  could not be decided, or forward_pass where no first factor is proven
int Authenticate(pam_handle_t* pamh, bool silent, const Options& options);

// What a reply with a verdict means for PAM: PAM_SUCCESS, PAM_IGNORE or PAM_AUTH_ERR.
int CodeOf(const struct LoginReply& reply, const Options& options);

}  // namespace sparekey::pam
