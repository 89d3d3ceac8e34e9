// SPDX-License-Identifier: Apache-2.0
// An NSS module that plays a directory server: one user, "remote". While /run/directory-hangs
// exists, nothing is answered.
#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#define NSS_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

void AskServer() {
  while (access("/run/directory-hangs", F_OK) == 0) usleep(10'000);
}

}  // namespace

NSS_EXPORT nss_status _nss_hanging_getpwnam_r(const char* name, passwd* user, char* buffer,
                                              std::size_t size, int* error) {
  static constexpr char kTexts[] = "remote\0/home/remote\0/bin/bash";
  AskServer();
  if (std::strcmp(name, "remote") != 0) return NSS_STATUS_NOTFOUND;
  if (size < sizeof kTexts) {
    *error = ERANGE;
    return NSS_STATUS_TRYAGAIN;
  }
  std::memcpy(buffer, kTexts, sizeof kTexts);
  user->pw_name = user->pw_gecos = buffer;
  user->pw_dir = buffer + std::strlen(buffer) + 1;
  user->pw_shell = user->pw_dir + std::strlen(user->pw_dir) + 1;
  user->pw_passwd = user->pw_shell + std::strlen(user->pw_shell);
  user->pw_uid = user->pw_gid = 58'201;
  return NSS_STATUS_SUCCESS;
}

NSS_EXPORT nss_status _nss_hanging_getgrnam_r(const char*, group*, char*, std::size_t, int*) {
  AskServer();
  return NSS_STATUS_NOTFOUND;
}

NSS_EXPORT nss_status _nss_hanging_getgrgid_r(gid_t, group*, char*, std::size_t, int*) {
  AskServer();
  return NSS_STATUS_NOTFOUND;
}

NSS_EXPORT nss_status _nss_hanging_initgroups_dyn(const char*, gid_t, long*, long*, gid_t**, long,
                                                  int*) {
  AskServer();
  return NSS_STATUS_NOTFOUND;
}
