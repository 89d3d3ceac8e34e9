// SPDX-License-Identifier: Apache-2.0
// More connections than the server takes, and no descriptors left.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "service/http_server.h"
#include "tests/service/held_answers.h"
#include "tests/support/processes.h"
#include "tests/support/raw_http.h"
#include "tests/support/running_server.h"

namespace sparekey {
namespace {

TEST(HttpServer, ClosesTheLongestIdleWhereTheSocketIsFull) {
  HttpLimits limits;
  limits.connections = 3;
  RunningServer server(limits, Echo);
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(server.api());
    EXPECT_EQ(clients.back().Ask("GET", "/").status, 200);
  }
  EXPECT_EQ(clients[0].Ask("GET", "/").status, 200);  // now 1 has been idle longest
  EXPECT_EQ(RawClient(server.api()).Ask("GET", "/").status, 200);
  EXPECT_TRUE(clients[1].IsClosed());
  EXPECT_EQ(clients[0].Ask("GET", "/").status, 200);
  EXPECT_EQ(clients[2].Ask("GET", "/").status, 200);
}

TEST(HttpServer, RefusesWith503WhereEverybodyWaitsForAnAnswer) {
  HttpLimits limits;
  limits.connections = 2;
  HeldAnswers held;
  RunningServer server(limits, HoldIn(held));
  RawClient first(server.api()), second(server.api());
  first.Send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  second.Send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto answers = held.Take(2);
  RawClient third(server.api());
  EXPECT_EQ(third.Read().status, 503);
  EXPECT_TRUE(third.IsClosed());
  EXPECT_EQ(RawClient(server.pam()).Ask("GET", "/").status, 200);  // a budget of its own
  answers[0](Text(200, "1"));
  answers[1](Text(200, "2"));
  EXPECT_EQ(first.Read().status, 200);
  EXPECT_EQ(second.Read().status, 200);
}

std::size_t ResidentBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6)) * 1024;
  }
  return 0;
}

class MoreDescriptors {
 public:
  MoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit raised{before_.rlim_max, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
  }
  ~MoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// Connections of another user where the test may have one (root), of its own otherwise.
class CrowdProcess {
 public:
  CrowdProcess(const std::string& path, int count, std::string_view sends) {
    int ready[2], end[2];
    if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(end, O_CLOEXEC) != 0) std::abort();
    pid_ = CheckedFork();
    if (pid_ == 0) {
      close(end[1]);
      if (geteuid() == 0 && setuid(65534) != 0) _exit(1);
      std::vector<RawClient> clients;
      for (int i = 0; i < count; ++i) {
        clients.emplace_back(path);
        clients.back().Send(sends);
      }
      char byte = 0;
      if (write(ready[1], &byte, 1) != 1) _exit(1);
      _exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(ready[1]);
    close(end[0]);
    char byte;
    is_ready_ = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    end_ = end[1];
  }
  ~CrowdProcess() {
    close(end_);
    waitpid(pid_, nullptr, 0);
  }
  CrowdProcess(const CrowdProcess&) = delete;
  CrowdProcess& operator=(const CrowdProcess&) = delete;
  bool is_ready() const { return is_ready_; }

 private:
  pid_t pid_ = -1;
  int end_ = -1;
  bool is_ready_ = false;
};

TEST(HttpServer, ThousandsOfIdleConnectionsOfAUserStarveNobody) {
  const MoreDescriptors descriptors;
  RunningServer server({}, Echo);
  RawClient mine(server.api());
  EXPECT_EQ(mine.Ask("GET", "/").status, 200);
  for (const std::string& sends :
       {std::string(),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n" + std::string(40'000, 'x')}) {
    const std::size_t before = ResidentBytes();
    const CrowdProcess crowd(server.api(), 3500, sends);
    ASSERT_TRUE(crowd.is_ready());
    for (int i = 0; i < 100; ++i) {
      if (geteuid() == 0) {
        EXPECT_EQ(mine.Ask("GET", "/").status, 200);  // the other user has closed his own
      }
      EXPECT_EQ(RawClient(server.pam()).Ask("GET", "/").status, 200);
      EXPECT_EQ(RawClient(server.api()).Ask("GET", "/").status, 200);
    }
    // At most 256 connections with a body of 64 KiB and its buffers: about 30 MB, and more only for
    // a sanitizer's books. All of them would be 280 MB.
    EXPECT_LT(ResidentBytes(), before + 110'000'000) << sends.size();
  }
}

TEST(HttpServer, AThousandConnectionsOfRootLeaveRoomForMore) {
  const MoreDescriptors descriptors;
  HttpLimits limits;
  RunningServer server(limits, Echo);
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < 2 * limits.connections; ++i) {
    clients.emplace_back(server.api());
    ASSERT_EQ(clients.back().Ask("GET", "/").status, 200) << i;
  }
  EXPECT_TRUE(clients.front().IsClosed());
}

TEST(HttpServer, PausesWhereDescriptorsRunOutAndGoesOn) {
  RunningServer server({}, Echo);
  std::vector<RawClient> clients(20);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int next = dup(0);
  close(next);
  const rlimit few{static_cast<rlim_t>(next) + 2, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  for (RawClient& client : clients) EXPECT_TRUE(client.Connect(server.api()));
  rusage begin{}, end{};
  getrusage(RUSAGE_SELF, &begin);
  poll(nullptr, 0, 200);
  getrusage(RUSAGE_SELF, &end);
  setrlimit(RLIMIT_NOFILE, &before);
  const auto microseconds = [](const rusage& usage) {
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
  };
  EXPECT_LT(microseconds(end) - microseconds(begin), 50'000);
  EXPECT_EQ(clients.back().Ask("GET", "/").status, 200);
}
}  // namespace
}  // namespace sparekey
