// SPDX-License-Identifier: Apache-2.0
// One's own account without root: password and code where the service wants them.
#include <gmock/gmock.h>
#include <pwd.h>
#include <unistd.h>

#include "tests/cli/verb_test.h"

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TerminalProgram;

constexpr char kNewSheet[] = "POST /v1/accounts/ada/backup-codes";
constexpr char kProof[] = "POST /v1/accounts/ada/proof";
constexpr char kAnswers[] = "POST /v1/accounts/ada/proof/answers";
constexpr char kNeeded[] = R"({"code":"proof_needed","detail":"prove password and code first"})";
constexpr char kMade[] = R"({"account":"ada","backup_codes":["K7QM-9TXR-4HWD-P2VN"],"sheet":2,)"
                         R"("issued":"2026-11-23T14:02:00Z","required":2,"host":"nas"})";
constexpr char kAskCode[] =
    R"({"login":"p1","say":[],"ask":[{"id":"code","prompt":"One-time code: ","echo":false}],)"
    R"("verdict":null,"reason":null})";
constexpr char kAskBackupCodes[] =
    R"({"login":"p1","say":[],"ask":[{"id":"backup_code_1","prompt":"Backup code 1 of 2: "},)"
    R"({"id":"backup_code_2","prompt":"Backup code 2 of 2: "}],"verdict":null,"reason":null})";

std::string Verdict(const std::string& verdict, const std::string& reason,
                    const std::string& say = "") {
  const std::string said = say.empty() ? "" : R"({"text":")" + say + R"(","style":"error"})";
  return R"({"login":"p1","say":[)" + said + R"(],"ask":[],"verdict":")" + verdict +
         R"(","reason":")" + reason + "\"}";
}

class ProofTest : public testing::VerbTest {
 protected:
  void ScriptProof() {
    api_.Answer(kNewSheet, 403, kNeeded);
    api_.Answer(kNewSheet, 201, kMade);
    api_.Answer(kProof, 200, kAskCode);
    api_.Answer(kAnswers, 200, Verdict("accept", "accepted"));
  }
  std::vector<std::string> Asked() {
    std::vector<std::string> asked;
    for (const auto& request : api_.Requests()) {
      asked.push_back(request.method + " " + request.target);
    }
    return asked;
  }
};

TEST_F(ProofTest, AsksPasswordAndCodeAndSendsTheRequestAgain) {
  ScriptProof();
  const auto result = Run({"codes", "new", "ada"}, "pass word\n123456\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("K7QM-9TXR-4HWD-P2VN"));
  EXPECT_THAT(Asked(), ElementsAre(kNewSheet, kProof, kAnswers, kNewSheet));
  EXPECT_EQ(Parse(api_.Requests()[1].body), Parse(R"({"password":"pass word"})"));
  EXPECT_EQ(Parse(api_.Requests()[2].body), Parse(R"({"login":"p1","answers":{"code":"123456"}})"));
}

TEST_F(ProofTest, AsksNothingWhereTheServiceWantsNoProof) {
  api_.Answer(kNewSheet, 201, kMade);
  EXPECT_EQ(Run({"codes", "new", "ada"}, "pass word\n").status, 0);
  EXPECT_THAT(Asked(), ElementsAre(kNewSheet));
}

TEST_F(ProofTest, PromptsAreHidden) {
  ScriptProof();
  TerminalProgram program(Command({"codes", "new", "ada"}));
  ASSERT_TRUE(program.WaitFor("Password of ada: ")) << program.shown();
  ASSERT_TRUE(program.WaitForEcho(false));
  program.Type("pass word\n");
  ASSERT_TRUE(program.WaitFor("One-time code: ")) << program.shown();
  ASSERT_TRUE(program.WaitForEcho(false));
  program.Type("123456\n");
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.shown(), Not(HasSubstr("pass word")));
  EXPECT_THAT(program.shown(), Not(HasSubstr("123456")));
}

