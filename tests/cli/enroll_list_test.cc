// SPDX-License-Identifier: Apache-2.0
// user enroll --from, against a scripted API.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "tests/cli/verb_test.h"

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ReadWholeFile;
using testing::TerminalProgram;

constexpr char kEnrol[] = "POST /v1/enrolments";
constexpr char kSettings[] =
    R"({"settings":[{"name":"otp.issuer","value":"nas"},{"name":"otp.digits","value":"7"},)"
    R"({"name":"backup_codes.at_enrolment","value":"optional"},{"name":"of.tomorrow","value":"1"}]})";
constexpr char kSecret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
constexpr char kConflict[] =
    R"({"account":"ada","error":{"code":"conflict","detail":"\"ada\" is enrolled already"}})";

constexpr char kSheet[] =
    R"({"account":"ada","backup_codes":["K7QM-9TXR-4HWD-P2VN","M7QM-9TXR-4HWD-P2VN"],"sheet":1,)"
    R"("issued":"2026-11-23T14:02:00Z","required":2,"host":"nas"})";

std::string DoneWith(const std::string& account, const std::string& result = "enrolled",
                     const std::string& sheet = "null") {
  return R"({"account":")" + account + R"(","result":")" + result + R"(","sheet":)" + sheet + "}";
}
std::string Results(const std::vector<std::string>& results) {
  std::string all;
  for (const std::string& one : results) all += (all.empty() ? "" : ",") + one;
  return R"({"results":[)" + all + "]}";
}

class EnrolListTest : public testing::VerbTest {
 protected:
  EnrolListTest() { api_.Answer("GET /v1/settings", 200, kSettings); }

  std::string List(const std::string& text) const {
    std::ofstream(folder_ / "list.csv") << text;
    return folder_ / "list.csv";
  }
  std::vector<std::string> Words(const std::string& list, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"user", "enroll", "--from", list, "--out", out_, "--no-confirm"});
    return more;
  }
  // Bodies of the requests to enrol.
  std::vector<nlohmann::json> Asked() {
    std::vector<nlohmann::json> bodies;
    for (const auto& request : api_.Requests()) {
      if (request.method + " " + request.target == kEnrol) bodies.push_back(Parse(request.body));
    }
    return bodies;
  }
  bool Exists(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(out_ + '/' + name));
  }

  const std::string out_ = folder_ / "out";
};

TEST_F(EnrolListTest, WritesEachSecretThatItMakesAndSendsIt) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada"), DoneWith(".bob")}));
  const auto result = Run(Words(List("account,type,counter\nada,,\n.bob,hotp,5\n")));
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("2 accounts: 2 enrolled, 0 were so already, 0 failed"));
  ASSERT_EQ(Asked().size(), 1U);
  const auto accounts = Asked()[0]["accounts"];
  EXPECT_EQ(accounts[0]["account"], "ada");
  EXPECT_EQ(accounts[0]["digits"], 7);  // the settings'
  EXPECT_EQ(accounts[0]["label"], "authenticator");
  EXPECT_EQ(accounts[1]["counter"], 5);
  const std::string ada = ReadWholeFile(out_ + "/ada.otpauth");
  EXPECT_EQ(ada, "otpauth://totp/nas:ada?secret=" + accounts[0]["secret"].get<std::string>() +
                     "&issuer=nas&algorithm=SHA1&digits=7&period=30\n");
  EXPECT_THAT(ReadWholeFile(out_ + "/%2Ebob.otpauth"), HasSubstr("&counter=5\n"));
  EXPECT_NE(accounts[0]["secret"], accounts[1]["secret"]);
}

TEST_F(EnrolListTest, LetsTheLineGoBeforeTheOptionsAndTheseBeforeTheSettings) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada"), DoneWith("bob")}));
  Run(Words(List("account,label,digits\nada,tablet,8\nbob,,\n"),
            {"--label", "phone", "--digits", "6", "--algorithm", "sha256", "--interval", "60"}));
  const auto accounts = Asked()[0]["accounts"];
  EXPECT_EQ(accounts[0]["label"], "tablet");
  EXPECT_EQ(accounts[0]["digits"], 8);
  EXPECT_EQ(accounts[1]["label"], "phone");
  EXPECT_EQ(accounts[1]["digits"], 6);
  EXPECT_EQ(accounts[1]["algorithm"], "sha256");
  EXPECT_EQ(accounts[1]["interval"], 60);
  EXPECT_EQ(accounts[1]["secret"].get<std::string>().size(), 52U);  // base32 of 32 bytes
}

