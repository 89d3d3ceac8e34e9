// SPDX-License-Identifier: Apache-2.0
// What libpam calls. One net for exceptions each; nothing but the listed return codes leaves.
#include <security/pam_modules.h>
#include <syslog.h>

#include <span>

#include "pam/access.h"
#include "pam/conversation.h"
#include "pam/login.h"
#include "pam/options.h"
#include "pam/proof.h"
#include "pam/runtime.h"
#include "pam/session.h"

#define SPAREKEY_EXPORT extern "C" __attribute__((visibility("default")))

namespace sparekey::pam {
namespace {

Result<Options> ReadOptions(const pam_handle_t* pamh, int argc, const char** argv) {
  auto options = ParseOptions(std::span(argv, static_cast<std::size_t>(argc)));
  if (!options) Log(pamh, LOG_ERR, options.error().message);
  return options;
}

// Rule 1: at the local console not even a mistyped option stands in the way.
bool IsConsoleDoor(pam_handle_t* pamh, const Result<Options>& options) {
  return options ? IsAtConsole(pamh, options->door, options->config)
                 : IsAtConsole(pamh, std::nullopt, Options().config);
}

int Auth(pam_handle_t* pamh, int flags, int argc, const char** argv) {
  const auto options = ReadOptions(pamh, argc, argv);
  // What an earlier try on this handle proved counts no more.
  const bool has_proof = !ReadKeptText(pamh, kProvenAccount).empty();
  if (has_proof && !KeepText(pamh, kProvenAccount, "")) return PAM_AUTHINFO_UNAVAIL;
  if (IsConsoleDoor(pamh, options)) return PAM_IGNORE;
  if (!options) return PAM_AUTHINFO_UNAVAIL;
  return Authenticate(pamh, (flags & PAM_SILENT) != 0, *options);
}

int Account(pam_handle_t* pamh, int flags, int argc, const char** argv) {
  const auto options = ReadOptions(pamh, argc, argv);
  if (options) return CheckAccess(pamh, (flags & PAM_SILENT) != 0, *options);
  return IsConsoleDoor(pamh, options) ? PAM_IGNORE : PAM_AUTHINFO_UNAVAIL;
}

}  // namespace
}  // namespace sparekey::pam

SPAREKEY_EXPORT int pam_sm_authenticate(pam_handle_t* pamh, int flags, int argc,
                                        const char** argv) {
  try {
    return sparekey::pam::Auth(pamh, flags, argc, argv);
  } catch (...) {
  }
  sparekey::pam::ForgetThrown();
  return PAM_AUTHINFO_UNAVAIL;
}

SPAREKEY_EXPORT int pam_sm_setcred(pam_handle_t*, int, int, const char**) { return PAM_SUCCESS; }

SPAREKEY_EXPORT int pam_sm_acct_mgmt(pam_handle_t* pamh, int flags, int argc, const char** argv) {
  try {
    return sparekey::pam::Account(pamh, flags, argc, argv);
  } catch (...) {
  }
  sparekey::pam::ForgetThrown();
  return PAM_AUTHINFO_UNAVAIL;
}

SPAREKEY_EXPORT int pam_sm_open_session(pam_handle_t* pamh, int, int argc, const char** argv) {
  try {
    const auto options = sparekey::pam::ReadOptions(pamh, argc, argv);
    if (options) sparekey::pam::OpenSession(pamh, *options);
    return PAM_SUCCESS;
  } catch (...) {
  }
  sparekey::pam::ForgetThrown();
  return PAM_SUCCESS;
}

SPAREKEY_EXPORT int pam_sm_close_session(pam_handle_t* pamh, int, int argc, const char** argv) {
  try {
    const auto options = sparekey::pam::ReadOptions(pamh, argc, argv);
    if (options) sparekey::pam::CloseSession(pamh, *options);
    return PAM_SUCCESS;
  } catch (...) {
  }
  sparekey::pam::ForgetThrown();
  return PAM_SUCCESS;
}
