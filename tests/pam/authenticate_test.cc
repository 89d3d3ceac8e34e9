// SPDX-License-Identifier: Apache-2.0
// What the auth phase asks, shows and sends, and of which first factor it tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pam/authenticate_fixture.h"

namespace sparekey {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(Authenticate, BeginsAsksAndSendsTheAnswer) {
  EXPECT_EQ(Login("", {kAskCode, kAccepted}, {"123456"}), PAM_SUCCESS);
  EXPECT_THAT(login_->Prompts(), ElementsAre("One-time code: "));
  EXPECT_EQ(login_->said()[0].style, PAM_PROMPT_ECHO_OFF);
  ASSERT_EQ(daemon_->requests().size(), 2U);
  EXPECT_EQ(daemon_->connections(), 1U);
  EXPECT_EQ(daemon_->requests()[0].target, "/v1/logins");
  EXPECT_EQ(Request(0), json::parse(R"({"account":"anna","door":"other","service":"test",
      "remote_host":"","tty":"","first_factor":"password","recovery":true})"));
  EXPECT_EQ(daemon_->requests()[1].target, "/v1/logins/L-1/answers");
  EXPECT_EQ(Request(1), json::parse(R"({"answers":{"code":"123456"}})"));
}

TEST_F(Authenticate, LeadsThroughARecovery) {
  const std::string recovered =
      R"({"login":"L-1","say":[{"text":"8 backup codes are left.","style":"info"}],)"
      R"("verdict":"accept","reason":"recovered","codes_left":8})";
  EXPECT_EQ(Login("", {kAskCode, kAskTwoBackupCodes, recovered},
                  {"recover", "K7QM-9TXR-4HWD-P2VN", "A7QM-9TXR-4HWD-P2VN"}),
            PAM_SUCCESS);
  EXPECT_THAT(login_->Prompts(),
              ElementsAre("One-time code: ", "Backup code 1 of 2: ", "Backup code 2 of 2: "));
  EXPECT_EQ(login_->said()[2].style, PAM_PROMPT_ECHO_ON);
  EXPECT_EQ(login_->Texts(), "Enter 2 backup codes.\n8 backup codes are left.\n");
  EXPECT_EQ(Request(2), json::parse(R"({"answers":{"backup_code_1":"K7QM-9TXR-4HWD-P2VN",
                                                   "backup_code_2":"A7QM-9TXR-4HWD-P2VN"}})"));
}

TEST_F(Authenticate, TellsTerminalServiceAndRemoteHost) {
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({kNotRequired}));
  PamLogin login(Folder(), "anna");
  login.Item(PAM_TTY, "ssh").Item(PAM_RHOST, "192.0.2.7");
  login.Authenticate();
  EXPECT_EQ(Request(0)["door"], "ssh");
  EXPECT_EQ(Request(0)["tty"], "ssh");
  EXPECT_EQ(Request(0)["remote_host"], "192.0.2.7");
}

TEST_F(Authenticate, DeniesWithTheOneCodeThatLetsSshdShowTheText) {
  for (const std::string reason :
       {"wrong_code", "wrong_codes", "not_an_attempt", "locked", "super_locked", "gate_closed",
        "not_enrolled", "identity_changed", "clock_wrong", "something_new"}) {
    EXPECT_EQ(Login("", {Denied(reason, "Why it was denied.")}), PAM_AUTH_ERR) << reason;
    EXPECT_EQ(login_->Texts(), "Why it was denied.\n");
    EXPECT_EQ(login_->said()[0].style, PAM_ERROR_MSG);
  }
}

TEST_F(Authenticate, IgnoresWhomThePolicyAsksForNothing) {
  EXPECT_EQ(Login("", {kNotRequired}), PAM_SUCCESS);
  EXPECT_THAT(login_->Prompts(), IsEmpty());
  // A stack that tells PAM_IGNORE from PAM_SUCCESS.
  daemon_.reset();
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({kNotRequired, kAccepted}));
  services_.Write("told", "auth [ignore=1 default=bad] $sparekey socket=" + socket_ +
                              "\nauth requisite pam_deny.so\nauth required pam_permit.so");
  EXPECT_EQ(PamLogin(services_.path(), "anna", "told").Authenticate(), PAM_SUCCESS);
  EXPECT_NE(PamLogin(services_.path(), "anna", "told").Authenticate(), PAM_SUCCESS);
}

TEST_F(Authenticate, GivesUpAfterEightRounds) {
  EXPECT_EQ(Login("", std::vector(20, kAskCode), std::deque<std::optional<std::string>>(20, "1")),
            PAM_MAXTRIES);
  EXPECT_EQ(daemon_->requests().size(), 9U);
}

