// SPDX-License-Identifier: Apache-2.0
// console: the menu's entries, its state, and where it is carried out.
#include <gmock/gmock.h>

#include <algorithm>

#include "core/base32.h"
#include "core/clock.h"
#include "core/otp.h"
#include "tests/cli/console_person.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using testing::kBack;
using testing::kCode;
using testing::kMenu;
using ::testing::Not;
using testing::Person;

using ConsoleMenu = testing::ConsoleMenuTest;

// ---- the entries

TEST_F(ConsoleMenu, ShowsTheStateOnOneScreen) {
  SuperLock("ada");
  Change({"bob", "cleo", "dan", "eve", "fay", "gil"}, [](Records& records, auto&) {
    for (auto& loaded : records.accounts) loaded.account->locked = ReadClock();
    records.accounts[1].account->super_locked = ReadClock();
  });
  Person person = Sit();
  const std::string screen = person.Await(kMenu);
  EXPECT_THAT(screen, HasSubstr("SUPER-LOCKED since "));
  EXPECT_THAT(screen, HasSubstr("caused by: ada"));
  EXPECT_THAT(screen, HasSubstr("CLOSED since "));
  EXPECT_THAT(screen, HasSubstr("locked: bob, dan, eve, fay and 2 more"));
  EXPECT_THAT(screen, HasSubstr("super-locked: cleo"));
  EXPECT_THAT(screen, HasSubstr("DOWN: entries work on the store."));
  EXPECT_THAT(screen, HasSubstr(" MiB free"));
  EXPECT_THAT(screen, HasSubstr("2 (entry 9): Logins are disabled"));
}

TEST_F(ConsoleMenu, EndsTheSuperLockoutAndOffersTheNextStepsInOrder) {
  SuperLock("ada");
  Person person = Sit();
  person.Answer(kMenu, "1\n");
  EXPECT_THAT(person.Answer("Go on? (y/n) ", "y\n"), HasSubstr("This resets: ada"));
  person.Answer("Enrol ada now, with QR code and backup codes? (y/n) ", "n\n");
  person.Answer("Open SSH for everybody? (y/n) ", "y\n");
  EXPECT_THAT(person.Answer(kBack, "\n"), HasSubstr("The SSH gate is open."));
  EXPECT_THAT(person.Await("Service"), HasSubstr("none of the system"));
  EXPECT_EQ(person.Quit(), 0);
  EXPECT_FALSE(IsSuperLocked());
  EXPECT_FALSE(IsGateClosed());
}

TEST_F(ConsoleMenu, EnrolsWithAProofAndHandsTheBackupCodesOver) {
  Person person = Sit();
  person.Answer(kMenu, "5\n");
  person.Answer("Account to enrol (Enter: back): ", "ada\n");
  person.Answer("Go on? (y/n) ", "y\n");
  EXPECT_THAT(person.Answer(kCode, "t\n"), HasSubstr("█"));
  std::string text = person.Answer(kCode, "000\n");
  person.Await("That did not work");
  text = text.substr(text.find("Secret ") + 8);
  std::string digits = text.substr(0, text.find('\r'));
  std::erase(digits, ' ');
  const auto secret = DecodeBase32(digits);
  ASSERT_TRUE(secret) << digits;
  const auto code =
      ComputeOtp(HashAlgorithm::kSha1, *secret,
                 static_cast<std::uint64_t>(*TotpStep(ReadClock(), std::chrono::seconds(30))), 6);
  person.Answer(kCode, std::string(code.ExposeText()) + "\n");
  EXPECT_THAT(person.Answer("throw them away: ", "s\n"), HasSubstr("ada is enrolled."));
  const std::string sheet = person.Answer("out of sight: ", "\n");
  EXPECT_THAT(sheet, HasSubstr("Backup codes of ada on "));
  EXPECT_THAT(sheet, HasSubstr(" 10. "));
  person.Answer(kBack, "\n");
  EXPECT_EQ(person.Quit(), 0);
  EXPECT_EQ(EnrolmentOf("ada"), Enrolment::kActive);
}

TEST_F(ConsoleMenu, ShowsTheSecretAsTextWhereTheLocaleIsNotUtf8) {
  setenv("LC_ALL", "C", 1);
  Person person = Sit();
  person.Answer(kMenu, "5\n");
  person.Answer("Account to enrol (Enter: back): ", "ada\n");
  person.Answer("Go on? (y/n) ", "y\n");
  const std::string screen = person.Answer(kCode, "\n");
  EXPECT_THAT(screen, HasSubstr("otpauth://totp/"));
  EXPECT_TRUE(std::ranges::all_of(screen, [](char c) { return c > 0; }));
  person.Answer("throw them away: ", "n\n");
  EXPECT_THAT(person.Answer(kBack, "\n"), HasSubstr("There is no copy"));
  EXPECT_EQ(person.Quit(), 0);
  EXPECT_EQ(EnrolmentOf("ada"), Enrolment::kPending);
}