TEST_F(EnrolListTest, WritesNoFileForASecretThatTheListGives) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada")}));
  Run(Words(List("account,secret\nada," + std::string(kSecret) + "\n")));
  EXPECT_EQ(Asked()[0]["accounts"][0]["secret"], kSecret);
  EXPECT_FALSE(Exists("ada.otpauth"));
}

TEST_F(EnrolListTest, GoesOnWithTheSecretsOfAnEarlierRun) {
  api_.Answer(kEnrol, 503, R"({"code":"unavailable","detail":"the disk is full"})");
  api_.Answer(kEnrol, 200, Results({DoneWith("ada", "unchanged")}));
  const std::string list = List("account\nada\n");
  const auto first = Run(Words(list));
  EXPECT_EQ(first.status, 5);
  EXPECT_THAT(first.err, HasSubstr("the same command goes on"));
  const std::string uri = ReadWholeFile(out_ + "/ada.otpauth");
  const auto summary = RunJson(Words(list), 0);
  EXPECT_EQ(summary["unchanged"], 1);
  EXPECT_EQ(summary["enrolled"], 0);
  EXPECT_EQ(ReadWholeFile(out_ + "/ada.otpauth"), uri);
  EXPECT_EQ(Asked()[0], Asked()[1]);
}

TEST_F(EnrolListTest, KeepsToTheFileWhereTheSettingsHaveChanged) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada", "unchanged")}));
  const std::string list = List("account\nada\n");
  Run(Words(list, {"--digits", "8"}));
  EXPECT_EQ(Run(Words(list)).status, 0);
  EXPECT_EQ(Asked()[1]["accounts"][0]["digits"], 8);
  const auto summary = RunJson(Words(list, {"--digits", "6"}), 2);
  EXPECT_THAT(summary["failed"][0]["error"]["message"].get<std::string>(),
              HasSubstr("ada.otpauth was made with another type, digits"));
  EXPECT_TRUE(Exists("ada.otpauth"));
}

TEST_F(EnrolListTest, LeavesAnAccountAloneThatIsEnrolledOtherwise) {
  api_.Answer(kEnrol, 200, Results({kConflict, DoneWith("bob")}));
  api_.Answer("POST /v1/accounts/bob/backup-codes", 201, kSheet);
  const auto summary = RunJson(Words(List("account\nada\nbob\n"), {"--codes", "now"}), 2);
  EXPECT_EQ(summary["accounts"], 2);
  EXPECT_EQ(summary["failed"][0]["account"], "ada");
  EXPECT_EQ(summary["failed"][0]["line"], 2);
  EXPECT_EQ(summary["failed"][0]["error"]["code"], "conflict");
  EXPECT_FALSE(Exists("ada.otpauth"));
  EXPECT_FALSE(Exists("ada.txt"));
  EXPECT_TRUE(Exists("bob.otpauth"));
}

TEST_F(EnrolListTest, KeepsAFileOfAnEarlierRunThatDoesNotFitAnyMore) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada")}));
  api_.Answer(kEnrol, 200, Results({kConflict}));
  const std::string list = List("account\nada\n");
  Run(Words(list));
  EXPECT_THAT(Run(Words(list)).err, HasSubstr("ada.otpauth is not its authenticator"));
  EXPECT_TRUE(Exists("ada.otpauth"));
}

TEST_F(EnrolListTest, WritesEachSheetIntoAFileOfItsOwn) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada")}));
  api_.Answer("POST /v1/accounts/ada/backup-codes", 429, R"({"code":"busy","detail":"later"})");
  api_.Answer("POST /v1/accounts/ada/backup-codes", 201, kSheet);
  const auto summary = RunJson(Words(List("account\nada\n"), {"--codes", "now"}), 0);
  EXPECT_EQ(summary["sheets"], 1);
  EXPECT_THAT(ReadWholeFile(out_ + "/ada.txt"), HasSubstr("K7QM-9TXR-4HWD-P2VN"));
  struct stat info {};
  ASSERT_EQ(stat((out_ + "/ada.txt").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(EnrolListTest, WritesSheetsForPrograms) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada")}));
  api_.Answer("POST /v1/accounts/ada/backup-codes", 201, kSheet);
  RunJson(Words(List("account\nada\n"), {"--codes", "now", "--format", "json"}), 0);
  EXPECT_EQ(Parse(ReadWholeFile(out_ + "/ada.json"))["format"], "sparekey-backup-codes");
}

TEST_F(EnrolListTest, AsksAgainForASheetWhoseFileIsEmpty) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada", "unchanged", "3")}));
  api_.Answer("POST /v1/accounts/ada/backup-codes", 201, kSheet);
  std::filesystem::create_directory(out_);
  std::filesystem::permissions(out_, std::filesystem::perms::owner_all);
  std::ofstream(out_ + "/ada.txt") << "";
  EXPECT_EQ(RunJson(Words(List("account\nada\n"), {"--codes", "now"}), 0)["sheets"], 1);
  EXPECT_EQ(RunJson(Words(List("account\nada\n"), {"--codes", "now"}), 0)["sheets"], 0);
}

