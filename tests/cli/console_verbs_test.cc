// SPDX-License-Identifier: Apache-2.0
// console and console reset, with console.allow = root.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "tests/cli/store_verb_test.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TerminalProgram;

constexpr char kResets[] = "POST /v1/console/resets";

class ConsoleResetTest : public testing::VerbTest {};

TEST_F(ConsoleResetTest, PlansThenCommits) {
  api_.Answer(kResets, 200, R"({"accounts":["ada","bob"],"super_lockout_ended":true})");
  const auto result = Run({"console", "reset", "--system"});
  EXPECT_EQ(result.status, 0) << result.err;
  ASSERT_EQ(api_.Requests().size(), 2U);
  EXPECT_EQ(Parse(api_.Requests()[0].body), Parse(R"({"system":true,"preview":true})"));
  EXPECT_EQ(Parse(api_.Requests()[1].body), Parse(R"({"system":true})"));
  EXPECT_THAT(result.err, HasSubstr("ends the system's super-lockout"));
  EXPECT_THAT(result.err, HasSubstr("ada, bob"));
  EXPECT_THAT(result.out, HasSubstr("sparekey user enroll bob"));
}

TEST_F(ConsoleResetTest, NamesTheAccount) {
  api_.Answer(kResets, 200, R"({"accounts":["ada"],"super_lockout_ended":false})");
  const auto json = RunJson({"console", "reset", "ada"}, 0);
  EXPECT_EQ(json, Parse(R"({"accounts":["ada"],"super_lockout_ended":false})"));
  EXPECT_EQ(Parse(api_.Requests()[1].body), Parse(R"({"account":"ada"})"));
}

TEST_F(ConsoleResetTest, PassesOnWhatTheServiceRefuses) {
  api_.Answer(kResets, 409, R"({"code":"conflict","detail":"no super-lockout of the system"})");
  EXPECT_EQ(Run({"console", "reset", "--system"}).status, 2);
  api_.Answer(kResets, 404, R"({"code":"not_found","detail":"no such account"})");
  Run({"console", "reset", "bob"});
  EXPECT_EQ(Run({"console", "reset", "bob"}).status, 7);
}

TEST_F(ConsoleResetTest, NeedsExactlyOneOfNameAndSystem) {
  EXPECT_THAT(Run({"console", "reset"}).err, HasSubstr("NAME or --system"));
  EXPECT_EQ(Run({"console", "reset"}).status, 2);
  EXPECT_EQ(Run({"console", "reset", "ada", "--system"}).status, 2);
  EXPECT_EQ(Run({"console", "reset", "a/b"}).status, 2);
  EXPECT_EQ(Run({"console", "reset", "ada", "--new-key"}).status, 2);
  EXPECT_EQ(Run({"console", "reset", "--system", "--new-key"}).status, 2);
  EXPECT_THAT(api_.Requests(), IsEmpty());
}

TEST_F(ConsoleResetTest, IsRefusedAwayFromTheConsoleBeforeAnybodyIsAsked) {
  std::ofstream(folder_ / "sparekey.conf") << "accounts = any\n";
  for (const auto& words : {std::vector<std::string>{"console", "reset", "ada"},
                            std::vector<std::string>{"console", "reset", "--system"},
                            std::vector<std::string>{"console"}}) {
    const auto result = Run(words);
    EXPECT_EQ(result.status, 6);
    EXPECT_THAT(result.err, HasSubstr("local console only"));
  }
  EXPECT_THAT(api_.Requests(), IsEmpty());
}

class ResetWithoutServiceTest : public testing::StoreVerbTest {};

TEST_F(ResetWithoutServiceTest, WorksOnTheStoreItself) {
  SuperLock("ada");
  const auto result = Run({"console", "reset", "--system"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("Reset: ada"));
  EXPECT_FALSE(IsSuperLocked());
}

TEST_F(ResetWithoutServiceTest, MakesANewKeyOnlyWhereThatIsConfirmed) {
  SuperLock("ada");
  const std::string before = testing::ReadWholeFile(folder_ / "master.key");
  EXPECT_NE(Run({"console", "reset", "--new-key"}, "no\n").status, 0);
  EXPECT_EQ(testing::ReadWholeFile(folder_ / "master.key"), before);
  EXPECT_TRUE(IsSuperLocked());
}

TEST_F(ResetWithoutServiceTest, SendsToTheVersionThatWroteANewerStoreAndDestroysNothing) {
  SuperLock("ada");
  MakeNewer();
  const std::string store = testing::ReadWholeFile(folder_ / kStoreFile);
  const std::string key = testing::ReadWholeFile(folder_ / "master.key");
  for (const char* what : {"ada", "--system", "--new-key"}) {
    const auto result = Run({"console", "reset", what}, "YES\n");
    EXPECT_EQ(result.status, 5) << what;
    const std::string said = testing::Unfolded(result.err);
    EXPECT_THAT(said, HasSubstr("a newer sparekey")) << what;
    EXPECT_THAT(said, HasSubstr("install that version again, or a later one")) << what;
    EXPECT_THAT(said, ::testing::Not(HasSubstr("console reset --new-key"))) << what;
    EXPECT_EQ(testing::ReadWholeFile(folder_ / kStoreFile), store) << what;
    EXPECT_EQ(testing::ReadWholeFile(folder_ / "master.key"), key) << what;
  }
}

TEST_F(ResetWithoutServiceTest, SaysWhatANewKeyMeansForThoseWhoNeverEnrolled) {
  SuperLock("ada");
  const auto result = Run({"console", "reset", "--new-key"}, "YES\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("named 1 accounts"));
  EXPECT_THAT(result.out, HasSubstr("required_for=everyone"));
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("may be more")));
}

