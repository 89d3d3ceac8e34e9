// SPDX-License-Identifier: Apache-2.0
// PAM module for tests: asks for a new password as pam_unix does, refuses "weak", and writes what
// it was given into the file that its argument names.
#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include <cstdio>
#include <cstring>

extern "C" int pam_sm_chauthtok(pam_handle_t* handle, int flags, int count, const char** words) {
  if ((flags & PAM_PRELIM_CHECK) != 0) return PAM_SUCCESS;
  const char* account = nullptr;
  const char* password = nullptr;
  pam_get_user(handle, &account, nullptr);
  pam_info(handle, "Changing the password of %s.", account);
  const int status = pam_get_authtok(handle, PAM_AUTHTOK, &password, nullptr);
  if (status != PAM_SUCCESS) return status;
  if (std::strcmp(password, "weak") == 0) {
    pam_set_item(handle, PAM_AUTHTOK, nullptr);
    return PAM_AUTHTOK_ERR;
  }
  std::FILE* file = count == 1 ? std::fopen(words[0], "w") : nullptr;
  if (file == nullptr) return PAM_SYSTEM_ERR;
  std::fprintf(file, "%s %s", account, password);
  std::fclose(file);
  return PAM_SUCCESS;
}