TEST_F(ConsoleMenu, WritesASheetIntoANewFileOfRootsAlone) {
  ASSERT_EQ(Run({"console", "--json"}).status, 0);
  GiveAdaAPhone();
  Person person = Sit();
  person.Answer(kMenu, "6\n");
  person.Answer("Enter: back): ", "ada\n");
  EXPECT_THAT(person.Answer("Go on? (y/n) ", "y\n"), HasSubstr("voids all older ones"));
  person.Answer("throw them away: ", "f\n");
  person.Answer("File: ", folder_ / "codes.doc\n");
  EXPECT_THAT(person.Answer("throw them away: ", "f\n"), HasSubstr("must end in"));
  person.Answer("File: ", folder_ / "codes.txt\n");
  person.Answer(kBack, "\n");
  EXPECT_EQ(person.Quit(), 0);
  EXPECT_THAT(testing::ReadWholeFile(folder_ / "codes.txt"), HasSubstr("Account:  ada"));
}

TEST_F(ConsoleMenu, MovesBackupCodesOutOfSightOnATallScreen) {
  GiveAdaAPhone();
  Person person = Sit();
  person.Resize(67);
  person.Answer(kMenu, "6\n");
  person.Answer("Enter: back): ", "ada\n");
  person.Answer("Go on? (y/n) ", "y\n");
  person.Answer("throw them away: ", "s\n");
  person.Answer("out of sight: ", "\n");
  EXPECT_GE(std::ranges::count(person.Answer(kBack, "\n"), '\n'), 67);
  EXPECT_EQ(person.Quit(), 0);
}

TEST_F(ConsoleMenu, SwitchesTwoFactorOffAndBackUnderASuperLockout) {
  SuperLock("ada");
  for (const bool off : {true, false}) {
    Person person = Sit();
    person.Answer(kMenu, "7\n");
    person.Answer(off ? "Switch two-factor off? (y/n) " : "Set it back on? (y/n) ", "y\n");
    person.Answer(kBack, "\n");
    EXPECT_THAT(person.Await("Accounts"), HasSubstr(off ? "Two-factor  OFF" : "Two-factor  on"));
    EXPECT_EQ(person.Quit(), 0);
    EXPECT_EQ(IsTwoFactorOn(), !off);
  }
  EXPECT_TRUE(IsSuperLocked());
}

TEST_F(ConsoleMenu, LeavesTheGateShutUnderASuperLockout) {
  SuperLock("ada");
  Person person = Sit();
  person.Answer(kMenu, "2\n");
  EXPECT_THAT(person.Answer(kBack, "\n"), HasSubstr("End it with"));
  EXPECT_EQ(person.Quit(), 0);
  EXPECT_TRUE(IsGateClosed());
}

TEST_F(ConsoleMenu, ListsLockedAccountsByPagesAndResetsOne) {
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) names.push_back("user" + std::to_string(100 + i));
  Change(names, [](Records& records, auto&) {
    for (auto& loaded : records.accounts) loaded.account->locked = ReadClock();
  });
  Person person = Sit();
  person.Answer(kMenu, "3\n");
  EXPECT_THAT(person.Answer("q to go back: ", "\n"), HasSubstr("user121"));
  EXPECT_THAT(person.Answer("q to go back: ", "q\n"), HasSubstr("user143"));
  person.Answer("Account to reset (Enter: back): ", "user130\n");
  person.Answer("Go on? (y/n) ", "y\n");
  person.Answer("Enrol user130 now, with QR code and backup codes? (y/n) ", "n\n");
  person.Answer(kBack, "\n");
  EXPECT_EQ(person.Quit(), 0);
  EXPECT_THAT(person.shown(), Not(HasSubstr("user159")));
  Look({"user130", "user131"}, [](const Records& records) {
    EXPECT_FALSE(records.accounts[0].account->locked);
    EXPECT_TRUE(records.accounts[0].account->must_enrol);
    EXPECT_TRUE(records.accounts[1].account->locked);
  });
}

TEST_F(ConsoleMenu, StartsAnewWhereTheKeyIsLost) {
  SuperLock("ada");
  unlink((folder_ / "master.key").c_str());
  Person person = Sit();
  EXPECT_THAT(person.Answer(kMenu, "8\n"), HasSubstr("NOT KNOWN"));
  person.Answer("Make everybody enrol again? Type YES: ", "YES\n");
  EXPECT_THAT(person.Answer(kBack, "\n"), HasSubstr("There is a new master key"));
  EXPECT_EQ(person.Quit(), 0);
  EXPECT_FALSE(IsSuperLocked());
  EXPECT_TRUE(IsGateClosed());
}

