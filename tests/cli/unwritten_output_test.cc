// SPDX-License-Identifier: Apache-2.0
// Standard output that takes nothing: results, and secrets that exist nowhere else.
#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/cli/verb_test.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kUnwritten[] = "sparekey: standard output: cannot write: No space left on device\n";

class UnwrittenOutput : public testing::VerbTest {
 protected:
  testing::ProgramResult RunTo(const std::string& output, const std::vector<std::string>& words) {
    std::vector<std::string> command = Command(words);
    command.insert(command.begin(), {"/bin/bash", "-c", "exec \"$@\" " + output, "bash"});
    return testing::RunProgram(command);
  }
  // For a person and for a program.
  void ExpectRemedy(const std::vector<std::string>& words, const std::string& remedy) {
    for (const char* json : {"", " --json"}) {
      const auto result = RunTo(std::string(json) + " > /dev/full", words);
      EXPECT_EQ(result.status, 5) << words[0];
      EXPECT_THAT(result.err, HasSubstr(kUnwritten + remedy));
    }
  }
  // What stands in files is not made anew.
  void ExpectNoRemedy(std::vector<std::string> words) {
    words.emplace_back("--json");
    const auto result = RunTo("> /dev/full", words);
    EXPECT_EQ(result.status, 5) << words[0];
    EXPECT_THAT(result.err, HasSubstr(kUnwritten));
    EXPECT_THAT(result.err, Not(HasSubstr("nowhere else")));
  }
  static std::string Enrolled(const std::string& state) {
    return R"({"account":"ada","label":"phone","secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",)"
           R"("uri":"otpauth://totp/nas:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=nas",)"
           R"("backup_codes":["K7QM-9TXR-4HWD-P2VN"],"sheet":1,"required":2,"host":"nas",)"
           R"("issued":"2026-11-23T14:02:00Z","enrolment":")" +
           state + "\"}";
  }
};

TEST_F(UnwrittenOutput, OfNewCodesSaysThatTheyAreLost) {
  api_.Answer("POST /v1/accounts/ada/backup-codes", 201, Enrolled("active"));
  ExpectRemedy({"codes", "new", "ada"},
               "These codes are nowhere else, and older ones are void; a "
               "new sheet again: sparekey codes new ada\n");
  ExpectNoRemedy({"codes", "new", "ada", "--out", folder_ / "codes.txt"});
}

TEST_F(UnwrittenOutput, OfAnEnrolmentSaysThatItIsLost) {
  api_.Answer("POST /v1/accounts/ada/enrolment", 201, Enrolled("active"));
  const std::string remedy =
      "What was made is nowhere else: sparekey user remove ada, then enrol again\n";
  ExpectRemedy({"user", "enroll", "ada", "--no-confirm"}, remedy);
  // The picture alone holds no codes.
  const auto result = RunTo("> /dev/full", {"user", "enroll", "ada", "--qr", folder_ / "a.svg"});
  EXPECT_THAT(result.err, HasSubstr(remedy));
  ExpectNoRemedy(
      {"user", "enroll", "ada", "--qr", folder_ / "b.svg", "--codes-out", folder_ / "codes.txt"});
}

// A code of a secret that nobody has seen cannot be typed.
TEST_F(UnwrittenOutput, OfAnEnrolmentAsksForNoCode) {
  api_.Answer("POST /v1/accounts/ada/enrolment", 201, Enrolled("pending"));
  testing::TerminalProgram program(std::vector<std::string>{
      "/bin/bash", "-c", "exec \"$@\" > /dev/full", "bash", SPAREKEY_PROGRAM, "--config",
      folder_ / "sparekey.conf", "--state-dir", folder_.path(), "user", "enroll", "ada"});
  EXPECT_EQ(program.Wait(), 5);
  EXPECT_THAT(program.shown(), HasSubstr("sparekey user remove ada"));
}

TEST_F(UnwrittenOutput, OfAnAuthenticatorSaysThatItsSecretIsLost) {
  api_.Answer("POST /v1/accounts/ada/authenticators", 201, Enrolled("active"));
  api_.Answer("PUT /v1/accounts/ada/authenticators/phone", 201, Enrolled("pending"));
  ExpectRemedy({"authenticator", "add", "ada", "--label", "phone", "--no-confirm"},
               "The secret is nowhere else; a new one again: sparekey authenticator renew ada "
               "--label 'phone'\n");
  ExpectRemedy({"authenticator", "renew", "ada", "--label", "phone"},
               "The secret is nowhere else, and does not count yet: begin again with the same "
               "command\n");
}

TEST_F(UnwrittenOutput, OfAnythingElseIsAnError) {
  api_.Answer("GET /v1/accounts?limit=100&after=", 200,
              R"({"accounts":[{"account":"ada"}],"next":null})");
  for (const auto& words : {std::vector<std::string>{"export", "csv"},
                            {"export", "jsonl"},
                            {"user", "list"},
                            {"user", "list", "--json"},
                            {"help"}}) {
    const auto result = RunTo("> /dev/full", words);
    EXPECT_EQ(result.status, 5) << words[0];
    EXPECT_EQ(result.err, kUnwritten) << words[0];
  }
}

TEST_F(UnwrittenOutput, KeepsTheStatusOfWhatFailedBefore) {
  api_.Answer("GET /v1/accounts/bob", 404, R"({"code":"not_found","detail":"no such account"})");
  const auto result = RunTo("> /dev/full", {"user", "show", "bob", "--json"});
  EXPECT_EQ(result.status, 7);
  EXPECT_THAT(result.err, HasSubstr(kUnwritten));
}

TEST_F(UnwrittenOutput, IsNoErrorWhereNobodyReadsAnyMore) {
  api_.Answer("GET /v1/accounts?limit=100&after=", 200,
              R"({"accounts":[{"account":"ada"}],"next":null})");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  const auto result = RunTo(">&" + std::to_string(ends[1]), {"export", "csv"});
  close(ends[1]);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
}

}  // namespace
}  // namespace sparekey