TEST_F(ResetWithoutServiceTest, SaysWhatMayBeWrongWhereTheStateFolderIsMissing) {
  const auto result =
      testing::RunProgram({SPAREKEY_PROGRAM, "--config", folder_ / "sparekey.conf", "--state-dir",
                           folder_ / "none", "console", "reset", "--new-key"},
                          "YES\n");
  EXPECT_EQ(result.status, 5);
  const std::string said = testing::Unfolded(result.err);
  EXPECT_THAT(said, HasSubstr("none: cannot open: No such file or directory; is its disk mounted? "
                              "else: systemd-tmpfiles --create sparekey.conf"));
}

// A socket of systemd's listens for a service that was stopped, and starts it for whoever comes.
TEST_F(ResetWithoutServiceTest, StartsNobodyForANewKey) {
  testing::FakeApi stopped(folder_ / "api.sock");
  EXPECT_EQ(Run({"console", "reset", "--new-key"}, "YES\n").status, 0);
  EXPECT_THAT(stopped.Requests(), IsEmpty());
}

TEST_F(ResetWithoutServiceTest, ClaimsNoCompleteListWhereTheOldStoreIsDamaged) {
  std::filesystem::resize_file(folder_ / kStoreFile, 4096);
  const auto result = Run({"console", "reset", "--new-key"}, "YES\n");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("may be more"));
  EXPECT_THAT(result.out, HasSubstr("required_for=everyone"));
}

