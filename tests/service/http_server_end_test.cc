// SPDX-License-Identifier: Apache-2.0
// Slow clients, clients that leave, answers from elsewhere, and the end of the server itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

#include "service/http_server.h"
#include "tests/service/held_answers.h"
#include "tests/support/raw_http.h"
#include "tests/support/running_server.h"

namespace sparekey {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

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
}  // namespace
}  // namespace sparekey
