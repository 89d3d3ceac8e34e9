// SPDX-License-Identifier: Apache-2.0
// The account and session phases through the real libpam, against a scripted sparekeyd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "tests/pam/pam_login.h"
#include "tests/pam/scripted_logins.h"

namespace sparekey {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Phases : public testing::Test {
 protected:
  void Serve(FakeDaemon::Script script) {
    daemon_.reset();
    daemon_ = std::make_unique<FakeDaemon>(socket_, std::move(script));
  }
  std::unique_ptr<PamLogin> Login(const std::string& options = "", const std::string& tty = "ssh",
                                  const std::string& user = "anna") {
    services_.Write("test",
                    "auth required $first password=pw\nauth required $sparekey socket=" + socket_ +
                        "\naccount required pam_permit.so" +
                        "\naccount required $sparekey timeout=1 socket=" + socket_ + " " + options +
                        "\nsession required $sparekey timeout=1 socket=" + socket_ + " " + options);
    auto login = std::make_unique<PamLogin>(services_.path(), user);
    login->Item(PAM_TTY, tty).Item(PAM_RHOST, "192.0.2.7");
    return login;
  }
  json Request(std::size_t index) { return json::parse(daemon_->requests().at(index).body); }

  const TemporaryFolder folder_;
  const std::string socket_ = folder_ / "pam.sock";
  PamServices services_{""};
  std::unique_ptr<FakeDaemon> daemon_;
};

const std::string kAllowed = R"({"verdict":"accept","reason":"accepted","say":[]})";

// ---- account

TEST_F(Phases, AccountAsksForAccess) {
  Serve(InTurn({kAllowed}));
  EXPECT_EQ(Login()->Account(), PAM_SUCCESS);
  EXPECT_EQ(daemon_->requests()[0].target, "/v1/access");
  EXPECT_EQ(Request(0), json::parse(R"({"account":"anna","service":"test","door":"ssh",
                                        "remote_host":"192.0.2.7","code_proven":false})"));
}

TEST_F(Phases, AccountKnowsThatACodeWasProven) {
  Serve(InTurn({kAskCode, kAccepted, kAllowed, kNotRequired, kAllowed}));
  const auto login = Login();
  EXPECT_EQ(login->Answers({"123456"}).Authenticate(), PAM_SUCCESS);
  EXPECT_EQ(login->Account(), PAM_SUCCESS);
  EXPECT_EQ(Request(2)["code_proven"], true);
  const auto spared = Login();
  EXPECT_EQ(spared->Authenticate(), PAM_SUCCESS);
  EXPECT_EQ(spared->Account(), PAM_SUCCESS);
  EXPECT_EQ(Request(4)["code_proven"], true);
}

TEST_F(Phases, AccountForgetsAProofOfAnEarlierTryAndOfAnotherAccount) {
  Serve(
      InTurn({kAskCode, kAccepted, Denied("wrong_code"), kAllowed, kAskCode, kAccepted, kAllowed}));
  const auto login = Login();
  EXPECT_EQ(login->Answers({"123456"}).Authenticate(), PAM_SUCCESS);
  EXPECT_EQ(login->Authenticate(), PAM_AUTH_ERR);
  login->Account();
  EXPECT_EQ(Request(3)["code_proven"], false);
  EXPECT_EQ(login->Answers({"123456"}).Authenticate(), PAM_SUCCESS);
  login->Item(PAM_USER, "bert");
  login->Account();
  EXPECT_EQ(Request(6)["code_proven"], false);
  EXPECT_EQ(Request(6)["account"], "bert");
}

TEST_F(Phases, AccountDeniesAndSaysWhy) {
  for (const std::string reason : {"super_locked", "gate_closed", "key_only", "not_enrolled"}) {
    Serve(InTurn({Denied(reason, "Logins are disabled.")}));
    const auto login = Login();
    EXPECT_EQ(login->Account(), PAM_PERM_DENIED) << reason;
    EXPECT_EQ(login->Texts(), "Logins are disabled.\n");
  }
}

TEST_F(Phases, AccountIgnoresDoorsThatAreNotItsBusiness) {
  Serve(InTurn({kAllowed, kAllowed}));
  EXPECT_EQ(Login("", "tty1")->Account(), PAM_SUCCESS);
  EXPECT_EQ(Login("door=other", "ssh")->Account(), PAM_SUCCESS);
  EXPECT_EQ(Login("door=console", "tty1")->Account(), PAM_SUCCESS);
  EXPECT_EQ(daemon_->connections(), 0U);
  EXPECT_EQ(Login("door=web", "tty1")->Account(), PAM_SUCCESS);
  EXPECT_EQ(Request(0)["door"], "web");
}

TEST_F(Phases, AccountCannotDecideWithoutAVerdict) {
  EXPECT_EQ(Login()->Account(), PAM_AUTHINFO_UNAVAIL);
  for (const std::string& body : {kAskCode, std::string("{}"), std::string("garbage")}) {
    Serve(InTurn({body}));
    EXPECT_EQ(Login()->Account(), PAM_AUTHINFO_UNAVAIL) << body;
  }
  Serve([](const auto&) { return FakeDaemon::Silence(); });
  EXPECT_EQ(Login()->Account(), PAM_AUTHINFO_UNAVAIL);
  EXPECT_EQ(Login("nonsense", "tty1")->Account(), PAM_AUTHINFO_UNAVAIL);
}

TEST_F(Phases, AccountDeniesNamesThatNobodyCanHave) {
  Serve(InTurn({kAllowed}));
  EXPECT_EQ(Login("", "ssh", "../x")->Account(), PAM_PERM_DENIED);
  EXPECT_EQ(daemon_->connections(), 0U);
}

TEST_F(Phases, AccountSkipsTheUnenrolledWhereTheOptionSaysSo) {
  Serve(InTurn({Denied("not_enrolled"), Denied("key_only")}));
  EXPECT_EQ(Login("unenrolled=skip")->Account(), PAM_SUCCESS);
  EXPECT_EQ(Login("unenrolled=skip")->Account(), PAM_PERM_DENIED);
}

// ---- session

FakeDaemon::Reply Sessions(const FakeDaemon::Request& request) {
  return request.method == "DELETE" ? FakeDaemon::Raw("HTTP/1.1 204 No Content\r\n\r\n")
                                    : FakeDaemon::Json(200, R"({"session":"S-7"})");
}

TEST_F(Phases, SessionIsToldWhenItOpensAndCloses) {
  Serve(Sessions);
  const auto login = Login();
  EXPECT_EQ(login->OpenSession(), PAM_SUCCESS);
  EXPECT_EQ(daemon_->requests()[0].target, "/v1/sessions");
  EXPECT_EQ(Request(0), json::parse(R"({"account":"anna","service":"test","tty":"ssh",
                                        "remote_host":"192.0.2.7"})"));
  EXPECT_EQ(login->CloseSession(), PAM_SUCCESS);
  ASSERT_EQ(daemon_->requests().size(), 2U);
  EXPECT_EQ(daemon_->requests()[1].method, "DELETE");
  EXPECT_EQ(daemon_->requests()[1].target, "/v1/sessions/S-7");
  EXPECT_EQ(login->CloseSession(), PAM_SUCCESS);
  EXPECT_EQ(daemon_->requests().size(), 2U);
}

TEST_F(Phases, SessionIsToldForSshAlone) {
  Serve(Sessions);
  const auto login = Login("", "tty1");
  EXPECT_EQ(login->OpenSession(), PAM_SUCCESS);
  EXPECT_EQ(login->CloseSession(), PAM_SUCCESS);
  EXPECT_EQ(daemon_->connections(), 0U);
}

TEST_F(Phases, SessionIsNeverStoodInTheWayOf) {
  const auto opens_and_closes = [&](const std::string& options) {
    const auto login = Login(options);
    EXPECT_EQ(login->OpenSession(), PAM_SUCCESS);
    EXPECT_EQ(login->CloseSession(), PAM_SUCCESS);
  };
  opens_and_closes("");  // nobody there
  opens_and_closes("nonsense");
  for (const std::string& body :
       {std::string("garbage"), std::string(R"({"session":7})"),
        std::string(R"({"session":"../x"})"), std::string(R"({"session":"a b"})")}) {
    Serve(InTurn({body}));
    opens_and_closes("");
    EXPECT_EQ(daemon_->requests().size(), 1U) << body;
  }
  Serve([](const auto&) { return FakeDaemon::Silence(); });
  opens_and_closes("");
}

TEST_F(Phases, CredentialsAreNobodysBusiness) {
  EXPECT_EQ(pam_setcred(Login()->handle(), PAM_ESTABLISH_CRED), PAM_SUCCESS);
}

}  // namespace
}  // namespace sparekey