TEST_F(ResetWithoutServiceTest, WaitsForASilentServiceNoLongerThanItsDeadline) {
  SuperLock("ada");
  const std::string socket = folder_ / "api.sock";
  testing::FakeApi silent(socket);
  silent.FallSilent();
  const auto result = Run({"console", "reset", "--system"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("does not answer"));
  EXPECT_THAT(result.out, HasSubstr("Reset: ada"));
  EXPECT_FALSE(IsSuperLocked());
}

TEST_F(ResetWithoutServiceTest, GoesToTheStoreWhenTheServiceSaysThatItCannot) {
  SuperLock("ada");
  const std::string socket = folder_ / "api.sock";
  testing::FakeApi failing(socket);
  failing.Answer("POST /v1/console/resets", 503,
                 R"({"title":"x","status":503,"detail":"the disk is gone","code":"unavailable"})");
  const auto result = Run({"console", "reset", "--system"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the disk is gone"));
  EXPECT_FALSE(IsSuperLocked());
}

TEST_F(ResetWithoutServiceTest, SaysThatThereIsNoSuperLockout) {
  const auto result = Run({"console", "reset", "--system"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("no super-lockout"));
}

TEST_F(ResetWithoutServiceTest, ReportsAMissingStoreAsUnreachable) {
  unlink((folder_ / kStoreFile).c_str());
  EXPECT_EQ(Run({"console", "reset", "ada"}).status, 5);
}

// A small file system of its own, filled to the last byte.
TEST(ConsoleResetOnAFullDisk, GivesUpTheReserveFileAndWorks) {
  const testing::TestFolder folder;
  const std::string state = folder / "state";
  const std::string sparekey =
      SPAREKEY_PROGRAM " --config " + (folder / "sparekey.conf") + " --state-dir " + state;
  const auto result = testing::RunProgram(
      {"/usr/bin/unshare", "-m", "/bin/bash", "-ec",
       "mkdir -m 700 " + state + "; mount -t tmpfs -o size=5m,mode=700 none " + state +
           "\nprintf 'accounts = any\\n[console]\\nallow = root\\n' > " + folder.path() +
           "/sparekey.conf\n" + sparekey + " init\n! cat /dev/zero > " + state +
           "/fill 2>/dev/null\n" + sparekey + " console reset root\n" + "rm " + state + "/fill\n" +
           sparekey + " console reset root\n"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the reserve file was given up"));
  EXPECT_THAT(result.out, HasSubstr("Reset: root"));
}

// A mounted system: its folder is the root of every path, a symbolic link included.
TEST(ConsoleResetOfAMountedSystem, WorksOnItsStoreAndItsPasswords) {
  const testing::TestFolder root;
  const auto script = testing::RunProgram(
      {"/bin/bash", "-ec",
       "cd " + root.path() +
           "; mkdir -p etc/sparekey var data usr/bin proc; ln -s /data var/lib\n"
           "printf '[console]\\nallow = root\\n' > etc/sparekey/sparekey.conf\n"
           "echo 'ada:x:1000:1000::/:/bin/sh' > etc/passwd\n"
           "cp " PASSWD_PROGRAM " usr/bin/passwd\n" SPAREKEY_PROGRAM " --state-dir " +
           root.path() +
           "/data/sparekey init\n"
           "mv data/sparekey/master.key etc/sparekey/\n"});
  ASSERT_EQ(script.status, 0) << script.err;
  // The leak checker of an instrumented build wants /proc, which is not there after the chroot.
  const auto result =
      testing::RunProgram({"/usr/bin/env", "ASAN_OPTIONS=detect_leaks=0", SPAREKEY_PROGRAM,
                           "console", "reset", "ada", "--root", root.path()});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("Reset: ada"));
  EXPECT_EQ(testing::ReadWholeFile(root / "given"), "ada");
}

// All of it on one disk, which is full to the last byte.
class ResetOfAFullSystem : public ::testing::Test {
 protected:
  testing::ProgramResult Reset(const std::string& before) {
    const std::string root = folder_ / "root";
    const std::string script =
        "mkdir " + root + "; mount -t tmpfs -o size=12m none " + root + "; cd " + root +
        "; mkdir -p etc/sparekey var/lib usr/bin proc\n"
        "printf '[console]\nallow = root\n' > etc/sparekey/sparekey.conf\n"
        "echo 'ada:x:1000:1000::/:/bin/sh' > etc/passwd\n"
        "cp " PASSWD_PROGRAM " usr/bin/passwd\n" SPAREKEY_PROGRAM " --state-dir " +
        root + "/var/lib/sparekey init\nmv var/lib/sparekey/master.key etc/sparekey/\n" + before +
        "\n! cat /dev/zero > fill 2> /dev/null\nstatus=0\n"
        "ASAN_OPTIONS=detect_leaks=0 " SPAREKEY_PROGRAM " console reset ada --root " +
        root + " || status=$?\ncat given; ls var/lib/sparekey; exit $status";
    return testing::RunProgram({"/usr/bin/unshare", "-m", "/bin/bash", "-ec", script});
  }
  testing::TestFolder folder_;
};

TEST_F(ResetOfAFullSystem, GivesUpTheReserveFileForThePassword) {
  const auto result = Reset("");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("the reserve file was given up"));
  EXPECT_THAT(result.out, HasSubstr("Reset: ada"));
  EXPECT_THAT(result.out, HasSubstr("\nada"));  // what passwd was given
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("\nreserve\n")));
}

TEST_F(ResetOfAFullSystem, KeepsTheReserveFileWhereThePersonGivesUp) {
  const auto result = Reset("touch interrupted given");
  EXPECT_EQ(result.status, 5) << result.err;
  EXPECT_THAT(result.err, HasSubstr("nothing else was reset"));
  EXPECT_THAT(result.out, HasSubstr("reserve\n"));
}

TEST(ConsoleResetOfAMountedSystem, NamesAFolderThatIsNotThere) {
  const auto result =
      testing::RunProgram({SPAREKEY_PROGRAM, "console", "reset", "ada", "--root", "/nonexistent"});
  EXPECT_NE(result.status, 0);
}

// This process holds the store.
TEST_F(ResetWithoutServiceTest, ShowsTheHolderAndEndsItOnlyAfterYes) {
  SuperLock("ada");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  TerminalProgram holder([this, &ready] {
    const auto store = Open();
    if (write(ready[1], "1", 1) == 1) pause();
    return 0;
  });
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  close(ready[1]);

  const auto refused = Run({"console", "reset", "--system"}, "yes\n");
  EXPECT_EQ(refused.status, 5);
  EXPECT_THAT(refused.err, HasSubstr("process " + std::to_string(holder.pid())));
  EXPECT_EQ(FindStoreOwner(folder_.path()), holder.pid());

  TerminalProgram program(Command({"console", "reset", "--system"}));
  ASSERT_TRUE(program.WaitFor("Type YES: ")) << program.shown();
  program.Type("YES\n");
  EXPECT_EQ(program.Wait(), 0) << program.shown();
  EXPECT_EQ(holder.Wait(), 1009);
  EXPECT_FALSE(IsSuperLocked());
}

}  // namespace
}  // namespace sparekey
