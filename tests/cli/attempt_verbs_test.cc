// SPDX-License-Identifier: Apache-2.0
// verify and recover.
#include <gmock/gmock.h>

#include "tests/cli/verb_test.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::TerminalProgram;

constexpr char kBegin[] = "POST /v1/logins";
constexpr char kAnswer[] = "POST /v1/logins/l1/answers";
constexpr char kAskCode[] =
    R"({"login":"l1","say":[],"ask":[{"id":"code","prompt":"One-time code: ","echo":false}],)"
    R"("verdict":null,"reason":""})";
constexpr char kAskBackupCodes[] =
    R"({"login":"l1","say":[{"text":"Too many wrong codes.","style":"error"}],)"
    R"("ask":[{"id":"backup_code_1","prompt":"Backup code 1 of 2: ","echo":false},)"
    R"({"id":"backup_code_2","prompt":"Backup code 2 of 2: ","echo":false}],)"
    R"("verdict":null,"reason":""})";

std::string Verdict(const std::string& verdict, const std::string& reason) {
  return R"({"login":"l1","say":[],"ask":[],"verdict":")" + verdict + R"(","reason":")" + reason +
         R"("})";
}

class VerifyTest : public testing::VerbTest {};

TEST_F(VerifyTest, HoldsTheConversationOnThePamSocket) {
  pam_.Answer(kBegin, 200, kAskCode);
  pam_.Answer(kAnswer, 200, Verdict("accept", "accepted"));
  const auto result = Run({"verify", "ada"}, "123456\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "accept: accepted\n");
  ASSERT_EQ(pam_.Requests().size(), 2U);
  EXPECT_EQ(Parse(pam_.Requests()[0].body),
            Parse(R"({"account":"ada","door":"other","service":"sparekey","remote_host":"",)"
                  R"("tty":"","first_factor":"waived","recovery":false})"));
  EXPECT_EQ(Parse(pam_.Requests()[1].body), Parse(R"({"answers":{"code":"123456"}})"));
  EXPECT_THAT(api_.Requests(), IsEmpty());
}

struct Denial {
  const char* reason;
  int status;
  friend void PrintTo(const Denial& denial, std::ostream* out) { *out << denial.reason; }
};
class VerifyDenied : public VerifyTest, public ::testing::WithParamInterface<Denial> {};

TEST_P(VerifyDenied, EndsWithTheStatusOfItsReason) {
  pam_.Answer(kBegin, 200, Verdict("deny", GetParam().reason));
  const auto json = RunJson({"verify", "ada"}, GetParam().status, "123456\n");
  EXPECT_EQ(json["verdict"], "deny");
  EXPECT_EQ(json["reason"], GetParam().reason);
  EXPECT_TRUE(json["codes_left"].is_null());
}

INSTANTIATE_TEST_SUITE_P(Reasons, VerifyDenied,
                         ::testing::Values(Denial{"wrong_code", 1}, Denial{"not_an_attempt", 1},
                                           Denial{"locked", 3}, Denial{"super_locked", 4},
                                           Denial{"not_enrolled", 7}, Denial{"gate_closed", 8},
                                           Denial{"clock_wrong", 9}));

TEST_F(VerifyTest, SaysThatNobodyIsEnrolledInsteadOfAccepting) {
  pam_.Answer(kBegin, 200,
              R"({"login":"1","say":[],"ask":[],"verdict":"accept","reason":"not_required",)"
              R"("enrolled":false,"must_enrol":false})");
  const auto result = Run({"verify", "ada"});
  EXPECT_EQ(result.status, 7);
  EXPECT_THAT(result.err, HasSubstr("not enrolled"));
}

TEST_F(VerifyTest, TakesTheDoor) {
  pam_.Answer(kBegin, 200, Verdict("accept", "not_required"));
  EXPECT_EQ(Run({"verify", "ada", "--door", "ssh"}).status, 0);
  EXPECT_EQ(Parse(pam_.Requests()[0].body)["door"], "ssh");
  for (const char* door : {"console", "SSH", "back"}) {
    const auto result = Run({"verify", "ada", "--door", door});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr("--door"));
  }
}

TEST_F(VerifyTest, SendsNothingWithoutACode) {
  pam_.Answer(kBegin, 200, kAskCode);
  EXPECT_EQ(Run({"verify", "ada"}, "").status, 2);
  EXPECT_EQ(pam_.Requests().size(), 1U);
}