TEST_F(EnrolListTest, GoesOnWhereAnAccountIsRemovedBeforeItsSheet) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada"), DoneWith("bob")}));
  api_.Answer("POST /v1/accounts/ada/backup-codes", 404,
              R"({"code":"not_found","detail":"\"ada\" is not enrolled"})");
  api_.Answer("POST /v1/accounts/bob/backup-codes", 201, kSheet);
  const auto summary = RunJson(Words(List("account\nada\nbob\n"), {"--codes", "now"}), 7);
  EXPECT_EQ(summary["sheets"], 1);
  EXPECT_EQ(summary["failed"][0]["account"], "ada");
}

TEST_F(EnrolListTest, VoidsNoSheetThatAnAccountHasAlready) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada", "unchanged", "3")}));
  EXPECT_EQ(RunJson(Words(List("account\nada\n"), {"--codes", "now"}), 0)["sheets"], 0);
  EXPECT_FALSE(Exists("ada.txt"));
}

TEST_F(EnrolListTest, MakesSheetsByTheSettingsWhereNobodySaysOtherwise) {
  api_.Answer("GET /v1/settings", 200,
              R"({"settings":[{"name":"backup_codes.at_enrolment","value":"required"}]})");
  api_.Answer(kEnrol, 200, Results({DoneWith("ada")}));
  api_.Answer("POST /v1/accounts/ada/backup-codes", 201, kSheet);
  const std::string list = List("account\nada\n");
  EXPECT_EQ(RunJson(Words(list), 0)["sheets"], 0);  // optional
  EXPECT_EQ(RunJson(Words(list), 0)["sheets"], 1);  // required
  std::filesystem::remove(out_ + "/ada.txt");
  EXPECT_EQ(RunJson(Words(list, {"--codes", "later"}), 0)["sheets"], 0);
}

TEST_F(EnrolListTest, ChecksTheWholeListBeforeItDoesAnything) {
  const auto result = Run(Words(List("account,interval\nada,30\nbob,901\neve,1\nada,\n")));
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("line 3, interval: 901 s are too long"));
  EXPECT_THAT(result.err, HasSubstr("line 4, interval: '1' is not 5 to 3600"));
  EXPECT_THAT(result.err, HasSubstr("line 5, account: stands in line 2 already"));
  EXPECT_THAT(result.err, HasSubstr("the list has 3 mistakes; nothing was enrolled"));
  EXPECT_TRUE(Asked().empty());
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(EnrolListTest, OnlySaysWhatItWouldDo) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada")}));
  Run(Words(List("account\nada\n")));
  const std::string list = List("account,secret\nada,\nbob,\neve," + std::string(kSecret) + "\n");
  const auto forecast =
      RunJson({"user", "enroll", "--from", list, "--out", out_, "--codes", "now", "--dry-run"}, 0);
  EXPECT_EQ(forecast, Parse(R"({"accounts":3,"secrets_given":1,"secrets_kept":1,)"
                            R"("secrets_made":1,"sheets":3})"));
  EXPECT_EQ(Asked().size(), 1U);
  EXPECT_FALSE(Exists("bob.otpauth"));
}

TEST_F(EnrolListTest, ReadsStandardInput) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada")}));
  EXPECT_EQ(Run(Words("-"), "{\"account\":\"ada\"}\n").status, 0);
  EXPECT_EQ(Run(Words("-"), "account\nada\n").status, 0);
  EXPECT_EQ(Asked().size(), 2U);
}

