// SPDX-License-Identifier: Apache-2.0
// console: where something is missing or not known, the menu says what is true, and does no harm.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "tests/cli/console_person.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using testing::kBack;
using testing::kMenu;
using ::testing::Not;
using testing::Person;

using ConsoleScarcity = testing::ConsoleMenuTest;

constexpr char kUnavailable[] =
    R"({"title":"x","status":503,"detail":"the disk is gone","code":"unavailable"})";

TEST_F(ConsoleScarcity, SwitchesNothingWhileItDoesNotKnowWhetherTwoFactorIsOn) {
  for (const auto& [status, body, why] :
       {std::tuple(503, kUnavailable, "is not known: the disk is gone"),
        std::tuple(200, R"({"lockout":"none"})", "is not known: the service does not tell it")}) {
    testing::FakeApi up(folder_ / "api.sock");
    up.Answer("GET /v1/status", status, body);
    up.Answer("GET /v1/accounts?locked=1&limit=20", 200, R"({"accounts":[],"next":null})");
    up.Answer("PUT /v1/console/two-factor", 200, R"({"enabled":false})");
    Person person = Sit();
    person.Answer(kMenu, "7\n");
    EXPECT_THAT(person.Answer(kBack, "y\n"), HasSubstr(why));
    EXPECT_EQ(person.Quit(), 0);
    EXPECT_THAT(person.shown(), HasSubstr("NOT KNOWN"));
    EXPECT_THAT(person.shown(), Not(HasSubstr("OFF")));
    for (const auto& request : up.Requests()) EXPECT_EQ(request.method, "GET");
  }
}

// This process holds the store.
TEST_F(ConsoleScarcity, SaysOfAServiceThatAnsweredThatItCannotAndNotThatItIsSilent) {
  testing::FakeApi failing(folder_ / "api.sock");
  failing.Answer("POST /v1/console/resets", 503, kUnavailable);
  const auto store = Open();
  const auto result = Run({"console", "reset", "--system"}, "no\n");
  EXPECT_EQ(result.status, 5);
  EXPECT_THAT(result.err, HasSubstr("The service cannot do it: the disk is gone"));
  EXPECT_THAT(result.err, HasSubstr("The service cannot do it, and the store is held by process"));
  EXPECT_THAT(result.err, Not(HasSubstr("does not answer")));
}

TEST_F(ConsoleScarcity, SaysOfASilentServiceThatItIsSilent) {
  testing::FakeApi silent(folder_ / "api.sock");
  silent.FallSilent();
  const auto store = Open();
  const auto result = Run({"console", "reset", "--system"}, "no\n");
  EXPECT_EQ(result.status, 5);
  EXPECT_THAT(result.err,
              HasSubstr("The service does not answer, and the store is held by process"));
}

// This process holds the store, and is as healthy as a service that knows of the damage.
TEST_F(ConsoleScarcity, EndsNoServiceForADamagedRecordOfAnAccount) {
  testing::FakeApi up(folder_ / "api.sock");
  up.Answer("GET /v1/status", 200, R"({"lockout":"none"})");
  const char* damaged =
      R"({"status":500,"detail":"the record of ada is damaged","code":"damaged"})";
  up.Answer("POST /v1/accounts/ada/enrolment", 500, damaged);
  up.Answer("POST /v1/accounts/ada/backup-codes", 500, damaged);
  const auto store = Open();
  for (const char* entry : {"5\n", "6\n"}) {
    Person person = Sit();
    person.Answer(kMenu, entry);
    person.Answer("Enter: back): ", "ada\n");
    person.Answer("Go on? (y/n) ", "y\n");
    const std::string said = testing::Unfolded(person.Answer(kBack, "\n"));
    EXPECT_THAT(said, HasSubstr("the record of ada is damaged"));
    EXPECT_THAT(said, HasSubstr("Entry 4 resets it"));
    EXPECT_EQ(person.Quit(), 0);
    EXPECT_THAT(person.shown(), Not(HasSubstr("End this process")));
  }
}

TEST_F(ConsoleScarcity, StartsNothingAnewWhereTheStoreIsANewerVersions) {
  MakeNewer();
  const std::string before = testing::ReadWholeFile(folder_ / kStoreFile);
  for (const char* entry : {"1", "2", "7", "8"}) {
    Person person = Sit();
    EXPECT_THAT(person.Answer(kMenu, std::string(entry) + "\n"), HasSubstr("NOT KNOWN"));
    if (*entry == '8') person.Answer("Type YES: ", "YES\n");
    const std::string said = testing::Unfolded(person.Answer(kBack, "\n"));
    EXPECT_THAT(said, HasSubstr("a newer sparekey"));
    EXPECT_THAT(said, HasSubstr("install that version again, or a later one"));
    EXPECT_EQ(person.Quit(), 0);
    EXPECT_THAT(person.shown(), Not(HasSubstr("--new-key")));
  }
  EXPECT_EQ(testing::ReadWholeFile(folder_ / kStoreFile), before);
}

// A small file system of its own, with a store and without room for one file more, where SQLite
// cannot make its log and so cannot open the store.
class FullDisk : public ::testing::Test {
 protected:
  testing::ProgramResult Run(const std::string& script) {
    const std::string state = folder_ / "state";
    return testing::RunProgram(
        {"/usr/bin/unshare", "-m", "/bin/bash", "-ec",
         "mkdir -m 700 " + state + "; mount -t tmpfs -o size=9m,nr_inodes=9,mode=700 none " +
             state + "; cd " + state + "\nexport LC_ALL=C\n" +
             "printf 'accounts = any\\n[console]\\nallow = root\\n' > ../sparekey.conf\n" +
             "sparekey() { " SPAREKEY_PROGRAM " --config ../sparekey.conf --state-dir " + state +
             " \"$@\"; }\nsparekey init\nn=0; while touch fill$n; do n=$((n+1)); done\n" + script});
  }
  testing::TestFolder folder_;
};

TEST_F(FullDisk, KeepsItsReserveWhileTheConsoleOnlyLooks) {
  const auto result =
      Run("sparekey console --json | grep -o '\"error\":\"[^\"]*'\nls -i reserve >../before\n"
          "printf '7\\nn\\n\\n\\nq\\n' | sparekey console\nls -i reserve | cmp - ../before");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\"error\":\"" + folder_.path()));
  EXPECT_THAT(result.out, HasSubstr("; its disk is full"));
  EXPECT_THAT(result.out, HasSubstr("DISK FULL; chang"));
  EXPECT_THAT(result.out, HasSubstr("without more room the store cannot be opened"));
  EXPECT_THAT(result.err, Not(HasSubstr("was given up")));
}

TEST_F(FullDisk, GivesUpItsReserveForAnEntryThatIsAgreedTo) {
  const auto result = Run("printf '7\\ny\\ny\\n\\nq\\n' | sparekey console; ls");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("The disk is full: the reserve file was given up."));
  EXPECT_THAT(result.out, HasSubstr("Two-factor is OFF."));
}

TEST_F(FullDisk, KeepsItsReserveWhereRoomMendsNothing) {
  const auto result =
      Run("ls -i reserve >../before; mv master.key ..; touch fill\nif sparekey console reset ada; "
          "then exit 9; fi\n"
          "printf '1\\n\\nq\\n' | sparekey console\nls -i reserve | cmp - ../before");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("master.key"));
  EXPECT_THAT(result.err, Not(HasSubstr("was given up")));
}

}  // namespace
}  // namespace sparekey
