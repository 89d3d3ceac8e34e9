// SPDX-License-Identifier: Apache-2.0
// user and codes.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "tests/cli/verb_test.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::ReadWholeFile;
using testing::TerminalProgram;

constexpr char kEnrolPath[] = "POST /v1/accounts/ada/enrolment";
constexpr char kConfirmPath[] = "POST /v1/accounts/ada/enrolment/confirmation";

std::string EnrolmentReply(const std::string& state) {
  return R"({"account":"ada","label":"phone","type":"totp","digits":6,"interval":30,)"
         R"("algorithm":"sha1","secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",)"
         R"("uri":"otpauth://totp/host:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=host",)"
         R"("backup_codes":["K7QM-9TXR-4HWD-P2VN","M7QM-9TXR-4HWD-P2VN"],"sheet":1,)"
         R"("issued":"2026-11-23T14:02:00Z","required":2,"host":"nas","enrolment":")" +
         state + "\"}";
}

class EnrolTest : public testing::VerbTest {};

TEST_F(EnrolTest, ShowsSecretUriAndCodesAndSaysHowToConfirm) {
  api_.Answer(kEnrolPath, 201, EnrolmentReply("pending"));
  const auto result = Run({"user", "enroll", "ada", "--label", "phone"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"));
  EXPECT_THAT(result.out, HasSubstr("otpauth://totp/host:ada"));
  EXPECT_THAT(result.out, HasSubstr("K7QM-9TXR-4HWD-P2VN"));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(result.err, HasSubstr("confirm with: sparekey user confirm ada"));
}

TEST_F(EnrolTest, SendsWhatWasAskedFor) {
  api_.Answer(kEnrolPath, 201, EnrolmentReply("active"));
  Run({"user", "enroll", "ada", "--label", "my phone", "--type", "totp", "--digits", "8",
       "--interval", "60", "--algorithm", "sha256", "--no-confirm"});
  ASSERT_FALSE(api_.Requests().empty());
  EXPECT_EQ(Parse(api_.Requests()[0].body),
            Parse(R"({"label":"my phone","type":"totp","digits":8,"interval":60,)"
                  R"("algorithm":"sha256","confirm":false})"));
}

TEST_F(EnrolTest, ReadsTheSecretFromStandardInput) {
  api_.Answer(kEnrolPath, 201, EnrolmentReply("pending"));
  EXPECT_EQ(
      Run({"user", "enroll", "ada", "--secret-stdin"}, "jbsw y3dp ehpk 3pxp jbsw y3dp ehpk 3pxp\n")
          .status,
      0);
  ASSERT_FALSE(api_.Requests().empty());
  EXPECT_EQ(Parse(api_.Requests()[0].body)["secret"], "jbsw y3dp ehpk 3pxp jbsw y3dp ehpk 3pxp");
}

TEST_F(EnrolTest, PrintsOneJsonValue) {
  api_.Answer(kEnrolPath, 201, EnrolmentReply("pending"));
  const auto json = RunJson({"user", "enroll", "ada"}, 0);
  for (const char* key :
       {"account", "label", "type", "secret", "uri", "backup_codes", "sheet", "enrolment"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
}

TEST_F(EnrolTest, WritesCodesAndPictureIntoPrivateFiles) {
  api_.Answer(kEnrolPath, 201, EnrolmentReply("active"));
  for (const auto& [codes, picture] :
       {std::pair("codes.txt", "qr.svg"), std::pair("codes.json", "qr.png")}) {
    const auto result = Run({"user", "enroll", "ada", "--no-confirm", "--codes-out",
                             folder_ / codes, "--qr", folder_ / picture});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.out, Not(HasSubstr("K7QM")));
    EXPECT_THAT(ReadWholeFile(folder_ / codes), HasSubstr("K7QM-9TXR-4HWD-P2VN"));
    for (const char* name : {codes, picture}) {
      struct stat facts {};
      ASSERT_EQ(stat((folder_ / name).c_str(), &facts), 0);
      EXPECT_EQ(facts.st_mode & 07777, 0600U);
    }
  }
  EXPECT_THAT(ReadWholeFile(folder_ / "qr.svg"), HasSubstr("<svg"));
  EXPECT_THAT(ReadWholeFile(folder_ / "qr.png"), HasSubstr("PNG"));
  const auto sheet = Parse(ReadWholeFile(folder_ / "codes.json"));
  EXPECT_EQ(sheet["format"], "sparekey-backup-codes");
  EXPECT_EQ(sheet["account"], "ada");
  EXPECT_EQ(sheet["host"], "nas");
}

TEST_F(EnrolTest, AsksNobodyWhereAFileExistsAlready) {
  std::ofstream(folder_ / "codes.txt") << "old";
  const auto result = Run({"user", "enroll", "ada", "--codes-out", folder_ / "codes.txt"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("codes.txt exists already"));
  EXPECT_EQ(ReadWholeFile(folder_ / "codes.txt"), "old");
  EXPECT_THAT(api_.Requests(), IsEmpty());
}

TEST_F(EnrolTest, LeavesNoFileBehindWhenTheServiceRefuses) {
  api_.Answer(kEnrolPath, 409, R"({"code":"conflict","detail":"ada is enrolled already"})");
  const auto result = Run(
      {"user", "enroll", "ada", "--codes-out", folder_ / "codes.txt", "--qr", folder_ / "qr.png"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("ada is enrolled already"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "codes.txt"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "qr.png"));
}

TEST_F(EnrolTest, RefusesWrongValuesBeforeItAsksAnybody) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"--digits", "5"}, "--digits"},
      {{"--digits", "six"}, "--digits"},
      {{"--interval", "4"}, "--interval"},
      {{"--interval", "3601"}, "--interval"},
      {{"--type", "otp"}, "--type"},
      {{"--algorithm", "md5"}, "--algorithm"},
      {{"--label", "a:b"}, "--label"},
      {{"--label", std::string(65, 'x')}, "--label"},
      {{"--codes-out", "codes"}, "--codes-out"},
      {{"--qr", "qr.gif"}, "--qr"},
      {{"--secret-stdin"}, "--secret-stdin"}};
  for (const auto& [options, named] : wrong) {
    std::vector<std::string> words = {"user", "enroll", "ada"};
    words.insert(words.end(), options.begin(), options.end());
    const auto result = Run(words, "not base32!\n");
    EXPECT_EQ(result.status, 2) << named;
    EXPECT_THAT(result.err, HasSubstr(named));
  }
  EXPECT_EQ(Run({"user", "enroll", "../etc"}).status, 2);
  EXPECT_THAT(api_.Requests(), IsEmpty());
}

TEST_F(EnrolTest, AsksForACodeOnATerminalUpToThreeTimes) {
  api_.Answer(kEnrolPath, 201, EnrolmentReply("pending"));
  api_.Answer(kConfirmPath, 403, R"({"code":"wrong_code","detail":"That code is wrong"})");
  api_.Answer(kConfirmPath, 200, R"({"account":"ada","enrolment":"active"})");
  TerminalProgram program(Command({"user", "enroll", "ada"}));
  for (const char* code : {"111111\n", "222222\n"}) {
    ASSERT_TRUE(program.WaitFor("One-time code of the new authenticator: "));
    ASSERT_TRUE(program.WaitForEcho(false));
    program.Type(code);
  }
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.shown(), HasSubstr("That code is wrong"));
  EXPECT_THAT(program.shown(), HasSubstr("ada is enrolled"));
  EXPECT_THAT(program.shown(), HasSubstr("JBSWY3DP"));
  EXPECT_THAT(program.shown(), Not(HasSubstr("222222")));
  EXPECT_EQ(Parse(api_.Requests().back().body)["code"], "222222");
}

