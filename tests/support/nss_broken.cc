// SPDX-License-Identifier: Apache-2.0
// An NSS module whose directory of groups cannot be reached.
#include <grp.h>
#include <nss.h>

#include <cerrno>
#include <cstddef>

extern "C" {

__attribute__((visibility("default"))) nss_status _nss_broken_getgrnam_r(const char*, group*, char*,
                                                                         std::size_t, int* error) {
  *error = ECONNREFUSED;
  return NSS_STATUS_UNAVAIL;
}

__attribute__((visibility("default"))) nss_status _nss_broken_initgroups_dyn(const char*, gid_t,
                                                                             long*, long*, gid_t**,
                                                                             long, int* error) {
  *error = ECONNREFUSED;
  return NSS_STATUS_UNAVAIL;
}

}  // extern "C"
