// SPDX-License-Identifier: Apache-2.0
// A PAM module for tests. Options: `password=TEXT` or `ask` sets PAM_AUTHTOK as a module above
// pam_sparekey.so does, `env=NAME=VALUE` PAM's environment, as sshd does; `show` tells by a text
// what PAM_AUTHTOK the modules above left.
#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include <string>
#include <string_view>

#define TEST_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

int Apply(pam_handle_t* pamh, std::string_view word) {
  const auto equals = word.find('=');
  const std::string value(equals == std::string_view::npos ? "" : word.substr(equals + 1));
  if (word.starts_with("password=")) return pam_set_item(pamh, PAM_AUTHTOK, value.c_str());
  if (word.starts_with("env=")) return pam_putenv(pamh, value.c_str());
  const char* text = nullptr;
  if (word == "ask") return pam_get_authtok(pamh, PAM_AUTHTOK, &text, "Password: ");
  const void* item = nullptr;
  pam_get_item(pamh, PAM_AUTHTOK, &item);
  return pam_info(pamh, "authtok=%s", item == nullptr ? "" : static_cast<const char*>(item));
}

}  // namespace

TEST_EXPORT int pam_sm_authenticate(pam_handle_t* pamh, int, int argc, const char** argv) {
  for (int i = 0; i < argc; ++i) {
    if (Apply(pamh, argv[i]) != PAM_SUCCESS) return PAM_SERVICE_ERR;
  }
  return PAM_SUCCESS;
}

TEST_EXPORT int pam_sm_setcred(pam_handle_t*, int, int, const char**) { return PAM_SUCCESS; }
TEST_EXPORT int pam_sm_acct_mgmt(pam_handle_t*, int, int, const char**) { return PAM_SUCCESS; }
TEST_EXPORT int pam_sm_open_session(pam_handle_t*, int, int, const char**) { return PAM_SUCCESS; }
TEST_EXPORT int pam_sm_close_session(pam_handle_t*, int, int, const char**) { return PAM_SUCCESS; }