TEST_F(Authenticate, ShowsNoTextWhenPamIsSilent) {
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({Denied("locked", "Too many.")}));
  PamLogin login(Folder(), "anna");
  EXPECT_EQ(login.Authenticate(PAM_SILENT), PAM_AUTH_ERR);
  EXPECT_EQ(login.Texts(), "");
}

// ---- not an attempt

TEST_F(Authenticate, SendsNothingThatIsNotAnAttempt) {
  const std::vector<std::optional<std::string>> replies{"",
                                                        "pw",
                                                        std::nullopt,
                                                        std::string(257, '1'),
                                                        std::string(10240, '1'),
                                                        "12\xff"
                                                        "456",
                                                        "\xc0\xaf",
                                                        "\xed\xa0\x80"};
  for (const auto& reply : replies) {
    EXPECT_EQ(Login("", {kAskCode, kAccepted}, {reply}), PAM_AUTH_ERR);
    EXPECT_EQ(daemon_->requests().size(), 1U);
  }
}

TEST_F(Authenticate, SendsNothingWhenTheLastOfTwoBackupCodesIsMissing) {
  EXPECT_EQ(Login("", {kAskTwoBackupCodes, kAccepted}, {"K7QM-9TXR-4HWD-P2VN", ""}), PAM_AUTH_ERR);
  EXPECT_EQ(daemon_->requests().size(), 1U);
}

TEST_F(Authenticate, LeavesOddCodesToSparekeyd) {
  for (const std::string code : {"../../etc", "\x01\x02", "\"}{\\",
                                 "\u0661\u0662\u0663\u0664\u0665\u0666", "' OR 1=1 --", "%s%n"}) {
    EXPECT_EQ(Login("", {kAskCode, Denied("not_an_attempt")}, {code}), PAM_AUTH_ERR);
    EXPECT_EQ(Request(1)["answers"]["code"], code);
  }
}

// ---- names

TEST_F(Authenticate, DeniesNamesThatNobodyCanHave) {
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn(std::vector(100, kNotRequired)));
  const std::vector<std::string> names{std::string(10240, 'a'),
                                       std::string(257, 'a'),
                                       "../../etc/passwd",
                                       "a/b",
                                       "\xff\xfe",
                                       "anna\n",
                                       "an\tna",
                                       "anna\x7f",
                                       "\x1b[2J",
                                       "\xed\xa0\x80"};
  for (const auto& name : names) {
    EXPECT_EQ(PamLogin(Folder(), name).Authenticate(), PAM_AUTH_ERR) << name;
  }
  EXPECT_EQ(daemon_->connections(), 0U);
}

TEST_F(Authenticate, SendsEveryOtherNameAsItIs) {
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn(std::vector(100, Denied("wrong_code"))));
  const std::vector<std::string> names{"anna",        "DOM\\anna", "anna@example.org",
                                       "j\xc3\xb6rg", "a\"b",      "-rf",
                                       "..",          "%s%n",      "\u0661"};
  std::size_t index = 0;
  for (const auto& name : names) {
    EXPECT_EQ(PamLogin(Folder(), name).Authenticate(), PAM_AUTH_ERR) << name;
    EXPECT_EQ(Request(index++)["account"], name);
  }
}

TEST_F(Authenticate, EscapesARemoteHostThatIsNoText) {
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({Denied("wrong_code")}));
  PamLogin login(Folder(), "anna");
  login.Item(PAM_RHOST, "evil\xff\n").Authenticate();
  EXPECT_EQ(Request(0)["remote_host"], "evil\\xff\\x0a");
}

// ---- first factor

TEST_F(Authenticate, SaysNoneWithoutAPasswordOrAKey) {
  daemon_ = std::make_unique<FakeDaemon>(
      socket_, InTurn({Denied("not_an_attempt"), Denied("not_an_attempt")}));
  PamLogin login(Folder("", "env=SSH_AUTH_INFO_0=publickey_ssh-ed25519"), "anna");
  login.Authenticate();
  EXPECT_EQ(Request(0)["first_factor"], "none");
  // sshd's words count from sshd alone.
  PamLogin imitation(Folder("", "[env=SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA]"), "anna");
  imitation.Authenticate();
  EXPECT_EQ(Request(1)["first_factor"], "none");
}

TEST_F(Authenticate, SaysWaivedWhereTheOptionSaysSo) {
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({kNotRequired, kNotRequired}));
  PamLogin(Folder("first_factor=none", ""), "anna").Authenticate();
  EXPECT_EQ(Request(0)["first_factor"], "waived");
  PamLogin(Folder("first_factor=none"), "anna").Authenticate();
  EXPECT_EQ(Request(1)["first_factor"], "password");
}

TEST_F(Authenticate, CountsAnEmptyPasswordAsNone) {
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({kNotRequired}));
  PamLogin(Folder("", "password="), "anna").Authenticate();
  EXPECT_EQ(Request(0)["first_factor"], "none");
}
}  // namespace
}  // namespace sparekey
