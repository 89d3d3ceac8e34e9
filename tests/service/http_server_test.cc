// SPDX-License-Identifier: Apache-2.0
#include "service/http_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <chrono>
#include <filesystem>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/service/bad_requests.h"
#include "tests/service/held_answers.h"
#include "tests/support/raw_http.h"
#include "tests/support/running_server.h"

namespace sparekey {
namespace {

using testing::HasSubstr;
constexpr std::size_t kBodyBytes = 64 * 1024;

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

TEST(HttpServer, EndsAConversationOfPamWithItsLastAnswer) {
  RunningServer server({}, [](HttpRequest request, const Respond& respond) {
    HttpResponse response = Text(200, "x");
    response.expects_more = request.path == "/question";
    respond(std::move(response));
  });
  RawClient client(server.pam());
  EXPECT_EQ(client.Ask("GET", "/question").status, 200);
  const RawAnswer last = client.Ask("GET", "/answer");
  EXPECT_THAT(last.head, HasSubstr("Connection: close"));
  EXPECT_EQ(last.body, "x");
  EXPECT_TRUE(client.IsClosed());
  RawClient other(server.api());
  EXPECT_EQ(other.Ask("GET", "/answer").status, 200);
  EXPECT_EQ(other.Ask("GET", "/answer").status, 200);
}

TEST(HttpServer, SendsALargeLastAnswerWhole) {
  const std::string large(4 * 1024 * 1024, 'x');
  RunningServer server({}, [&](HttpRequest, const Respond& respond) { respond(Text(200, large)); });
  RawClient client(server.pam());
  EXPECT_EQ(client.Ask("GET", "/").body, large);
  EXPECT_TRUE(client.IsClosed());
}

TEST(HttpServer, DoesWhatIsToBeDoneBeforeItWaits) {
  HeldAnswers held;
  RunningServer server({}, HoldIn(held), [&](HttpServer& inner) {
    inner.BeforeWaiting([&] {
      for (Respond& respond : held.TakeAll()) respond(Text(200, "together"));
      return false;
    });
  });
  RawClient client(server.api());
  EXPECT_EQ(client.Ask("GET", "/hold").body, "together");
  EXPECT_EQ(client.Ask("GET", "/hold").body, "together");
}

TEST(HttpServer, DoesNotWaitWhileSomethingIsLeftToDo) {
  HeldAnswers held;
  std::vector<Respond> answers;
  RunningServer server({}, HoldIn(held), [&](HttpServer& inner) {
    inner.BeforeWaiting([&, calls_left = 0]() mutable {
      for (Respond& respond : held.TakeAll()) {
        answers.push_back(std::move(respond));
        calls_left = 1000;
      }
      // Nothing comes that would end a wait but a timer, twice a second.
      if (calls_left > 0 && --calls_left > 0) return true;
      for (Respond& respond : std::exchange(answers, {})) respond(Text(200, "later"));
      return false;
    });
  });
  RawClient client(server.api());
  EXPECT_EQ(client.Ask("GET", "/hold").body, "later");
}

// What held the thread up is no reason to take for old what comes much later.
TEST(HttpServer, KnowsWhoCameAfterItWasHeldUpAndNobodyWaited) {
  using Moment = std::chrono::steady_clock::time_point;
  std::atomic<Moment> since = Moment();
  std::promise<void> held_up;
  RunningServer server(
      {},
      [&](const HttpRequest& request, const Respond& respond) {
        since = request.since;
        respond(Text(200, "x"));
      },
      [&](HttpServer& inner) {
        inner.BeforeWaiting([&, holds = true]() mutable {
          if (!std::exchange(holds, false)) return false;
          std::this_thread::sleep_for(std::chrono::milliseconds(150));
          held_up.set_value();
          return false;
        });
      });
  held_up.get_future().wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const Moment before = std::chrono::steady_clock::now();
  RawClient client(server.pam());
  EXPECT_EQ(client.Ask("GET", "/").status, 200);
  EXPECT_GE(since.load(), before);
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