TEST_F(VerifyTest, NeverAcceptsWithoutAVerdict) {
  const std::vector<std::pair<int, std::string>> answers = {
      {200, "{}"},
      {200, "[]"},
      {200, "not json"},
      {200, ""},
      {500, R"({"code":"damaged","detail":"record of ada"})"},
      {200, R"({"verdict":true})"},
      {200, R"({"verdict":null,"ask":[]})"}};
  for (const auto& [status, body] : answers) {
    testing::TestFolder folder;
    testing::FakeApi pam(folder / "pam.sock");
    pam.Answer(kBegin, status, body);
    const auto result = testing::RunProgram(
        {SPAREKEY_PROGRAM, "--state-dir", folder.path(), "verify", "ada"}, "123456\n");
    EXPECT_EQ(result.status, 5) << body;
  }
}

TEST_F(VerifyTest, EndsWhenTheServiceNeverGivesAVerdict) {
  pam_.Answer(kBegin, 200, kAskCode);
  pam_.Answer(kAnswer, 200, kAskCode);
  EXPECT_EQ(Run({"verify", "ada"}, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n").status, 5);
}

TEST_F(VerifyTest, SaysBusy) {
  pam_.Answer(kBegin, 429, R"({"code":"busy","detail":"try again"})");
  EXPECT_EQ(Run({"verify", "ada"}, "123456\n").status, 9);
}

TEST_F(VerifyTest, AsksHiddenOnATerminal) {
  pam_.Answer(kBegin, 200, kAskCode);
  pam_.Answer(kAnswer, 200, Verdict("deny", "wrong_code"));
  TerminalProgram program(Command({"verify", "ada"}));
  ASSERT_TRUE(program.WaitFor("One-time code: "));
  ASSERT_TRUE(program.WaitForEcho(false));
  program.Type("123456\n");
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_THAT(program.shown(), Not(HasSubstr("123456")));
}

class RecoverTest : public testing::VerbTest {};

TEST_F(RecoverTest, AsksForARecoveryAndSendsOneCodeALine) {
  pam_.Answer(kBegin, 200, kAskCode);
  pam_.Answer(kAnswer, 200, kAskBackupCodes);
  pam_.Answer(
      kAnswer, 200,
      R"({"login":"l1","say":[],"ask":[],"verdict":"accept","reason":"recovered","codes_left":8})");
  const auto json = RunJson({"recover", "ada"}, 0, "K7QM-9TXR-4HWD-P2VN\n\nM7QM-9TXR-4HWD-P2VN\n");
  EXPECT_EQ(json, Parse(R"({"verdict":"accept","reason":"recovered","codes_left":8})"));
  ASSERT_EQ(pam_.Requests().size(), 3U);
  EXPECT_EQ(Parse(pam_.Requests()[1].body), Parse(R"({"answers":{"code":"recover"}})"));
  EXPECT_EQ(Parse(pam_.Requests()[2].body),
            Parse(R"({"answers":{"backup_code_1":"K7QM-9TXR-4HWD-P2VN",)"
                  R"("backup_code_2":"M7QM-9TXR-4HWD-P2VN"}})"));
}

TEST_F(RecoverTest, TakesTheQuestionOfALockedAccountAtOnce) {
  pam_.Answer(kBegin, 200, kAskBackupCodes);
  pam_.Answer(kAnswer, 200, Verdict("deny", "wrong_codes"));
  const auto result = Run({"recover", "ada"}, "a\nb\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("Too many wrong codes."));
  EXPECT_EQ(result.out, "deny: wrong_codes\n");
}

TEST_F(RecoverTest, SendsNothingUnlessTheNumberOfCodesFits) {
  pam_.Answer(kBegin, 200, kAskBackupCodes);
  for (const char* input : {"", "a\n", "a\n\n \n", "a\nb\nc\n"}) {
    const auto result = Run({"recover", "ada"}, input);
    EXPECT_EQ(result.status, 2) << input;
    EXPECT_THAT(result.err, HasSubstr("2 backup codes are needed"));
  }
  for (const auto& request : pam_.Requests()) EXPECT_EQ(request.target, "/v1/logins");
}

TEST_F(RecoverTest, AsksForEachCodeOnATerminal) {
  pam_.Answer(kBegin, 200, kAskBackupCodes);
  pam_.Answer(kAnswer, 200, Verdict("deny", "super_locked"));
  TerminalProgram program(Command({"recover", "ada"}));
  for (const char* prompt : {"Backup code 1 of 2: ", "Backup code 2 of 2: "}) {
    ASSERT_TRUE(program.WaitFor(prompt));
    ASSERT_TRUE(program.WaitForEcho(false));
    program.Type("K7QM-9TXR-4HWD-P2VN\n");
  }
  EXPECT_EQ(program.Wait(), 4);
  EXPECT_THAT(program.shown(), Not(HasSubstr("K7QM")));
}

}  // namespace
}  // namespace sparekey
