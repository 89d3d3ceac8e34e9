// SPDX-License-Identifier: Apache-2.0
// A yardstick for services that say nothing before it is on the disk: it takes all requests that
// wait, writes 4 KiB for each into a log of 32 MiB, syncs once, answers all. It reads none of them,
// and decides nothing.
//   bench_bare SOCKET FILE
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

#include "tests/bench/bare_exchange.h"

namespace sparekey::bench {
namespace {

constexpr std::size_t kPage = 4096;
constexpr off_t kMostBytes = 32 << 20;  // then from the start again, as a log does

int Listen(const char* path) {
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof place.sun_path) return -1;
  std::strcpy(place.sun_path, path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const bool listens = bind(fd, reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0 &&
                       listen(fd, SOMAXCONN) == 0;
  return listens ? fd : -1;
}

// Who has sent a whole request. It comes right after the connection.
std::vector<int> TakeRequests(int listener) {
  std::vector<int> callers;
  std::array<char, kBareRequest> request;
  for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    if (recv(fd, request.data(), request.size(), MSG_WAITALL) == std::ssize(request)) {
      callers.push_back(fd);
    } else {
      close(fd);
    }
  }
  return callers;
}

bool Record(int file, std::size_t logins) {
  static off_t place = 0;
  static constexpr std::array<char, kPage> kBytes{'x'};
  for (std::size_t i = 0; i < logins; ++i, place = (place + std::ssize(kBytes)) % kMostBytes) {
    if (pwrite(file, kBytes.data(), kBytes.size(), place) != std::ssize(kBytes)) return false;
  }
  return fdatasync(file) == 0;
}

int Serve(int listener, int file) {
  constexpr std::array<char, kBareReply> kReply{};
  for (;;) {
    pollfd waits{listener, POLLIN, 0};
    if (poll(&waits, 1, -1) < 0) return 1;
    const std::vector<int> callers = TakeRequests(listener);
    if (!callers.empty() && !Record(file, callers.size())) return 1;
    for (const int fd : callers) {
      (void)send(fd, kReply.data(), kReply.size(), MSG_NOSIGNAL);
      close(fd);
    }
  }
}

}  // namespace
}  // namespace sparekey::bench

int main(int count, char** words) {
  if (count != 3) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int file = open(words[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int listener = sparekey::bench::Listen(words[1]);
  if (file < 0 || listener < 0) {
    std::perror("bench_bare");
    return 1;
  }
  return sparekey::bench::Serve(listener, file);
}
