// SPDX-License-Identifier: Apache-2.0
// A PAM module that asks a service and does nothing else (bare_service.cc): a yardstick for modules
// that have a service behind them. Its argument is the service's socket.
#include <poll.h>
#include <security/pam_modules.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tests/bench/bare_exchange.h"

using sparekey::bench::kBareReply;
using sparekey::bench::kBareRequest;

extern "C" __attribute__((visibility("default"))) int pam_sm_authenticate(pam_handle_t*, int,
                                                                          int count,
                                                                          const char** words) {
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  if (count != 1 || std::strlen(words[0]) >= sizeof place.sun_path) return PAM_AUTHINFO_UNAVAIL;
  std::strcpy(place.sun_path, words[0]);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return PAM_AUTHINFO_UNAVAIL;
  pollfd waits{fd, POLLIN, 0};
  std::array<char, kBareRequest> request{};
  std::array<char, kBareReply> reply{};
  const bool answered =
      connect(fd, reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) == std::ssize(request) &&
      poll(&waits, 1, -1) == 1 &&  // in recv(2) it would be woken when its request is taken, too
      recv(fd, reply.data(), reply.size(), MSG_WAITALL) == std::ssize(reply);
  close(fd);
  return answered ? PAM_SUCCESS : PAM_AUTHINFO_UNAVAIL;
}

extern "C" __attribute__((visibility("default"))) int pam_sm_setcred(pam_handle_t*, int, int,
                                                                     const char**) {
  return PAM_SUCCESS;
}