TEST_F(ProofTest, TakesBackupCodesOneALineInTheirOrder) {
  api_.Answer(kNewSheet, 403, kNeeded);
  api_.Answer(kNewSheet, 201, kMade);
  api_.Answer(kProof, 200, kAskCode);
  api_.Answer(kAnswers, 200, kAskBackupCodes);
  api_.Answer(kAnswers, 200, Verdict("accept", "recovered"));
  const auto result = Run({"codes", "new", "ada"}, "pass word\nrecover\nAAAA\nBBBB\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Parse(api_.Requests()[3].body)["answers"],
            Parse(R"({"backup_code_1":"AAAA","backup_code_2":"BBBB"})"));
}

TEST_F(ProofTest, ADenialSaysWhyAndEndsWithTheStatusOfItsReason) {
  const std::vector<std::pair<std::string, int>> denials = {
      {"wrong_password", 1}, {"not_enrolled", 7}, {"super_locked", 4}, {"locked", 3}};
  api_.Answer(kNewSheet, 403, kNeeded);
  for (const auto& [reason, status] : denials) {
    api_.Answer(kProof, 200, Verdict("deny", reason, "Told by the service."));
  }
  for (const auto& [reason, status] : denials) {
    const auto result = Run({"codes", "new", "ada"}, "pass word\n");
    EXPECT_EQ(result.status, status) << reason;
    EXPECT_THAT(result.err, HasSubstr("Told by the service."));
    EXPECT_THAT(result.err, HasSubstr("nothing was changed"));
    EXPECT_EQ(result.out, "");
  }
  EXPECT_EQ(RunJson({"codes", "new", "ada"}, 3, "pass word\n")["error"]["code"], "locked");
}

TEST_F(ProofTest, APasswordInTheCodesPlaceIsNotSent) {
  ScriptProof();
  const auto result = Run({"codes", "new", "ada"}, "123456\n123456\n");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("not a code"));
  EXPECT_THAT(Asked(), ElementsAre(kNewSheet, kProof));
}

TEST_F(ProofTest, WithoutAPasswordNothingIsSent) {
  ScriptProof();
  const auto result = Run({"codes", "new", "ada"});
  EXPECT_EQ(result.status, 6);
  EXPECT_THAT(result.err, HasSubstr("password"));
  EXPECT_THAT(Asked(), ElementsAre(kNewSheet));
}

TEST_F(ProofTest, WithoutACodeNothingIsChanged) {
  ScriptProof();
  const auto result = Run({"codes", "new", "ada"}, "pass word\n");
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("no code was given"));
  EXPECT_THAT(Asked(), ElementsAre(kNewSheet, kProof));
}

TEST_F(ProofTest, AProofThatDoesNotHelpIsNotAskedForAgain) {
  api_.Answer(kNewSheet, 403, kNeeded);
  api_.Answer(kProof, 200, Verdict("accept", "not_required"));
  const auto result = Run({"codes", "new", "ada"}, "pass word\npass word\n");
  EXPECT_EQ(result.status, 6);
  EXPECT_THAT(Asked(), ElementsAre(kNewSheet, kProof, kNewSheet));
}

TEST_F(ProofTest, EnrolmentAndConfirmationAskForItToo) {
  api_.Answer("POST /v1/accounts/ada/enrolment/confirmation", 403, kNeeded);
  api_.Answer("POST /v1/accounts/ada/enrolment/confirmation", 200,
              R"({"account":"ada","enrolment":"active"})");
  api_.Answer(kProof, 200, Verdict("accept", "not_required"));
  const auto result = Run({"user", "confirm", "ada"}, "654321\npass word\n");
  EXPECT_EQ(result.status, 0) << result.err;
  api_.Answer("POST /v1/accounts/ada/enrolment", 403, kNeeded);
  EXPECT_EQ(Run({"user", "enroll", "ada"}, "pass word\n").status, 6);
  EXPECT_THAT(Asked().back(), "POST /v1/accounts/ada/enrolment");
}

TEST_F(ProofTest, UserShowWithoutANameIsOnesOwn) {
  const std::string own = getpwuid(getuid())->pw_name;
  api_.Answer("GET /v1/accounts/" + own, 200, R"({"account":")" + own + R"(","uid":1})");
  const auto result = Run({"user", "show"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(own));
}

}  // namespace
}  // namespace sparekey
