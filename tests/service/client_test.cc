// SPDX-License-Identifier: Apache-2.0
#include "service/client.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/fake_daemon.h"
#include "tests/support/processes.h"

namespace sparekey {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kPatient{5000};
constexpr milliseconds kBrief{150};

class CallApi : public testing::Test {
 protected:
  Result<ApiReply> CallOnce(FakeDaemon::Script script, milliseconds deadline = kPatient) {
    const FakeDaemon daemon(socket_, std::move(script));
    ApiClient client(socket_);
    return client.Call("POST", "/v1/logins", "{}", deadline);
  }
  void ExpectGarbled(const std::string& bytes) {
    const auto reply = CallOnce([&](const auto&) { return FakeDaemon::Reply{{bytes}, {}, true}; });
    ASSERT_FALSE(reply.ok()) << bytes;
    EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable) << bytes;
  }

  const TemporaryFolder folder_;
  const std::string socket_ = folder_ / "pam.sock";
};

std::size_t CountDescriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

TEST_F(CallApi, SendsMethodTargetAndBodyAndReturnsStatusAndBody) {
  FakeDaemon daemon(socket_, [](const auto&) { return FakeDaemon::Json(201, R"({"a":1})"); });
  ApiClient client(socket_);
  const auto reply = client.Call("POST", "/v1/logins", R"({"account":"anna"})", kPatient);
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(reply->body.ExposeText(), R"({"a":1})");
  ASSERT_EQ(daemon.requests().size(), 1U);
  EXPECT_EQ(daemon.requests()[0].method, "POST");
  EXPECT_EQ(daemon.requests()[0].target, "/v1/logins");
  EXPECT_EQ(daemon.requests()[0].body, R"({"account":"anna"})");
}

TEST_F(CallApi, KeepsOneConnection) {
  FakeDaemon daemon(socket_, [](const auto&) { return FakeDaemon::Json(200, "{}"); });
  ApiClient client(socket_);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.Call("GET", "/v1/health", "", kPatient).ok());
  EXPECT_EQ(daemon.connections(), 1U);
}

TEST_F(CallApi, ConnectsAnewAfterTheServerSaidClose) {
  FakeDaemon daemon(socket_, [](const auto&) {
    return FakeDaemon::Reply{
        {"HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 2\r\n\r\n{}"}, {}, true};
  });
  ApiClient client(socket_);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.Call("GET", "/v1/health", "", kPatient).ok());
  EXPECT_EQ(daemon.connections(), 3U);
}

TEST_F(CallApi, ConnectsAnewWhenTheIdleConnectionWasEnded) {
  ApiClient client(socket_);
  for (int i = 0; i < 2; ++i) {
    const FakeDaemon daemon(socket_, [](const auto&) { return FakeDaemon::Json(200, "{}"); });
    EXPECT_TRUE(client.Call("GET", "/v1/health", "", kPatient).ok());
  }
}

TEST_F(CallApi, NeverSendsARequestTwice) {
  FakeDaemon daemon(socket_, [](const auto&) { return FakeDaemon::HangUp(); });
  ApiClient client(socket_);
  const auto reply = client.Call("POST", "/v1/logins", "{}", kPatient);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(daemon.requests().size(), 1U);
}

TEST_F(CallApi, ReadsAnAnswerThatComesInPieces) {
  std::vector<std::string> pieces;
  for (const char c : std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")) {
    pieces.emplace_back(1, c);
  }
  const auto reply = CallOnce([&](const auto&) {
    return FakeDaemon::Reply{pieces, milliseconds(1), false};
  });
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->body.ExposeText(), "hello");
}

// Linux would wake one who waits in recv(2) when his request is taken, too.
TEST_F(CallApi, SleepsUntilThereIsAnAnswer) {
  constexpr int kCalls = 20;
  const int listener = ListenAt(socket_);
  std::thread server([&] {
    for (int i = 0; i < kCalls; ++i) {
      const int caller = accept(listener, nullptr, nullptr);
      std::this_thread::sleep_for(milliseconds(5));
      std::array<char, 1024> request;
      recv(caller, request.data(), request.size(), 0);
      std::this_thread::sleep_for(milliseconds(5));
      const std::string answer = FakeDaemon::Json(200, "{}").pieces[0];
      send(caller, answer.data(), answer.size(), MSG_NOSIGNAL);
      close(caller);
    }
  });
  std::vector<long> sleeps;
  for (int i = 0; i < kCalls; ++i) {
    rusage before{}, after{};
    getrusage(RUSAGE_THREAD, &before);
    EXPECT_TRUE(ApiClient(socket_).Call("GET", "/v1/health", "", kPatient).ok());
    getrusage(RUSAGE_THREAD, &after);
    sleeps.push_back(after.ru_nvcsw - before.ru_nvcsw);
  }
  server.join();
  close(listener);
  EXPECT_EQ(*std::ranges::min_element(sleeps), 1);
}

