// SPDX-License-Identifier: Apache-2.0
// The module's options in the auth phase, and one line for password and code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pam/authenticate_fixture.h"

namespace sparekey {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

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
}  // namespace
}  // namespace sparekey