// ---- where it is carried out

TEST_F(ConsoleMenu, WaitsForABusyGateWithAWord) {
  testing::FakeApi busy(folder_ / "api.sock");
  busy.Answer("GET /v1/status", 200, R"({"lockout":"none","ssh_gate":"closed","enabled":true})");
  busy.Answer("GET /v1/accounts?locked=1&limit=20", 200, R"({"accounts":[],"next":null})");
  busy.Answer("GET /v1/ssh-gate", 200,
              R"({"ssh_gate":"closed","since":"2026-11-23T14:02:00Z","reason":"x"})");
  for (int i = 0; i < 3; ++i) {
    busy.Answer("PUT /v1/ssh-gate", 429,
                R"({"code":"busy","status":429,"detail":"SSH sessions are being ended"})");
  }
  busy.Answer("PUT /v1/ssh-gate", 200, R"({"ssh_gate":"open","accounts":[]})");
  Person person = Sit();
  person.Answer(kMenu, "2\n");
  person.Answer("Open SSH for everybody? (y/n) ", "y\n");
  const std::string text = person.Answer(kBack, "\n");
  EXPECT_THAT(text, HasSubstr("Busy (SSH sessions are being ended): waiting"));
  EXPECT_THAT(text, HasSubstr("The SSH gate is open."));
  EXPECT_EQ(person.Quit(), 0);
}

TEST_F(ConsoleMenu, TellsAHangingServiceAndWhoHoldsTheStore) {
  testing::FakeApi silent(folder_ / "api.sock");
  silent.FallSilent();
  const auto store = Open();  // this process holds it
  const auto json = RunJson({"console"}, 0);
  EXPECT_EQ(json["service"], "hanging");
  EXPECT_THAT(json["holder"].get<std::string>(), HasSubstr("process " + std::to_string(getpid())));
  EXPECT_EQ(json["status"], nullptr);
}

TEST_F(ConsoleMenu, TellsTheStateToPrograms) {
  SuperLock("ada");
  const auto json = RunJson({"console"}, 0);
  EXPECT_EQ(json["service"], "down");
  EXPECT_EQ(json["status"]["lockout_causes"][0], "ada");
  EXPECT_EQ(json["error"], nullptr);
  EXPECT_TRUE(json["store"]["reserve"]);
}

// Its files are its own: store, key, users and host name.
TEST(ConsoleMenuOfAMountedSystem, WorksOnItsStoreWithItsUsers) {
  const testing::TestFolder root;
  const auto script = testing::RunProgram(
      {"/bin/bash", "-ec",
       "cd " + root.path() +
           "; mkdir -p etc/sparekey var/lib\n"
           "printf '[console]\nallow = root\n' > etc/sparekey/sparekey.conf\n"
           "echo broken-nas > etc/hostname; echo sudo:x:27:ada > etc/group\n"
           "echo ada:x:1000:1000::/:/bin/sh > etc/passwd\n" SPAREKEY_PROGRAM " --state-dir " +
           root.path() +
           "/var/lib/sparekey init\n"
           "mv var/lib/sparekey/master.key etc/sparekey/\n"});
  ASSERT_EQ(script.status, 0) << script.err;
  const auto result =
      testing::RunProgram({"/usr/bin/env", "LC_ALL=C", "ASAN_OPTIONS=detect_leaks=0",
                           SPAREKEY_PROGRAM, "console", "--root", root.path()},
                          "7\ny\n\n5\nada\ny\n\nn\n\n5\nbob\ny\n\nq\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("another system's disk"));
  EXPECT_THAT(result.out, HasSubstr("Two-factor is OFF."));
  EXPECT_THAT(result.out, HasSubstr("otpauth://totp/broken-nas:ada?"));
  EXPECT_THAT(result.out, HasSubstr("there is no account \"bob\""));
  auto key = MasterKey::Load(root / "etc/sparekey/master.key");
  ASSERT_TRUE(key.ok());
  const auto store = OpenSqliteStore(root / "var/lib/sparekey", std::move(*key));
  ASSERT_TRUE(store.ok()) << store.error().message;
  const auto page = (*store)->ListAccounts("", 10);
  ASSERT_EQ(page->accounts.size(), 1);
  EXPECT_EQ(page->accounts[0].account->uid, 1000);
  EXPECT_TRUE(page->accounts[0].account->administrator);
}

}  // namespace
}  // namespace sparekey