TEST_F(CallApi, TakesAnAnswerWithoutABody) {
  const auto reply =
      CallOnce([](const auto&) { return FakeDaemon::Raw("HTTP/1.1 204 No Content\r\n\r\n"); });
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->status, 204);
  EXPECT_TRUE(reply->body.empty());
}

TEST_F(CallApi, ReadsABigAnswerUpToTheLimit) {
  const std::string big(4 * 1024 * 1024, 'x');
  const auto reply = CallOnce([&](const auto&) { return FakeDaemon::Json(200, big); });
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->body.size(), big.size());
}

TEST_F(CallApi, RefusesWhatIsNotAStrictAnswer) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const std::string& bytes : {
           std::string(),
           std::string("\r\n\r\n"),
           std::string("garbage"),
           std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"),
           std::string("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
           std::string("HTTP/2 200\r\nContent-Length: 0\r\n\r\n"),
           std::string("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
           std::string("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
           std::string("HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n"),
           std::string("HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n"),
           ok + "\r\n",  // no length
           ok + "Content-Length: -1\r\n\r\n",
           ok + "Content-Length: 0x2\r\n\r\nab",
           ok + "Content-Length: 4194305\r\n\r\n",  // one more than the limit
           ok + "Content-Length: 99999999999999999999\r\n\r\n",
           ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
           ok + "Content-Length : 2\r\n\r\nab",
           ok + "Content-Length: 2\r\n folded: x\r\n\r\nab",
           ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           ok + "Content-Length: 2\r\nno colon\r\n\r\nab",
           ok + "Content-Length: 2\n\n\r\n\r\nab",
           ok + "Content-Length: 2\r\nA: \x01\r\n\r\nab",
           ok + "Content-Length: 2\r\n\r\nabc",  // more than it said
           ok + "Content-Length: 3\r\n\r\nab",   // less, then the end
           ok + "A: " + std::string(20000, 'x') + "\r\nContent-Length: 0\r\n\r\n",
           std::string("HTTP/1.1 204 X\r\nContent-Length: 1\r\n\r\nx"),
           std::string(100000, 'A'),
       }) {
    ExpectGarbled(bytes);
  }
}

TEST_F(CallApi, HoldsItsDeadlineAgainstSilence) {
  const auto start = std::chrono::steady_clock::now();
  const auto reply = CallOnce([](const auto&) { return FakeDaemon::Silence(); }, kBrief);
  EXPECT_FALSE(reply.ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(1500));
}

TEST_F(CallApi, HoldsItsDeadlineAgainstASlowSender) {
  std::vector<std::string> pieces(1000, "A");
  const auto start = std::chrono::steady_clock::now();
  const auto reply = CallOnce(
      [&](const auto&) {
        return FakeDaemon::Reply{pieces, milliseconds(10), false};
      },
      kBrief);
  EXPECT_FALSE(reply.ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(1500));
}

TEST_F(CallApi, HoldsItsDeadlineAgainstAFullBacklog) {
  const int listener = ListenAt(socket_, 0);
  std::vector<ApiClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(socket_);
    const auto start = std::chrono::steady_clock::now();
    const auto reply = clients.back().Call("GET", "/v1/health", "", kBrief);
    EXPECT_FALSE(reply.ok());
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(1500));
  }
  close(listener);
}

TEST_F(CallApi, HoldsItsDeadlineAgainstAServerThatNeverReads) {
  const int listener = ListenAt(socket_);
  ApiClient client(socket_);
  const std::string big(8 * 1024 * 1024, 'x');
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(client.Call("POST", "/v1/logins", big, kBrief).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(1500));
  close(listener);
}

TEST_F(CallApi, HoldsItsDeadlineThroughSignals) {
  const int listener = ListenAt(socket_);
  struct sigaction interrupt {};
  struct sigaction before {};
  interrupt.sa_handler = [](int) {};
  sigaction(SIGALRM, &interrupt, &before);
  const itimerval often{{0, 10'000}, {0, 10'000}};
  const itimerval never{};
  setitimer(ITIMER_REAL, &often, nullptr);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(ApiClient(socket_).Call("GET", "/v1/health", "", kBrief).ok());
  const auto took = std::chrono::steady_clock::now() - start;
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  close(listener);
  EXPECT_GE(took, kBrief);
  EXPECT_LT(took, milliseconds(1500));
}

TEST_F(CallApi, GivesEachCallOfAConnectionItsOwnTime) {
  FakeDaemon daemon(socket_, [pause = milliseconds(0)](const auto&) mutable {
    auto reply = FakeDaemon::Json(200, "{}");
    reply.pause = std::exchange(pause, kBrief * 2);
    return reply;
  });
  ApiClient client(socket_);
  ASSERT_TRUE(client.Call("GET", "/v1/health", "", kBrief).ok());
  EXPECT_TRUE(client.Call("GET", "/v1/health", "", kPatient).ok());
  EXPECT_FALSE(client.Call("GET", "/v1/health", "", kBrief).ok());
  EXPECT_EQ(daemon.connections(), 1U);
}