TEST_F(EnrolTest, StopsAfterTheThirdWrongCode) {
  api_.Answer(kEnrolPath, 201, EnrolmentReply("pending"));
  api_.Answer(kConfirmPath, 403, R"({"code":"wrong_code","detail":"That code is wrong"})");
  TerminalProgram program(Command({"user", "enroll", "ada"}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(program.WaitFor("authenticator: "));
    ASSERT_TRUE(program.WaitForEcho(false));
    program.Type("111111\n");
  }
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_THAT(program.shown(), HasSubstr("confirm with: sparekey user confirm ada"));
  const auto requests = api_.Requests();
  EXPECT_EQ(std::count_if(requests.begin(), requests.end(),
                          [](const auto& request) { return request.method == "POST"; }),
            4);
}

class AccountTest : public testing::VerbTest {
 protected:
  static constexpr char kAda[] =
      R"({"account":"ada","uid":1000,"administrator":true,"enrolment":"active","lockout":"locked",)"
      R"("locked_since":"2026-11-23T14:02:00Z","otp_failures":5,"otp_budget_left":95,)"
      R"("recovery_failures":1,"codes_left":8,"ssh_gate":"open","must_enrol":false,)"
      R"("last_login":null,"authenticators":[{"label":"phone","type":"totp","digits":6,)"
      R"("interval":30,"algorithm":"sha1","created":"2026-11-01T00:00:00Z","last_used":null}],)"
      R"("pending":null})";
};

TEST_F(AccountTest, ConfirmReadsOneCode) {
  api_.Answer(kConfirmPath, 200, R"({"account":"ada","enrolment":"active"})");
  EXPECT_EQ(Run({"user", "confirm", "ada"}, "123456\n").status, 0);
  EXPECT_EQ(Parse(api_.Requests()[0].body), Parse(R"({"code":"123456"})"));
}

TEST_F(AccountTest, ConfirmOfAWrongCodeIsDenied) {
  api_.Answer(kConfirmPath, 403, R"({"code":"wrong_code","detail":"That code is wrong"})");
  EXPECT_EQ(Run({"user", "confirm", "ada"}, "123456\n").status, 1);
  EXPECT_EQ(Run({"user", "confirm", "ada"}).status, 2);
}

TEST_F(AccountTest, ShowTellsWhatIsKnown) {
  api_.Answer("GET /v1/accounts/ada", 200, kAda);
  const auto result = Run({"user", "show", "ada"});
  EXPECT_EQ(result.status, 0);
  for (const char* text :
       {"ada (uid 1000, administrator)", "locked since 20", "5 in a row", "phone: totp"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
  EXPECT_EQ(RunJson({"user", "show", "ada"}, 0), Parse(kAda));
}

TEST_F(AccountTest, ShowOfAnUnknownAccountIsNotFound) {
  api_.Answer("GET /v1/accounts/bob", 404,
              R"({"code":"not_found","detail":"no such account: bob"})");
  const auto json = RunJson({"user", "show", "bob"}, 7);
  EXPECT_EQ(json["error"]["code"], "not_found");
  EXPECT_EQ(json["error"]["message"], "no such account: bob");
}

TEST_F(AccountTest, EncodesTheNameInTheTarget) {
  api_.Answer("GET /v1/accounts/a%3Fb%25%23", 200, kAda);
  EXPECT_EQ(Run({"user", "show", "a?b%#"}).status, 0);
}

TEST_F(AccountTest, ListReadsEveryPage) {
  api_.Answer("GET /v1/accounts?limit=100&after=", 200,
              R"({"accounts":[{"account":"ada"}],"next":"ada"})");
  api_.Answer("GET /v1/accounts?limit=100&after=ada", 200,
              R"({"accounts":[{"account":"bob"}],"next":null})");
  const auto json = RunJson({"user", "list"}, 0);
  ASSERT_EQ(json["accounts"].size(), 2U);
  EXPECT_EQ(json["accounts"][1]["account"], "bob");
  EXPECT_THAT(Run({"user", "list"}).out, HasSubstr("bob"));
}

TEST_F(AccountTest, ListShowsADamagedRecordAndWhatToDo) {
  api_.Answer("GET /v1/accounts?limit=100&after=", 200,
              R"({"accounts":[{"account":"ada","damaged":true}],"nameless":2,"next":null})");
  const std::string out = Run({"user", "list"}).out;
  EXPECT_THAT(out, HasSubstr("DAMAGED"));
  EXPECT_THAT(out, HasSubstr("sparekey console reset NAME"));
  EXPECT_THAT(out, HasSubstr("2 more damaged"));
  EXPECT_EQ(RunJson({"user", "list"}, 0)["nameless"], 2);
}

TEST_F(AccountTest, ListThatBreaksOffIsNoWholeValue) {
  api_.Answer("GET /v1/accounts?limit=100&after=", 200,
              R"({"accounts":[{"account":"ada"}],"next":"ada"})");
  api_.Answer("GET /v1/accounts?limit=100&after=ada", 503, R"({"code":"unavailable"})");
  const auto result = Run({"user", "list", "--json"});
  EXPECT_EQ(result.status, 5);
  EXPECT_EQ(result.out, "{\"accounts\":[\n{\"account\":\"ada\"}");
  EXPECT_THAT(result.err, HasSubstr("sparekey:"));
}

TEST_F(AccountTest, ListKeepsItsColumnsFromPageToPage) {
  api_.Answer("GET /v1/accounts?limit=100&after=", 200,
              R"({"accounts":[{"account":"a-long-name"}],"next":"a-long-name"})");
  api_.Answer("GET /v1/accounts?limit=100&after=a-long-name", 200,
              R"({"accounts":[{"account":"bob","uid":7}],"next":null})");
  EXPECT_THAT(Run({"user", "list"}).out, HasSubstr("\nbob          7  "));
}

TEST_F(AccountTest, ExportsEveryPageAsLinesOfJsonOrCsv) {
  api_.Answer("GET /v1/accounts?limit=100&after=", 200,
              R"({"accounts":[{"account":"ada","uid":1000,"codes_left":9,"last_login":null}],)"
              R"("next":"ada"})");
  api_.Answer("GET /v1/accounts?limit=100&after=ada", 200,
              R"({"accounts":[{"account":"a,\"b\"","damaged":true}],"next":null})");
  EXPECT_EQ(Run({"export", "jsonl"}).out,
            "{\"account\":\"ada\",\"uid\":1000,\"codes_left\":9,\"last_login\":null}\n"
            "{\"account\":\"a,\\\"b\\\"\",\"damaged\":true}\n");
  EXPECT_EQ(Run({"export", "csv"}).out,
            "account,uid,administrator,enrolment,must_enrol,lockout,otp_failures,otp_budget_left,"
            "recovery_failures,codes_left,ssh_gate,last_login,damaged\r\n"
            "ada,1000,,,,,,,,9,,,\r\n"
            "\"a,\"\"b\"\"\",,,,,,,,,,,,true\r\n");
  EXPECT_EQ(Run({"export", "xml"}).status, 2);
  EXPECT_EQ(Run({"export", "csv", "--json"}).status, 2);
}

