// SPDX-License-Identifier: Apache-2.0
#include "service/http_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/service/bad_requests.h"
#include "tests/support/processes.h"
#include "tests/support/raw_http.h"
#include "tests/support/running_server.h"

namespace sparekey {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
constexpr std::size_t kBodyBytes = 64 * 1024;

HttpResponse Text(int status, std::string_view body) {
  return {status, SecretBytes(body), "application/json"};
}

// Answers with what it was asked.
void Echo(HttpRequest request, const Respond& respond) {
  respond(Text(200, request.method + " " + request.path + "?" + request.query + " " +
                        std::string(request.body.ExposeText())));
}

// Keeps what is to be answered until the test says so.
class HeldAnswers {
 public:
  void Hold(Respond respond) {
    const std::lock_guard lock(mutex_);
    held_.push_back(std::move(respond));
    changed_.notify_all();
  }
  std::vector<Respond> Take(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
    return std::exchange(held_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Respond> held_;
};

HttpServer::Handle HoldIn(HeldAnswers& held) {
  return [&held](HttpRequest request, Respond respond) {
    if (request.path == "/hold") return held.Hold(std::move(respond));
    Echo(std::move(request), respond);
  };
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

TEST(HttpServer, AnswersWithMethodPathQueryAndBody) {
  RunningServer server({}, Echo);
  RawClient client(server.api());
  const RawAnswer answer = client.Ask("PUT", "/v1/a%20b?c=d", "{}");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "PUT /v1/a b?c=d {}");
  EXPECT_THAT(answer.head, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(answer.head, HasSubstr("\r\nCache-Control: no-store\r\n"));
}

TEST(HttpServer, TellsTheHandlerWhoCalls) {
  std::mutex mutex;
  std::vector<Peer> peers;
  RunningServer server({}, [&](HttpRequest request, const Respond& respond) {
    const std::lock_guard lock(mutex);
    peers.push_back(request.peer);
    respond(Text(200, ""));
  });
  RawClient first(server.api()), second(server.pam());
  first.Ask("GET", "/");
  first.Ask("GET", "/");
  second.Ask("GET", "/");
  const std::lock_guard lock(mutex);
  ASSERT_EQ(peers.size(), 3U);
  EXPECT_EQ(peers[0].socket, SocketKind::kApi);
  EXPECT_EQ(peers[2].socket, SocketKind::kPam);
  EXPECT_EQ(peers[0].connection, peers[1].connection);
  EXPECT_NE(peers[0].connection, peers[2].connection);
  for (const Peer& peer : peers) {
    EXPECT_EQ(peer.uid, geteuid());
    EXPECT_EQ(peer.gid, getegid());
    EXPECT_EQ(peer.pid, getpid());
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  HeldAnswers held;
  RunningServer server({}, HoldIn(held));
  RawClient client(server.api());
  client.Send(
      "GET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  auto answers = held.Take(1);
  server->Post([&] { answers[0](Text(200, "first")); });
  EXPECT_EQ(client.Read().body, "first");
  EXPECT_EQ(client.Read().body, "GET /2? ");
  EXPECT_EQ(client.Read().body, "GET /3? ");
}

TEST(HttpServer, AnswersWhatComesByteByByte) {
  RunningServer server({}, Echo);
  RawClient client(server.api());
  for (const char c : std::string("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")) {
    client.Send(std::string(1, c));
  }
  EXPECT_EQ(client.Read().body, "PUT /x? abc");
}

TEST(HttpServer, SendsLargeAnswers) {
  const std::string large(4 * 1024 * 1024, 'x');
  RunningServer server({}, [&](HttpRequest, const Respond& respond) { respond(Text(200, large)); });
  RawClient client(server.api());
  EXPECT_EQ(client.Ask("GET", "/").body, large);
  EXPECT_EQ(client.Ask("GET", "/").body, large);
}

TEST(HttpServer, SendsNoBodyForHeadAnd204) {
  RunningServer server({}, [](HttpRequest request, const Respond& respond) {
    respond(Text(request.method == "DELETE" ? 204 : 200, request.method == "DELETE" ? "" : "body"));
  });
  RawClient client(server.api());
  EXPECT_THAT(client.Ask("HEAD", "/").head, HasSubstr("Content-Length: 4"));
  EXPECT_EQ(client.Ask("DELETE", "/").status, 204);
  EXPECT_EQ(client.Ask("GET", "/").body, "body");
}

TEST(HttpServer, ClosesWhereTheClientAsksForIt) {
  RunningServer server({}, Echo);
  for (const char* request :
       {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    RawClient client(server.api());
    client.Send(request);
    const RawAnswer answer = client.Read();
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.head, HasSubstr("Connection: close"));
    EXPECT_TRUE(client.IsClosed());
  }
}

TEST(HttpServer, AnswersAClientThatHasFinishedSending) {
  RunningServer server({}, Echo);
  RawClient client(server.api());
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  client.FinishSending();
  EXPECT_EQ(client.Read().status, 200);
  EXPECT_TRUE(client.IsClosed());
}

TEST(HttpServer, TakesBodiesOf64KiBAndRefusesOneByteMore) {
  RunningServer server({}, Echo);
  RawClient client(server.api());
  EXPECT_EQ(client.Ask("POST", "/", std::string(kBodyBytes, 'x')).status, 200);
  const RawAnswer refused = client.Ask("POST", "/", std::string(kBodyBytes + 1, 'x'));
  EXPECT_EQ(refused.status, 413);
  EXPECT_THAT(refused.head, HasSubstr("application/problem+json"));
  EXPECT_THAT(refused.body, HasSubstr("\"code\":\"invalid\""));
  EXPECT_TRUE(client.IsClosed());
}

TEST(HttpServer, TellsAClientThatSendsFarTooMuchBeforeItCloses) {
  RunningServer server({}, Echo);
  RawClient client(server.api());
  EXPECT_TRUE(client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 800000\r\n\r\n" +
                          std::string(800'000, 'x')));
  EXPECT_EQ(client.Read().status, 413);
  client.FinishSending();
  EXPECT_TRUE(client.IsClosed());
}

TEST(HttpServer, RefusesLongHeaders) {
  RunningServer server({}, Echo);
  RawClient client(server.api());
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(9000, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.Read().status, 431);
  EXPECT_TRUE(client.IsClosed());
}

TEST(HttpServer, RefusesGarbageAndGoesOn) {
  std::atomic<int> handled = 0;
  RunningServer server({}, [&](HttpRequest request, const Respond& respond) {
    ++handled;
    Echo(std::move(request), respond);
  });
  const auto requests = BadRequests();
  ASSERT_GE(requests.size(), 30U);
  for (const std::string& request : requests) {
    RawClient client(server.api());
    client.Send(request);
    const RawAnswer answer = client.Read();
    EXPECT_THAT(answer.status, testing::AnyOf(400, 413, 431)) << request;
    EXPECT_THAT(answer.head, HasSubstr("application/problem+json")) << request;
    client.FinishSending();
    EXPECT_TRUE(client.IsClosed()) << request;
  }
  EXPECT_EQ(handled, 0);
  EXPECT_EQ(RawClient(server.api()).Ask("GET", "/").status, 200);
}

TEST(HttpServer, DropsASlowSenderWith408) {
  HttpLimits limits;
  limits.request_time = milliseconds(60);
  RunningServer server(limits, Echo);
  for (const char* part : {"G", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc"}) {
    RawClient client(server.api());
    client.Send(part);
    EXPECT_EQ(client.Read().status, 408) << part;
    client.FinishSending();
    EXPECT_TRUE(client.IsClosed()) << part;
  }
}

TEST(HttpServer, DropsASenderThatKeepsDripping) {
  HttpLimits limits;
  limits.request_time = milliseconds(60);
  RunningServer server(limits, Echo);
  RawClient client(server.api());
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nA: ");
  const auto begin = std::chrono::steady_clock::now();
  RawAnswer answer;
  while (answer.status == 0 && std::chrono::steady_clock::now() - begin < milliseconds(5000)) {
    client.Send("x");
    answer = client.Read(5);
  }
  EXPECT_EQ(answer.status, 408);
}

TEST(HttpServer, ClosesIdleConnectionsWithoutAWord) {
  HttpLimits limits;
  limits.idle_time = milliseconds(50);
  RunningServer server(limits, Echo);
  RawClient fresh(server.api()), used(server.api());
  EXPECT_EQ(used.Ask("GET", "/").status, 200);
  EXPECT_EQ(fresh.Read().status, 0);
  EXPECT_TRUE(fresh.IsClosed());
  EXPECT_TRUE(used.IsClosed());
}

TEST(HttpServer, WaitsForASlowHandler) {
  HttpLimits limits;
  limits.request_time = limits.idle_time = milliseconds(30);
  HttpServer* timer = nullptr;
  RunningServer server(limits, [&](HttpRequest, const Respond& respond) {
    timer->After(milliseconds(120), [respond] { respond(Text(200, "late")); });
  });
  timer = &*server;
  RawClient client(server.api());
  EXPECT_EQ(client.Ask("GET", "/").body, "late");
}

TEST(HttpServer, ClosesOnAReaderThatTakesNothing) {
  HttpLimits limits;
  limits.request_time = milliseconds(60);
  const std::string large(4 * 1024 * 1024, 'x');
  RunningServer server(limits,
                       [&](HttpRequest, const Respond& respond) { respond(Text(200, large)); });
  RawClient client(server.api());
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto begin = std::chrono::steady_clock::now();
  // The server's end is gone when it can no longer be written to.
  while (client.Send(" ") && std::chrono::steady_clock::now() - begin < milliseconds(5000)) {
    poll(nullptr, 0, 5);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(5000));
}

TEST(HttpServer, Answers500WhereTheHandlerDropsOrThrows) {
  RunningServer server({}, [](HttpRequest request, Respond respond) {
    const Respond dropped = std::move(respond);
    if (request.path == "/throw") throw std::runtime_error("as the test wants");
  });
  RawClient client(server.api());
  EXPECT_EQ(client.Ask("GET", "/drop").status, 500);
  EXPECT_EQ(client.Ask("GET", "/throw").status, 500);
  EXPECT_EQ(client.Ask("GET", "/drop").status, 500);
}

TEST(HttpServer, GivesOnlyTheFirstOfTwoAnswers) {
  RunningServer server({}, [](HttpRequest request, const Respond& respond) {
    respond(Text(200, request.path));
    respond(Text(200, "again"));
  });
  RawClient client(server.api());
  EXPECT_EQ(client.Ask("GET", "/1").body, "/1");
  EXPECT_EQ(client.Ask("GET", "/2").body, "/2");
}

TEST(HttpServer, TakesAnswersAndDropsFromAnotherThread) {
  HeldAnswers held;
  RunningServer server({}, HoldIn(held));
  RawClient client(server.api());
  client.Send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  held.Take(1)[0](Text(200, "from elsewhere"));
  EXPECT_EQ(client.Read().body, "from elsewhere");
  client.Send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  held.Take(1).clear();
  EXPECT_EQ(client.Read().status, 500);
}

TEST(HttpServer, SurvivesClientsThatLeaveBeforeTheAnswer) {
  HeldAnswers held;
  RunningServer server({}, HoldIn(held));
  for (int i = 0; i < 20; ++i) {
    RawClient client(server.api());
    client.Send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    auto answers = held.Take(1);
    client.Close();
    if (i % 2 == 0) answers[0](Text(200, std::string(1'000'000, 'x')));
  }
  EXPECT_EQ(RawClient(server.api()).Ask("GET", "/").status, 200);
}

TEST(HttpServer, AnswersMayComeAfterTheServerHasEnded) {
  HeldAnswers held;
  std::vector<Respond> answers;
  {
    RunningServer server({}, HoldIn(held));
    RawClient client(server.api());
    client.Send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    answers = held.Take(1);
  }
  answers[0](Text(200, "too late"));
}

TEST(HttpServer, StopAnswersWhatIsPendingAndClosesTheRest) {
  HeldAnswers held;
  RunningServer server({}, HoldIn(held));
  RawClient idle(server.api()), half(server.api()), pending(server.api());
  EXPECT_EQ(idle.Ask("GET", "/").status, 200);
  half.Send("GET / HT");
  pending.Send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  auto answers = held.Take(1);
  server->Stop(milliseconds(30'000));
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_TRUE(half.IsClosed());
  EXPECT_FALSE(RawClient().Connect(server.api()));
  answers[0](Text(200, "in time"));
  const RawAnswer answer = pending.Read();
  EXPECT_EQ(answer.body, "in time");
  EXPECT_THAT(answer.head, HasSubstr("Connection: close"));
  EXPECT_TRUE(pending.IsClosed());
  server.Stop(milliseconds(0));
}

TEST(HttpServer, StopEndsAfterItsGrace) {
  HeldAnswers held;
  RunningServer server({}, HoldIn(held));
  RawClient pending(server.api());
  pending.Send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answers = held.Take(1);
  const auto begin = std::chrono::steady_clock::now();
  server.Stop(milliseconds(50));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(5000));
}

TEST(HttpServer, GoesOnAfterATaskThatThrows) {
  RunningServer server({}, Echo);
  server->Post([] { throw std::runtime_error("as the test wants"); });
  EXPECT_EQ(RawClient(server.api()).Ask("GET", "/").status, 200);
}

TEST(HttpServer, CallsTheHandlerOfASignalEachTime) {
  HttpServer server({}, Echo);
  int calls = 0;
  server.OnSignals({SIGUSR1}, [&](int signal) {
    EXPECT_EQ(signal, SIGUSR1);
    if (++calls == 2) server.Stop(milliseconds(0));
    if (calls == 1) raise(SIGUSR1);
  });
  server.Post([] { raise(SIGUSR1); });
  server.Run();
  EXPECT_EQ(calls, 2);
}

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
  RawClient mine(server.api()), pam(server.pam());
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
      EXPECT_EQ(pam.Ask("GET", "/").status, 200);
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

TEST(HttpServer, LetsNoDescriptorIntoChildren) {
  RunningServer server({}, Echo);
  RawClient client(server.api());
  EXPECT_EQ(client.Ask("GET", "/").status, 200);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename().string());
    const int flags = fcntl(fd, F_GETFD);
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (flags < 0 || gone || fd <= 2) continue;
    if (target.starts_with("socket:") || target.starts_with("anon_inode:")) {
      EXPECT_NE(flags & FD_CLOEXEC, 0) << fd << " " << target;
    }
  }
}

TEST(Problem, FollowsRfc9457AndSurvivesAnyDetail) {
  const HttpResponse problem = Problem(Error{ErrorCode::kBusy, "a\xff\"b\n"});
  EXPECT_EQ(problem.status, 429);
  EXPECT_EQ(problem.content_type, "application/problem+json");
  const std::string body(problem.body.ExposeText());
  EXPECT_THAT(body, HasSubstr("\"type\":\"about:blank\""));
  EXPECT_THAT(body, HasSubstr("\"code\":\"busy\""));
  EXPECT_THAT(body, HasSubstr("\"status\":429"));
  EXPECT_THAT(body, HasSubstr("\\\"b\\n"));
}

TEST(Problem, GivesEveryErrorItsStatusAndCode) {
  const std::tuple<ErrorCode, int, const char*> errors[] = {
      {ErrorCode::kInvalid, 400, "invalid"},
      {ErrorCode::kNotFound, 404, "not_found"},
      {ErrorCode::kConflict, 409, "conflict"},
      {ErrorCode::kNotAllowed, 403, "not_allowed"},
      {ErrorCode::kUnavailable, 503, "unavailable"},
      {ErrorCode::kDamaged, 500, "damaged"},
      {ErrorCode::kBusy, 429, "busy"},
      {ErrorCode::kClock, 503, "clock"},
  };
  for (const auto& [error, status, code] : errors) {
    const HttpResponse problem = Problem(Error{error, "detail"});
    EXPECT_EQ(problem.status, status);
    EXPECT_THAT(std::string(problem.body.ExposeText()),
                HasSubstr("\"code\":\"" + std::string(code) + "\""));
  }
}

}  // namespace
}  // namespace sparekey
