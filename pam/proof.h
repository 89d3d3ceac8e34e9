// SPDX-License-Identifier: Apache-2.0
// What the auth phase leaves for the account phase of the same PAM handle: this account proved a
// code, or needs none. Without it an SSH login brought a key alone.
#pragma once

#include <security/pam_modules.h>

#include <string>

namespace sparekey::pam {

// A text of the module's own, kept with the handle and freed with it.
bool KeepText(pam_handle_t* pamh, const char* name, const std::string& text);
std::string ReadKeptText(const pam_handle_t* pamh, const char* name);

inline constexpr char kProvenAccount[] = "sparekey_proven_account";

// PAM_USER where it can be an account's name: 1 to 256 bytes of UTF-8 without control characters
// and slashes. "" where it cannot, which is logged.
std::string ReadAccount(pam_handle_t* pamh);

}  // namespace sparekey::pam
