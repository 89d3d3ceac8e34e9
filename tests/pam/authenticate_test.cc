// SPDX-License-Identifier: Apache-2.0
// The auth phase through the real libpam, against a scripted sparekeyd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/pam/pam_login.h"
#include "tests/pam/scripted_logins.h"

namespace sparekey {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Authenticate : public testing::Test {
 protected:
  // A stack with a password before the module, as in a real service file.
  std::string Folder(const std::string& options = "", const std::string& first = "password=pw") {
    services_.Write("test", "auth requisite $first " + first +
                                "\nauth required $sparekey socket=" + socket_ + " " + options);
    return services_.path();
  }
  // One login as anna with the answers; the module's code is the stack's.
  int Login(const std::string& options, std::vector<std::string> replies,
            std::deque<std::optional<std::string>> answers = {}) {
    daemon_.reset();
    daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn(std::move(replies)));
    login_ = std::make_unique<PamLogin>(Folder(options), "anna");
    return login_->Answers(std::move(answers)).Authenticate();
  }
  json Request(std::size_t index) { return json::parse(daemon_->requests().at(index).body); }

  const TemporaryFolder folder_;
  const std::string socket_ = folder_ / "pam.sock";
  PamServices services_{""};
  std::unique_ptr<FakeDaemon> daemon_;
  std::unique_ptr<PamLogin> login_;
};

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

// ---- options

TEST_F(Authenticate, ReplacesThePromptForAOneTimeCodeAlone) {
  EXPECT_EQ(Login("[prompt=Token, please: ]", {kAskCode, kAskTwoBackupCodes, kAccepted},
                  {"recover", "a", "b"}),
            PAM_SUCCESS);
  EXPECT_THAT(login_->Prompts(),
              ElementsAre("Token, please: ", "Backup code 1 of 2: ", "Backup code 2 of 2: "));
}

TEST_F(Authenticate, ShowsCodesWithEchoCode) {
  EXPECT_EQ(Login("echo_code", {kAskCode, kAccepted}, {"123456"}), PAM_SUCCESS);
  EXPECT_EQ(login_->said()[0].style, PAM_PROMPT_ECHO_ON);
}

TEST_F(Authenticate, TellsThatRecoveryIsNotWanted) {
  Login("no_recovery", {kNotRequired});
  EXPECT_EQ(Request(0)["recovery"], false);
}

TEST_F(Authenticate, AsksBeforeAnyContactWithAskFirst) {
  EXPECT_EQ(Login("ask_first", {kAccepted}, {"123456"}), PAM_SUCCESS);
  EXPECT_THAT(login_->Prompts(), ElementsAre("One-time code: "));
  ASSERT_EQ(daemon_->requests().size(), 1U);
  EXPECT_EQ(Request(0)["answers"], json::parse(R"({"code":"123456"})"));
  EXPECT_EQ(Login("ask_first [prompt=Token: ] echo_code", {Denied("wrong_code")}, {"123456"}),
            PAM_AUTH_ERR);
  EXPECT_THAT(login_->Prompts(), ElementsAre("Token: "));
  EXPECT_EQ(login_->said()[0].style, PAM_PROMPT_ECHO_ON);
}

TEST_F(Authenticate, GoesOnWithARecoveryAfterAskFirst) {
  EXPECT_EQ(Login("ask_first", {kAskTwoBackupCodes, kAccepted}, {"recover", "a", "b"}),
            PAM_SUCCESS);
}

TEST_F(Authenticate, AskFirstSendsNoAnswerThatIsNotAnAttempt) {
  for (const std::string answer : {"", "pw"}) {
    EXPECT_EQ(Login("ask_first", {kAskCode, kAccepted}, {answer}), PAM_AUTH_ERR);
    ASSERT_EQ(daemon_->requests().size(), 1U);
    EXPECT_FALSE(Request(0).contains("answers"));
  }
  // Somebody who needs no code may enter anything.
  EXPECT_EQ(Login("ask_first", {kNotRequired}, {""}), PAM_SUCCESS);
  EXPECT_EQ(Login("ask_first", {kNotRequired}, {std::nullopt}), PAM_AUTH_ERR);
  EXPECT_EQ(daemon_->requests().size(), 0U);
}

TEST_F(Authenticate, SkipsOrDeniesTheUnenrolledAsTheOptionSays) {
  const std::string text = "Enrol in the web console.";
  EXPECT_EQ(Login("", {Denied("not_enrolled", text)}), PAM_AUTH_ERR);
  EXPECT_EQ(login_->Texts(), text + "\n");
  EXPECT_EQ(Login("unenrolled=deny", {Denied("not_enrolled", text)}), PAM_AUTH_ERR);
  EXPECT_EQ(Login("unenrolled=skip", {Denied("not_enrolled", text)}), PAM_SUCCESS);
  EXPECT_EQ(login_->Texts(), "");
  EXPECT_EQ(Login("unenrolled=deny", {kNotRequired}), PAM_AUTH_ERR);
  EXPECT_EQ(Login("unenrolled=deny", {R"({"verdict":"accept","reason":"not_required",
                                          "enrolled":true})"}),
            PAM_SUCCESS);
}

