// SPDX-License-Identifier: Apache-2.0
// user enroll runs the way-out check for the first administrator; doctor as a program.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "tests/cli/verb_test.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FirstAdministrator : public testing::VerbTest {
 protected:
  FirstAdministrator() {
    // Terminals that no machine has.
    std::ofstream(folder_ / "sparekey.conf") << "accounts = any\n[console]\nttys = none\n";
    api_.Answer(
        "POST /v1/accounts/ada/enrolment", 201,
        R"({"account":"ada","label":"phone","type":"totp","uri":"otpauth://totp/a?secret=A",)"
        R"("secret":"A","backup_codes":[],"sheet":1,"enrolment":"active"})");
  }
  void KnowAda(bool administrator) {
    api_.Answer(
        "GET /v1/accounts/ada", 200,
        std::string(R"({"account":"ada","administrator":)") + (administrator ? "true}" : "false}"));
  }
  void Know(bool administrator, const std::string& accounts) {
    KnowAda(administrator);
    api_.Answer("GET /v1/accounts?limit=1000", 200,
                R"({"accounts":[)" + accounts + R"(],"next":null})");
  }
  const std::vector<std::string> enrol_ = {"user", "enroll", "ada", "--no-confirm"};
  const std::string ada_ = R"({"account":"ada","administrator":true,"enrolment":"active"})";
  const std::string eve_ = R"({"account":"eve","administrator":true,"enrolment":"active"})";
};

TEST_F(FirstAdministrator, HearsThatThereIsNoWayInButSsh) {
  Know(true, ada_);
  const auto result = Run(enrol_);
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("SSH is the only door"));
  EXPECT_THAT(result.err, HasSubstr("ada is enrolled"));
  EXPECT_THAT(result.out, Not(HasSubstr("only door")));
  EXPECT_EQ(RunJson(enrol_, 0)["account"], "ada");
}

TEST_F(FirstAdministrator, HearsItWithoutRootToo) {
  KnowAda(true);
  const std::string refused = R"({"code":"not_allowed","detail":"this needs root"})";
  for (const char* list : {"GET /v1/accounts?limit=1000", "GET /v1/settings"}) {
    api_.Answer(list, 403, refused);
  }
  const auto result = Run(enrol_);
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("SSH is the only door"));
  EXPECT_THAT(result.err, Not(HasSubstr("this needs root")));
  EXPECT_THAT(result.err, HasSubstr("ada is enrolled"));
}

TEST_F(FirstAdministrator, IsNotTheOneWhoFollows) {
  Know(true, ada_ + ',' + eve_);
  EXPECT_THAT(Run(enrol_).err, Not(HasSubstr("only door")));
}

TEST_F(FirstAdministrator, IsNotWhoeverIsEnrolledFirst) {
  Know(false, "");
  EXPECT_THAT(Run(enrol_).err, Not(HasSubstr("only door")));
}

TEST_F(FirstAdministrator, IsNotKeptFromEnrolmentByAServiceThatKnowsNothing) {
  EXPECT_EQ(Run(enrol_).status, 0);
}

class DoctorProgram : public testing::VerbTest {
 protected:
  DoctorProgram() {
    api_.Answer("GET /v1/health", 200, R"({"status":"ok","version":"0.1.0"})");
    api_.Answer("GET /v1/status", 200, R"({"lockout":"none","ssh_gate":"open"})");
    api_.Answer("GET /v1/settings", 200,
                R"({"settings":[{"name":"backup_codes.low","value":"5"}]})");
    api_.Answer(
        "GET /v1/accounts?limit=100&after=", 200,
        R"({"accounts":[{"account":"ada","enrolment":"active","codes_left":10}],"next":"ada"})");
    api_.Answer(
        "GET /v1/accounts?limit=100&after=ada", 200,
        R"({"accounts":[{"account":"bob","enrolment":"active","codes_left":5}],"next":null})");
    api_.Answer("GET /v1/store-check?from=", 200,
                R"({"rows":3,"damage":[],"structure":true,"next":"accounts:"})");
  }
  // The finding of this id; null where there is none.
  nlohmann::json Finding(const std::string& id, int status) {
    const auto told = RunJson({"doctor"}, status);
    for (const auto& finding : told["findings"]) {
      if (finding["id"] == id) return finding;
    }
    return nullptr;
  }
};

TEST_F(DoctorProgram, AsksForEveryPageAndEveryPiece) {
  api_.Answer("GET /v1/store-check?from=accounts%3A", 200,
              R"({"rows":2,"damage":["the record of bob in the store is damaged"],)"
              R"("structure":false,"next":null})");
  // Whatever this machine's own shortcomings are, one problem is certain.
  const auto damage = Finding("store.damaged", 1);
  EXPECT_THAT(damage["found"].get<std::string>(), HasSubstr("the record of bob"));
  EXPECT_THAT(Finding("accounts.low_sheets", 1)["found"].get<std::string>(), HasSubstr("bob (5)"));
}

TEST_F(DoctorProgram, TellsACheckThatBrokeOff) {
  EXPECT_THAT(Finding("store.not_checked", 1)["found"].get<std::string>(),
              HasSubstr("not in the script"));
}

TEST_F(DoctorProgram, IsForThoseWhoMayAsk) {
  const testing::TestFolder folder;
  testing::FakeApi api(folder / "api.sock");
  api.Answer("GET /v1/health", 200, R"({"status":"ok","version":"0.1.0"})");
  api.Answer("GET /v1/status", 403, R"({"code":"not_allowed","detail":"this needs root"})");
  const auto result =
      testing::RunProgram({SPAREKEY_PROGRAM, "--state-dir", folder.path(), "doctor"});
  EXPECT_EQ(result.status, 6);
  EXPECT_THAT(result.err, HasSubstr("this needs root"));
}

TEST(DoctorWithoutTheService, ChangesNothingAndTellsAMissingReserve) {
  namespace fs = std::filesystem;
  const testing::TestFolder folder;
  const auto run = [&](const char* verb) {
    return testing::RunProgram({SPAREKEY_PROGRAM, "--state-dir", folder / "state", "--json", verb});
  };
  ASSERT_EQ(run("init").status, 0);
  fs::remove(folder / "state/reserve");
  fs::remove(folder / "state/owner.lock");
  const auto look = [&] {
    std::map<std::string, fs::file_time_type> files;
    files["."] = fs::last_write_time(folder / "state");
    for (const auto& file : fs::directory_iterator(folder / "state")) {
      files[file.path().filename()] = file.last_write_time();
    }
    return files;
  };
  const auto before = look();
  const auto told = nlohmann::json::parse(run("doctor").out);
  EXPECT_EQ(look(), before);
  std::map<std::string, int> ids;
  for (const auto& finding : told["findings"]) ++ids[finding["id"]];
  for (const char* id : {"service.down", "store.sound", "files.reserve", "accounts.ready"}) {
    EXPECT_EQ(ids[id], 1) << told.dump(1);
  }
}

TEST_F(DoctorProgram, FitsEightyColumnsAndCountsAtTheEnd) {
  const auto result = Run({"doctor"});
  EXPECT_EQ(result.status, 1);
  std::istringstream lines(result.out);
  std::string last;
  for (std::string line; std::getline(lines, line); last = line)
    EXPECT_LT(line.size(), 80u) << line;
  EXPECT_THAT(last, HasSubstr(" problem"));
}

}  // namespace
}  // namespace sparekey