TEST_F(AccountTest, RemoveTakesAnAnswerWithoutABody) {
  api_.Answer("DELETE /v1/accounts/ada", 204, "");
  EXPECT_EQ(RunJson({"user", "remove", "ada", "--yes"}, 0)["enrolment"], "none");
}

TEST_F(AccountTest, UnlockShowsTheAccount) {
  api_.Answer("POST /v1/accounts/ada/unlock", 200, kAda);
  EXPECT_EQ(RunJson({"user", "unlock", "ada"}, 0)["account"], "ada");
}

TEST_F(AccountTest, EscapesWhatTheServiceSays) {
  api_.Answer("GET /v1/accounts/ada", 403, R"({"code":"not_allowed","detail":"a\u001b[2Jb"})");
  const auto result = Run({"user", "show", "ada"});
  EXPECT_EQ(result.status, 6);
  EXPECT_THAT(result.err, HasSubstr("a\\x1b[2Jb"));
}

class CodesTest : public testing::VerbTest {
 protected:
  static constexpr char kSheet[] =
      R"({"account":"ada","backup_codes":["K7QM-9TXR-4HWD-P2VN"],"sheet":2,)"
      R"("issued":"2026-11-23T14:02:00Z","required":2,"host":"nas"})";
};

TEST_F(CodesTest, NewShowsTheSheetOnce) {
  api_.Answer("POST /v1/accounts/ada/backup-codes", 201, kSheet);
  const auto result = Run({"codes", "new", "ada"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("K7QM-9TXR-4HWD-P2VN"));
  EXPECT_EQ(RunJson({"codes", "new", "ada"}, 0), Parse(kSheet));
}

TEST_F(CodesTest, NewWritesAFile) {
  api_.Answer("POST /v1/accounts/ada/backup-codes", 201, kSheet);
  const auto result = Run({"codes", "new", "ada", "--out", folder_ / "codes.txt"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(ReadWholeFile(folder_ / "codes.txt"), HasSubstr("K7QM-9TXR-4HWD-P2VN"));
}

TEST_F(CodesTest, NewRefusesAnExistingFileBeforeTheOldSheetIsVoid) {
  std::ofstream(folder_ / "codes.txt") << "old";
  EXPECT_EQ(Run({"codes", "new", "ada", "--out", folder_ / "codes.txt"}).status, 2);
  EXPECT_THAT(api_.Requests(), IsEmpty());
}

TEST_F(CodesTest, StatusTellsHowManyAreLeft) {
  const char* status =
      R"({"codes_left":8,"count":10,"required":2,"sheet":2,"issued":"2026-11-23T14:02:00Z"})";
  api_.Answer("GET /v1/accounts/ada/backup-codes", 200, status);
  EXPECT_THAT(Run({"codes", "status", "ada"}).out, HasSubstr("8 of 10"));
  EXPECT_EQ(RunJson({"codes", "status", "ada"}, 0), Parse(status));
}

}  // namespace
}  // namespace sparekey