TEST_F(Authenticate, SkipsNoOtherDenialThanNotEnrolled) {
  for (const char* reason : {"wrong_code", "super_locked", "gate_closed", "identity_changed",
                             "not_an_attempt", "locked", ""}) {
    EXPECT_NE(Login("unenrolled=skip", {Denied(reason)}), PAM_SUCCESS) << reason;
  }
  EXPECT_EQ(Login("unenrolled=skip", {R"({"verdict":"deny","reason":"not_enrolled",
                                          "must_enrol":true})"}),
            PAM_AUTH_ERR);
}

TEST_F(Authenticate, NamesTheDoorOfTheOption) {
  for (const std::string door : {"ssh", "web", "other"}) {
    Login("door=" + door, {kNotRequired});
    EXPECT_EQ(Request(0)["door"], door);
  }
  Login("door=console", {kNotRequired});  // permits, never forces
  EXPECT_EQ(Request(0)["door"], "other");
}

TEST_F(Authenticate, DeniesEverybodyOnAnUnknownOption) {
  for (const std::string option :
       {"nonsense", "timeout=0", "timeout=31", "timeout=3x", "timeout=", "timeout", "door=back",
        "unenrolled=", "unenrolled=maybe", "first_factor=any", "socket=relative", "prompt=",
        "echo_code=yes", "Debug", "code_digits=5", "code_digits=9", "config=x", "=", "debug=1"}) {
    EXPECT_EQ(Login(option, {kNotRequired}), PAM_AUTHINFO_UNAVAIL) << option;
    EXPECT_EQ(daemon_->connections(), 0U);
  }
}

// ---- one line for password and code

TEST_F(Authenticate, TakesTheCodeFromTheEndOfTheFirstLine) {
  services_.Write(
      "line", "auth required $first ask\nauth required $sparekey use_first_pass socket=" + socket_);
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({kAccepted, kAskCode, kAskCode}));
  PamLogin login(services_.path(), "anna", "line");
  EXPECT_EQ(login.Answers({"secret123456"}).Authenticate(), PAM_SUCCESS);
  EXPECT_EQ(Request(0)["answers"], json::parse(R"({"code":"123456"})"));
  for (const std::string line : {"secret12345x", "123456"}) {
    PamLogin without(services_.path(), "anna", "line");
    EXPECT_EQ(without.Answers({line, "123456"}).Authenticate(), PAM_AUTH_ERR) << line;
    EXPECT_THAT(without.Prompts(), ElementsAre("Password: "));
  }
  EXPECT_FALSE(Request(1).contains("answers"));
  EXPECT_FALSE(Request(2).contains("answers"));
}

TEST_F(Authenticate, NeverAsksMoreWithUseFirstPass) {
  services_.Write("line",
                  "auth required $first password=secret123456\n"
                  "auth required $sparekey use_first_pass socket=" +
                      socket_);
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({kAskTwoBackupCodes, kAccepted}));
  PamLogin login(services_.path(), "anna", "line");
  EXPECT_EQ(login.Answers({"a", "b"}).Authenticate(), PAM_AUTH_ERR);
  EXPECT_THAT(login.Prompts(), IsEmpty());
}

TEST_F(Authenticate, AsksWithTryFirstPassWhereTheFirstLineHoldsNoCode) {
  EXPECT_EQ(Login("try_first_pass", {kAskCode, kAccepted}, {"123456"}), PAM_SUCCESS);
  EXPECT_THAT(login_->Prompts(), ElementsAre("One-time code: "));
}

TEST_F(Authenticate, ForwardsThePasswordWithoutTheCode) {
  services_.Write("line",
                  "auth required $sparekey forward_pass first_factor=none code_digits=8 socket=" +
                      socket_ + "\nauth required $first show");
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({kAccepted}));
  PamLogin login(services_.path(), "anna", "line");
  EXPECT_EQ(login.Answers({"geheim12345678"}).Authenticate(), PAM_SUCCESS);
  EXPECT_THAT(login.Prompts(), ElementsAre("Password and one-time code: "));
  EXPECT_EQ(login.Texts(), "authtok=geheim\n");
  EXPECT_EQ(Request(0)["answers"]["code"], "12345678");
  EXPECT_EQ(Request(0)["first_factor"], "waived");
}

TEST_F(Authenticate, AsksForNoLineBeforeAFirstFactorIsProven) {
  daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({kAccepted}));
  for (const std::string options : {"forward_pass", "forward_pass try_first_pass",
                                    "forward_pass ask_first", "forward_pass first_factor=auto"}) {
    PamLogin login(Folder(options, ""), "anna");
    EXPECT_EQ(login.Answers({"geheim123456"}).Authenticate(), PAM_AUTHINFO_UNAVAIL) << options;
    EXPECT_THAT(login.Prompts(), IsEmpty());
  }
  EXPECT_EQ(daemon_->connections(), 0U);
}

TEST_F(Authenticate, ForwardsWhatAnEarlierModuleWasGiven) {
  for (const std::string options : {"forward_pass use_first_pass", "forward_pass try_first_pass"}) {
    services_.Write("line", "auth required $first password=geheim123456\nauth required $sparekey " +
                                options + " socket=" + socket_ + "\nauth required $first show");
    daemon_.reset();
    daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn({kAccepted}));
    PamLogin login(services_.path(), "anna", "line");
    EXPECT_EQ(login.Authenticate(), PAM_SUCCESS) << options;
    EXPECT_THAT(login.Prompts(), IsEmpty());
    EXPECT_EQ(login.Texts(), "authtok=geheim\n");
  }
}

// ---- faults

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
