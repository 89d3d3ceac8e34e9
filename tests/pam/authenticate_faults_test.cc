// SPDX-License-Identifier: Apache-2.0
// The auth phase where sparekeyd is gone, stopped, slow or says what it never says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/pam/authenticate_fixture.h"

namespace sparekey {
namespace {

using testing::HasSubstr;

TEST_F(Authenticate, CannotDecideWithoutSparekeyd) {
  PamLogin login(Folder(), "anna");
  EXPECT_EQ(login.Authenticate(), PAM_AUTHINFO_UNAVAIL);
  EXPECT_THAT(login.Texts(), HasSubstr("Codes cannot be checked right now."));
  // Somebody without a first factor learns nothing.
  PamLogin outsider(Folder("", ""), "anna");
  EXPECT_EQ(outsider.Authenticate(), PAM_AUTHINFO_UNAVAIL);
  EXPECT_EQ(outsider.Texts(), "");
}

TEST_F(Authenticate, CannotDecideOnAnyAnswerThatIsNotSparekeyds) {
  const std::vector<std::string> bodies{
      "",
      "null",
      "[]",
      "{}",
      "{",
      "\"accept\"",
      R"({"verdict":"Accept"})",
      R"({"verdict":true})",
      R"({"verdict":["accept"]})",
      R"({"verdict":"accept","reason":7})",
      R"({"verdict":null,"login":"L","ask":[]})",
      R"({"login":"L"})",
      R"({"login":"../x","ask":[{"id":"code","prompt":"?","echo":false}]})",
      R"({"login":"L","ask":[{"id":"","prompt":"?","echo":false}]})",
      R"({"login":"L","ask":[{"id":"code","prompt":"?","echo":"no"}]})",
      R"({"login":"L","ask":["code"]})",
      R"({"verdict":"accept","say":"hello"})",
      R"({"verdict":"accept","say":[{"text":"a\u0000b","style":"info"}]})",
      "{\"verdict\":\"accept\",\"reason\":\"\xff\"}",
      std::string(100000, '['),
      R"({"verdict":"accept","reason":")" + std::string(70000, 'x') + "\"}"};
  for (const auto& body : bodies) {
    EXPECT_EQ(Login("", {body}, {"123456", "123456"}), PAM_AUTHINFO_UNAVAIL) << body.substr(0, 80);
  }
}

TEST_F(Authenticate, CannotDecideOnAnErrorOfSparekeyd) {
  for (const int status : {300, 400, 403, 409, 429, 500, 503}) {
    FakeDaemon daemon(socket_,
                      [status](const auto&) { return FakeDaemon::Json(status, kAccepted); });
    EXPECT_EQ(PamLogin(Folder(), "anna").Authenticate(), PAM_AUTHINFO_UNAVAIL) << status;
  }
}

TEST_F(Authenticate, DeniesWhenTheLoginEndedWhileSomebodyTyped) {
  FakeDaemon daemon(socket_, [](const FakeDaemon::Request& request) {
    return request.target == "/v1/logins" ? FakeDaemon::Json(200, kAskCode)
                                          : FakeDaemon::Json(404, R"({"code":"not_found"})");
  });
  PamLogin login(Folder(), "anna");
  EXPECT_EQ(login.Answers({"123456"}).Authenticate(), PAM_AUTH_ERR);
}

TEST_F(Authenticate, CannotDecideOnGarbageAndEndedConnections) {
  for (const auto& reply : {FakeDaemon::Raw("SSH-2.0-OpenSSH\r\n\r\n"), FakeDaemon::HangUp(),
                            FakeDaemon::Reply{{"HTTP/1.1 200 OK\r\n"}, {}, true}}) {
    FakeDaemon daemon(socket_, [&](const auto&) { return reply; });
    EXPECT_EQ(PamLogin(Folder(), "anna").Authenticate(), PAM_AUTHINFO_UNAVAIL);
  }
}

TEST_F(Authenticate, NeverSendsAnAnswerTwice) {
  FakeDaemon daemon(socket_, [](const FakeDaemon::Request& request) {
    return request.target == "/v1/logins" ? FakeDaemon::Json(200, kAskCode) : FakeDaemon::HangUp();
  });
  PamLogin login(Folder(), "anna");
  EXPECT_EQ(login.Answers({"123456"}).Authenticate(), PAM_AUTHINFO_UNAVAIL);
  EXPECT_EQ(daemon.requests().size(), 2U);
}

std::chrono::steady_clock::duration TimeOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::steady_clock::now() - start;
}

TEST_F(Authenticate, HoldsItsTimeoutAgainstAStoppedSparekeyd) {
  const int listener = ListenAt(socket_);
  PamLogin login(Folder("timeout=1"), "anna");
  const auto time = TimeOf([&] { EXPECT_EQ(login.Authenticate(), PAM_AUTHINFO_UNAVAIL); });
  EXPECT_GE(time, std::chrono::milliseconds(900));
  EXPECT_LT(time, std::chrono::milliseconds(2500));
  close(listener);
}

TEST_F(Authenticate, HoldsItsTimeoutOverAllRequestsTogether) {
  FakeDaemon daemon(socket_, [](const auto&) {
    auto reply = FakeDaemon::Json(200, kAskCode);
    reply.pause = std::chrono::milliseconds(400);
    return reply;
  });
  PamLogin login(Folder("timeout=1"), "anna");
  login.Answers({"1", "2", "3", "4", "5"});
  const auto time = TimeOf([&] { EXPECT_EQ(login.Authenticate(), PAM_AUTHINFO_UNAVAIL); });
  EXPECT_LT(time, std::chrono::milliseconds(2500));
}

TEST_F(Authenticate, HoldsItsTimeoutAgainstASlowSender) {
  FakeDaemon daemon(socket_, [](const auto&) {
    return FakeDaemon::Reply{std::vector<std::string>(500, "H"), std::chrono::milliseconds(20)};
  });
  PamLogin login(Folder("timeout=1"), "anna");
  const auto time = TimeOf([&] { EXPECT_EQ(login.Authenticate(), PAM_AUTHINFO_UNAVAIL); });
  EXPECT_LT(time, std::chrono::milliseconds(2500));
}
}  // namespace
}  // namespace sparekey