TEST_F(EnrolListTest, NamesTheOptionThatIsMissingOrDoesNotFit) {
  const std::string list = List("account\nada\n");
  const std::pair<std::vector<std::string>, const char*> table[] = {
      {{"--from", list, "--out", out_}, "--no-confirm is missing: nobody is there"},
      {{"--from", list, "--no-confirm"}, "--out is missing"},
      {{"ada", "--from", list, "--out", out_, "--no-confirm"}, "NAME: --from takes the names"},
      {{"--from", list, "--out", out_, "--no-confirm", "--qr", "a.svg"}, "--qr is for one account"},
      {{"--from", list, "--out", out_, "--no-confirm", "--codes", "no"}, "--codes: 'no'"},
      {{"--from", list, "--out", out_, "--no-confirm", "--format", "pdf"}, "--format: 'pdf'"},
      {{"--from", list, "--out", out_, "--no-confirm", "--digits", "9"}, "--digits: '9'"},
      {{"ada", "--out", out_}, "--out goes with --from"},
      {{"ada", "--dry-run"}, "--dry-run goes with --from"},
      {{}, "NAME is missing"},
  };
  for (auto [words, expected] : table) {
    words.insert(words.begin(), {"user", "enroll"});
    const auto result = Run(words);
    EXPECT_EQ(result.status, 2) << expected;
    EXPECT_THAT(result.err, HasSubstr(expected));
  }
  EXPECT_TRUE(Asked().empty());
}

TEST_F(EnrolListTest, WritesNoSecretWhereOthersCanRead) {
  std::filesystem::create_directory(out_);
  std::filesystem::permissions(out_, std::filesystem::perms(0755));
  const auto result = Run(Words(List("account\nada\n")));
  EXPECT_EQ(result.status, 6);
  EXPECT_THAT(result.err, HasSubstr("close it with: chmod 700"));
}

TEST_F(EnrolListTest, StopsWhereTheWholeBatchFindsNoDirectory) {
  api_.Answer(
      kEnrol, 200,
      Results({R"({"account":"ada","error":{"code":"unavailable","detail":"no answer"}})"}));
  const auto result = Run(Words(List("account\nada\n")));
  EXPECT_EQ(result.status, 5);
  EXPECT_THAT(result.err, HasSubstr("the user directory does not answer"));
}

constexpr char kNoDirectory[] =
    R"({"account":"ada","error":{"code":"unavailable","detail":"no answer"}})";

TEST_F(EnrolListTest, KeepsTheSecretOfAnAccountThatTheServiceCouldNotLookAt) {
  api_.Answer(kEnrol, 200, Results({kNoDirectory, kConflict, DoneWith("eve")}));
  EXPECT_EQ(Run(Words(List("account\nada\nbob\neve\n"))).status, 5);
  EXPECT_TRUE(Exists("ada.otpauth"));
  EXPECT_FALSE(Exists("bob.otpauth"));
}

// It may have enrolled them, and then the secrets are nowhere else.
TEST_F(EnrolListTest, KeepsEverySecretWhereATryWasNotAnswered) {
  api_.HangUp(kEnrol);
  api_.Answer(kEnrol, 200, Results({kNoDirectory, kConflict, DoneWith("eve")}));
  EXPECT_EQ(Run(Words(List("account\nada\nbob\neve\n"))).status, 5);
  const auto asked = Asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0], asked[1]);
  ASSERT_EQ(asked[0]["accounts"].size(), 3U);
  for (const auto& account : asked[0]["accounts"]) {
    const std::string path = out_ + '/' + account["account"].get<std::string>() + ".otpauth";
    EXPECT_THAT(ReadWholeFile(path), HasSubstr(account["secret"].get<std::string>()));
  }
}

TEST_F(EnrolListTest, TakesTheBarAwayBeforeItSaysWhatWasDone) {
  api_.Answer(kEnrol, 200, Results({DoneWith("ada")}));
  TerminalProgram program(Command(Words(List("account\nada\n"))));
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.shown(), HasSubstr("1 of 1 accounts"));
  EXPECT_THAT(program.shown(), HasSubstr("\r\x1b[K1 accounts: 1 enrolled"));
}

TEST_F(EnrolListTest, EndsAtCtrlCAndSaysHowToGoOn) {
  api_.Answer(kEnrol, 429, R"({"code":"busy","detail":"later"})");
  TerminalProgram program(Command(Words(List("account\nada\n"))));
  while (Asked().empty()) {
    std::this_thread::yield();
  }
  kill(program.pid(), SIGINT);
  EXPECT_EQ(program.Wait(), 9);
  EXPECT_THAT(program.shown(), HasSubstr("the same command goes on with the rest"));
  EXPECT_TRUE(Exists("ada.otpauth"));
}

}  // namespace
}  // namespace sparekey
