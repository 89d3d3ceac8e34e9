// SPDX-License-Identifier: Apache-2.0
// Whatever comes back over the socket, torn, bent, too long or too late: the module never takes a
// denial for an accept, nor half an accept for a whole one, and keeps its time.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <random>

#include "tests/pam/pam_login.h"
#include "tests/pam/scripted_logins.h"

namespace sparekey {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr int kLoginsPerDaemon = 200;  // each connection costs it a thread
constexpr milliseconds kTimeout{1000};
constexpr milliseconds kMargin{2000};  // of a busy machine

std::string Whole(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

class Answers : public ::testing::Test {
 protected:
  ~Answers() override { std::printf("%d answers\n", logins_); }

  int LogIn(FakeDaemon::Reply reply) {
    if (logins_++ % kLoginsPerDaemon == 0 || !daemon_) {
      daemon_.reset();
      daemon_ = std::make_unique<FakeDaemon>(socket_, [this](const auto&) { return reply_; });
    }
    reply_ = std::move(reply);
    return PamLogin(services_.path(), "anna").Authenticate();
  }
  int LogIn(const std::string& bytes) { return LogIn(FakeDaemon::Reply{{bytes}, {}, true}); }

  static bool Denies(int code) { return code == PAM_AUTH_ERR || code == PAM_AUTHINFO_UNAVAIL; }

  const TemporaryFolder folder_;
  const std::string socket_ = folder_ / "pam.sock";
  const PamServices services_{
      "auth requisite $first password=pw\nauth required $sparekey timeout=" +
      std::to_string(kTimeout.count() / 1000) + " socket=" + socket_};
  FakeDaemon::Reply reply_;
  std::unique_ptr<FakeDaemon> daemon_;
  int logins_ = 0;
};

TEST_F(Answers, HalfAnAcceptIsNone) {
  const std::string whole = Whole(kAccepted);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ASSERT_TRUE(Denies(LogIn(whole.substr(0, size)))) << size;
  }
  EXPECT_EQ(LogIn(whole), PAM_SUCCESS);
}

TEST_F(Answers, AnAcceptInPiecesIsOne) {
  const std::string whole = Whole(kAccepted);
  for (std::size_t at = 1; at < whole.size(); at += 7) {
    const FakeDaemon::Reply reply{{whole.substr(0, at), whole.substr(at)}, milliseconds(1), false};
    ASSERT_EQ(LogIn(reply), PAM_SUCCESS) << at;
  }
  FakeDaemon::Reply bytes{{}, milliseconds(1), false};
  for (const char byte : whole) bytes.pieces.emplace_back(1, byte);
  EXPECT_EQ(LogIn(bytes), PAM_SUCCESS);
}

TEST_F(Answers, ABentDenialIsNeverAnAccept) {
  for (const std::string& body : {Denied("wrong_code", "No."), Denied("not_enrolled")}) {
    const std::string whole = Whole(body);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int change : {0x01, 0x20, 0x80, 0xff}) {
        std::string bent = whole;
        bent[at] = static_cast<char>(bent[at] ^ change);
        ASSERT_TRUE(Denies(LogIn(bent))) << at << ' ' << change;
      }
      ASSERT_TRUE(Denies(LogIn(whole.substr(0, at) + whole.substr(at + 1)))) << at;
    }
  }
}

TEST_F(Answers, BytesMixedFromAcceptAndDenialNeverCrashAndEndInAListedCode) {
  std::mt19937 random(20261123);
  const std::string parts = Whole(kAccepted) + Whole(Denied("locked", "No.")) + Whole(kAskCode);
  for (int round = 0; round < 400; ++round) {
    std::string mixed;
    for (int piece = 0; piece < 6; ++piece) {
      mixed += parts.substr(random() % parts.size(), random() % 120);
    }
    const int code = LogIn(mixed);
    ASSERT_TRUE(Denies(code) || code == PAM_MAXTRIES) << mixed;
  }
}

TEST_F(Answers, WhatIsTooLongIsDenied) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::string mega(5U << 20, 'x');
  for (const std::string& bytes :
       {mega, head + "X: " + mega + "\r\n\r\n", head + "Content-Length: 5242880\r\n\r\n" + mega,
        head + "Content-Length: 99999999999999999999\r\n\r\n{}",
        Whole(R"({"login":")" + std::string(1U << 20, 'x') + R"(","ask":[],"verdict":"deny"})"),
        Whole(std::string(200'000, '[')), Whole(kAccepted) + Whole(kAccepted)}) {
    const auto begin = SteadyClock::now();
    EXPECT_TRUE(Denies(LogIn(bytes))) << bytes.size();
    EXPECT_LT(SteadyClock::now() - begin, kTimeout + kMargin);
  }
}

TEST_F(Answers, AnAcceptThatDribblesInAfterItsTimeIsDeniedInTime) {
  const std::string whole = Whole(kAccepted);
  FakeDaemon::Reply slow{{}, kTimeout * 3 / static_cast<int>(whole.size()), false};
  for (const char byte : whole) slow.pieces.emplace_back(1, byte);
  for (const FakeDaemon::Reply& reply :
       {slow, FakeDaemon::Silence(), FakeDaemon::Reply{{whole}, kTimeout * 2, false},
        FakeDaemon::Reply{{whole.substr(0, 40)}, {}, false}}) {
    const auto begin = SteadyClock::now();
    EXPECT_TRUE(Denies(LogIn(reply)));
    const auto took = SteadyClock::now() - begin;
    EXPECT_GE(took, kTimeout - milliseconds(50));
    EXPECT_LT(took, kTimeout + kMargin);
    daemon_.reset();
  }
}

// More than one answer to one question: the time counts for all of them together.
TEST_F(Answers, QuestionsWithoutEndAreDeniedInTime) {
  const auto begin = SteadyClock::now();
  FakeDaemon daemon(socket_ + "2", [](const auto&) {
    auto reply = FakeDaemon::Json(200, kAskCode);
    reply.pause = kTimeout / 4;
    return reply;
  });
  PamServices services(
      "auth requisite $first password=pw\nauth required $sparekey timeout=1 socket=" + socket_ +
      "2");
  PamLogin login(services.path(), "anna");
  login.Answers(std::deque<std::optional<std::string>>(20, "123456"));
  const int code = login.Authenticate();
  EXPECT_TRUE(Denies(code) || code == PAM_MAXTRIES) << code;
  EXPECT_LT(SteadyClock::now() - begin, kTimeout + kMargin);
}

}  // namespace
}  // namespace sparekey