TEST_F(CallApi, KeepsOffTheStandardDescriptors) {
  const FakeDaemon daemon(socket_, [](const auto&) { return FakeDaemon::Json(200, "{}"); });
  const pid_t child = CheckedFork();
  if (child == 0) {
    for (int fd = 0; fd <= 2; ++fd) close(fd);
    ApiClient client(socket_);
    if (!client.Call("GET", "/v1/health", "", kPatient).ok()) _exit(1);
    for (int fd = 0; fd <= 2; ++fd) {
      if (fcntl(fd, F_GETFD) >= 0) _exit(2);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(CallApi, SaysThatNobodyListens) {
  ApiClient absent(socket_);
  EXPECT_EQ(absent.Call("GET", "/v1/health", "", kPatient).error().code, ErrorCode::kUnavailable);
  close(ListenAt(socket_));
  ApiClient refused(socket_);
  EXPECT_EQ(refused.Call("GET", "/v1/health", "", kPatient).error().code, ErrorCode::kUnavailable);
}

TEST_F(CallApi, RefusesAFileThatIsNoSocketAndAPathThatIsTooLong) {
  close(open(socket_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  for (const std::string& path : {socket_, std::string("/") + std::string(200, 'x'), std::string(),
                                  std::string("/dev/null")}) {
    ApiClient client(path);
    EXPECT_FALSE(client.Call("GET", "/v1/health", "", kPatient).ok()) << path;
  }
}

TEST_F(CallApi, RefusesTargetsAndMethodsThatWouldSplitTheRequest) {
  FakeDaemon daemon(socket_, [](const auto&) { return FakeDaemon::Json(200, "{}"); });
  ApiClient client(socket_);
  for (const std::string& target :
       {std::string(), std::string("v1"), std::string("/a b"), std::string("/a\r\nX: y"),
        std::string("/\x7f"), std::string("/\xc3\xa4"), std::string("/a\0b", 4)}) {
    EXPECT_EQ(client.Call("GET", target, "", kPatient).error().code, ErrorCode::kInvalid);
  }
  EXPECT_EQ(client.Call("GET /x", "/", "", kPatient).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(daemon.connections(), 0U);
}

// Another user's process that listens at the path; `owner` is whose the socket's file is.
class Impostor {
 public:
  Impostor(const std::string& path, uid_t owner) {
    int ready[2];
    EXPECT_EQ(pipe2(ready, O_CLOEXEC), 0);
    child_ = CheckedFork();
    if (child_ == 0) {
      if (setresuid(65534, 65534, 65534) != 0) _exit(1);
      ListenAt(path);
      if (write(ready[1], "x", 1) != 1) _exit(1);
      for (;;) pause();
    }
    close(ready[1]);
    char mark = 0;
    EXPECT_EQ(read(ready[0], &mark, 1), 1) << "this test needs root";
    close(ready[0]);
    EXPECT_EQ(chown(path.c_str(), owner, owner), 0);
  }
  ~Impostor() {
    CheckedKill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  Impostor(const Impostor&) = delete;
  Impostor& operator=(const Impostor&) = delete;

 private:
  pid_t child_ = -1;
};

TEST_F(CallApi, RefusesASocketThatSomebodyElsePutThere) {
  ASSERT_EQ(chmod(folder_.path().c_str(), 0777), 0);
  const Impostor impostor(socket_, 65534);
  ApiClient client(socket_);
  const auto reply = client.Call("GET", "/v1/health", "", kBrief);
  ASSERT_FALSE(reply.ok());
  EXPECT_THAT(reply.error().message, testing::HasSubstr("belongs to another user"));
}

TEST_F(CallApi, RefusesAProcessOfSomebodyElseBehindRootsSocketFile) {
  ASSERT_EQ(chmod(folder_.path().c_str(), 0777), 0);
  const Impostor impostor(socket_, 0);
  ApiClient client(socket_);
  const auto reply = client.Call("GET", "/v1/health", "", kBrief);
  ASSERT_FALSE(reply.ok());
  EXPECT_THAT(reply.error().message, testing::HasSubstr("another user's"));
}

TEST_F(CallApi, LeavesNoDescriptorBehind) {
  const auto before = CountDescriptors();
  for (int i = 0; i < 20; ++i) {
    (void)CallOnce([](const auto&) { return FakeDaemon::Json(200, "{}"); });
    (void)CallOnce([](const auto&) { return FakeDaemon::Raw("garbage\r\n\r\n"); });
    (void)CallOnce([](const auto&) { return FakeDaemon::HangUp(); });
  }
  ApiClient absent(socket_);
  (void)absent.Call("GET", "/v1/health", "", kPatient);
  EXPECT_EQ(CountDescriptors(), before);
}

TEST_F(CallApi, RaisesNoSignalWhenTheServerGoesInTheMiddle) {
  const int listener = ListenAt(socket_);
  std::thread server([&] { close(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)); });
  ApiClient client(socket_);
  const std::string big(8 * 1024 * 1024, 'x');
  const auto reply = client.Call("POST", "/v1/logins", big, kPatient);
  server.join();
  close(listener);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace sparekey
