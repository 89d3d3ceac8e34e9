// SPDX-License-Identifier: Apache-2.0
// The child that checks passwords: how it is started, heard, bounded and ended; and what it asks
// PAM, with a real libpam.
#include "service/first_factor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <security/_pam_types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "tests/support/processes.h"
#include "tests/support/program.h"
#include "tests/support/service_fixture.h"

namespace sparekey::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class FirstFactorTest : public ::testing::Test {
 protected:
  void Use(std::vector<std::string> command, milliseconds deadline = milliseconds(20'000),
           std::size_t at_once = 4) {
    factor = MakePamFirstFactor({[this](auto task) { queue.Post(std::move(task)); }, nullptr},
                                {std::move(command), deadline, at_once});
  }
  void UseShell(const std::string& script, milliseconds deadline = milliseconds(20'000),
                std::size_t at_once = 4) {
    Use({"/bin/sh", "-c", script}, deadline, at_once);
  }
  // accept, deny, or the error's code and message.
  std::string Ask(std::string_view password = "secret", const std::string& name = "ada") {
    std::string told;
    Begin(told, password, name);
    queue.RunUntil([&told] { return !told.empty(); });
    return told;
  }
  void Begin(std::string& told, std::string_view password = "secret",
             const std::string& name = "ada") {
    factor->Check(name, SecretBytes(password), [&told](const Result<bool>& proven) {
      told = !proven ? (proven.error().code == ErrorCode::kBusy ? "busy: " : "error: ") +
                           proven.error().message
                     : (*proven ? "accept" : "deny");
    });
  }
  static bool IsGone(const std::string& pid) {
    const std::string status = ReadWholeFile("/proc/" + pid + "/status");
    return status.empty() || status.find("State:\tZ") != std::string::npos;
  }
  // What another process writes; a bounded wait, since nobody tells when.
  std::vector<std::string> WaitForPids(std::size_t count) const {
    for (int i = 0; i < 2000; ++i) {
      std::ifstream file(folder / "pids");
      std::vector<std::string> pids;
      for (std::string pid; std::getline(file, pid);) pids.push_back(pid);
      if (pids.size() == count) return pids;
      usleep(5000);
    }
    ADD_FAILURE() << "the child did not start";
    return {};
  }
  static void ExpectGone(const std::vector<std::string>& pids) {
    for (const std::string& pid : pids) {
      int tries = 2000;
      while (!IsGone(pid) && --tries > 0) usleep(5000);
      EXPECT_GT(tries, 0) << pid << " lives on";
    }
  }

  TestFolder folder;
  TaskQueue queue;
  std::unique_ptr<FirstFactor> factor;
};

TEST_F(FirstFactorTest, HearsTheTwoWordsOfAChildThatEndsWellAndNothingElse) {
  const std::vector<std::pair<std::string, std::string>> children = {
      {"echo accept", "accept"},
      {"echo deny", "deny"},
      {"echo accept; exit 1", "error"},
      {"echo accept; kill -9 $$", "error"},
      {"echo accepted", "error"},
      {"printf accept", "error"},
      {"echo accept; echo accept", "error"},
      {"echo Accept", "error"},
      {"echo accept >&2", "error"},
      {"true", "error"}};
  for (const auto& [script, told] : children) {
    UseShell("cat >/dev/null; " + script);
    EXPECT_THAT(Ask(), ::testing::StartsWith(told)) << script;
  }
  UseShell("head -c 100000 /dev/zero", milliseconds(300));  // more than a pipe holds
  EXPECT_THAT(Ask(), ::testing::StartsWith("error"));
}

TEST_F(FirstFactorTest, GivesNameAndPasswordThroughThePipeAlone) {
  UseShell("cat > " + (folder / "input") + "; tr '\\0' ' ' </proc/$$/cmdline > " +
           (folder / "words") + "; echo accept");
  EXPECT_EQ(Ask("pass word", "ada.b"), "accept");
  EXPECT_EQ(ReadWholeFile(folder / "input"), std::string("ada.b\0pass word", 15));
  EXPECT_THAT(ReadWholeFile(folder / "words"), Not(HasSubstr("pass word")));
}

TEST_F(FirstFactorTest, StartsWithDefaultSignalsInASessionOfItsOwn) {
  (void)std::signal(SIGUSR1, SIG_IGN);
  sigset_t blocked{};
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  UseShell("grep -E 'Sig(Ign|Blk)' /proc/self/status > " + (folder / "signals") +
           "; { echo $$; cut -d' ' -f5,6 /proc/self/stat; } > " + (folder / "ids") +
           "; echo accept");
  EXPECT_EQ(Ask(), "accept");
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  (void)std::signal(SIGUSR1, SIG_DFL);
  // Some versions of glibc leave its own two, 32 and 33, ignored.
  EXPECT_THAT(ReadWholeFile(folder / "signals"),
              AnyOf("SigBlk:\t0000000000000000\nSigIgn:\t0000000180000000\n",
                    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"));
  std::istringstream ids(ReadWholeFile(folder / "ids"));
  pid_t pid = 0, group = 0, session = 0;
  ids >> pid >> group >> session;
  EXPECT_EQ(group, pid);
  EXPECT_EQ(session, pid);
  EXPECT_NE(pid, 0);
}

TEST_F(FirstFactorTest, KillsAChildPastItsDeadlineWithAllThatItStarted) {
  UseShell("sleep 1000 & echo $! >> " + (folder / "pids") + "; echo $$ >> " + (folder / "pids") +
               "; trap '' TERM; wait",
           milliseconds(2000));
  EXPECT_THAT(Ask(), HasSubstr("no answer in time"));
  ExpectGone(WaitForPids(2));
}

TEST_F(FirstFactorTest, LeavesNothingOfAChildThatHasAnswered) {
  UseShell("sleep 1000 & echo $! >> " + (folder / "pids") + "; echo accept");
  EXPECT_EQ(Ask(), "accept");
  ExpectGone(WaitForPids(1));
}

TEST_F(FirstFactorTest, AnErrorIsToldWhereTheChildIsKilled) {
  UseShell("echo $$ >> " + (folder / "pids") + "; exec sleep 1000");
  std::string told;
  Begin(told);
  CheckedKill(std::stoi(WaitForPids(1).at(0)), SIGKILL);
  queue.RunUntil([&told] { return !told.empty(); });
  EXPECT_THAT(told, ::testing::StartsWith("error"));
}

TEST_F(FirstFactorTest, ChecksAFewAtOnceAndTellsTheOthersThatItIsBusy) {
  UseShell("name=$(head -c 3); read -r go < " + (folder / "$name") + "; echo accept",
           milliseconds(60'000), 2);
  std::map<std::string, std::string> told;
  for (const std::string name : {"ada", "bob"}) {
    ASSERT_EQ(mkfifo((folder / name).c_str(), 0600), 0);
    Begin(told[name], "secret", name);
  }
  EXPECT_THAT(Ask("secret", "eve"), ::testing::StartsWith("busy"));
  for (const std::string name : {"bob", "ada"}) {
    EXPECT_THAT(told[name], IsEmpty());
    std::ofstream(folder / name) << "go\n";
    queue.RunUntil([&] { return !told[name].empty(); });
    EXPECT_EQ(told[name], "accept");
  }
  UseShell("echo accept", milliseconds(20'000), 1);
  for (int i = 0; i < 3; ++i) {
    std::string again = Ask();
    while (again.starts_with("busy")) again = Ask();  // the thread of the one before is ending
    EXPECT_EQ(again, "accept");
  }
}

TEST_F(FirstFactorTest, AHangingChildHoldsUpNobodyElse) {
  UseShell("name=$(head -c 3); [ \"$name\" = bob ] && exec sleep 1000; cat >/dev/null; echo accept",
           milliseconds(60'000));
  std::string bob;
  Begin(bob, "secret", "bob");
  EXPECT_EQ(Ask("secret", "ada"), "accept");
  EXPECT_THAT(bob, IsEmpty());
}

TEST_F(FirstFactorTest, EndsItsChildrenWithItselfAndAnswersNobodyAfterwards) {
  UseShell("echo $$ >> " + (folder / "pids") + "; exec sleep 1000");
  std::string told;
  Begin(told);
  const auto pids = WaitForPids(1);
  factor.reset();
  ExpectGone(pids);
  queue.Post([] {});
  bool done = false;
  queue.Post([&done] { done = true; });
  queue.RunUntil([&done] { return done; });
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(FirstFactorTest, SaysSoWhereThereIsNoProgram) {
  Use({folder / "nothing"});
  EXPECT_THAT(Ask(), HasSubstr("No such file"));
  Use({folder.path()});
  EXPECT_THAT(Ask(), ::testing::StartsWith("error"));
  UseShell("echo accept");
  EXPECT_THAT(Ask(std::string(2000, 'x')), HasSubstr("too long"));
}

TEST_F(FirstFactorTest, ReapsItsChildrenEvenWhereSigchldWasIgnored) {
  (void)std::signal(SIGCHLD, SIG_IGN);
  UseShell("echo accept");
  EXPECT_EQ(Ask(), "accept");
  factor.reset();
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

// The real child, libpam, and a module whose options say what it does.
class PamChildTest : public FirstFactorTest {
 protected:
  std::string AskWith(const std::string& options, std::string_view password = "secret") {
    const std::string module = PAM_TEST_FIRST_FACTOR;
    WriteStack("auth required " + module + " " + options + "\naccount required " + module + " " +
               options + "\n");
    return AskStack(password);
  }
  void WriteStack(const std::string& lines) const {
    std::ofstream(folder / "sparekey") << lines;
    std::ofstream(folder / "other") << "auth required pam_deny.so\naccount required pam_deny.so\n";
  }
  std::string AskStack(std::string_view password = "secret") {
    Use({FIRST_FACTOR_DOUBLE, folder.path()});
    return Ask(password);
  }
};

TEST_F(PamChildTest, BelievesPamAboutThePassword) {
  EXPECT_EQ(AskWith("expect=secret"), "accept");
  EXPECT_EQ(AskWith("expect=secret", "Secret"), "deny");
  EXPECT_EQ(AskWith("expect=secret", "secret "), "deny");
}

TEST_F(PamChildTest, AsksTheAccountPhaseToo) {
  for (const int status : {PAM_ACCT_EXPIRED, PAM_NEW_AUTHTOK_REQD, PAM_PERM_DENIED}) {
    EXPECT_EQ(AskWith("expect=secret account=" + std::to_string(status)), "deny") << status;
  }
  EXPECT_THAT(AskWith("expect=secret account=" + std::to_string(PAM_SYSTEM_ERR)),
              HasSubstr("PAM's service \"sparekey\" failed"));
}

TEST_F(PamChildTest, AnswersOneHiddenPromptAndNoOther) {
  EXPECT_EQ(AskWith("expect=secret info"), "accept");
  EXPECT_THAT(AskWith("expect=secret again"), ::testing::StartsWith("error"));
  EXPECT_THAT(AskWith("expect=secret aloud"), ::testing::StartsWith("error"));
  EXPECT_THAT(AskWith("aloud"), ::testing::StartsWith("error"));
  EXPECT_THAT(AskWith("expect=secret", ""), Not("accept"));
}

TEST_F(PamChildTest, DeniesALoginThatBecameAnothers) {
  EXPECT_EQ(AskWith("expect=secret user=bob"), "deny");
}

TEST_F(PamChildTest, TakesNothingThatAModulePrintsForAVerdict) {
  EXPECT_EQ(AskWith("print=accept expect=other"), "deny");
  EXPECT_EQ(AskWith("expect=secret print=deny"), "accept");
}

TEST_F(PamChildTest, FailsWherePamHasNoUsableService) {
  EXPECT_THAT(AskStack(), ::testing::StartsWith("error"));
  std::ofstream(folder / "other") << "auth required pam_deny.so\naccount required pam_deny.so\n";
  EXPECT_EQ(AskStack(), "deny");
  WriteStack("auth required pam_no_such_module.so\naccount required pam_permit.so\n");
  EXPECT_THAT(AskStack(), Not("accept"));
  WriteStack("auth required pam_permit.so\naccount required pam_no_such_module.so\n");
  EXPECT_THAT(AskStack(), Not("accept"));
  WriteStack("");
  EXPECT_THAT(AskStack(), Not("accept"));
}

TEST_F(PamChildTest, RunsModulesInAProcessWithoutAnythingOfTheService) {
  // What a careless library might leave open, and a careless caller of sparekeyd might set.
  const int leaked = open("/dev/null", O_RDONLY);  // NOLINT: without O_CLOEXEC on purpose
  const int high = fcntl(leaked, F_DUPFD, 200);
  setenv("SPAREKEY_TEST_SECRET", "x", 1);
  ASSERT_EQ(AskWith("expect=secret facts=" + (folder / "facts")), "accept");
  unsetenv("SPAREKEY_TEST_SECRET");
  EXPECT_EQ(close(leaked) + close(high), 0);
  std::string fds, rest;
  std::istringstream facts(ReadWholeFile(folder / "facts"));
  for (std::string line; std::getline(facts, line);) {
    (line.starts_with("fd ") ? fds : rest) += line + "\n";
  }
  EXPECT_THAT(fds, ::testing::AllOf(HasSubstr("fd 0\n"), HasSubstr("fd 1\n"), HasSubstr("fd 2\n")));
  EXPECT_EQ(std::count(fds.begin(), fds.end(), '\n'), 4) << fds;  // the verdict's own, CLOEXEC
  EXPECT_EQ(rest,
            "env PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
            "own session 1\ndumpable 0\ncore 0\ndies with parent 9\n"
            "user ada\nservice sparekey\n");
}

TEST_F(PamChildTest, KillsAModuleThatHangs) {
  WriteStack("auth required " PAM_TEST_FIRST_FACTOR " pid=" + (folder / "pid") + " hang\n");
  Use({FIRST_FACTOR_DOUBLE, folder.path()}, milliseconds(3000));
  EXPECT_THAT(Ask(), HasSubstr("no answer in time"));
  const std::string pid = ReadWholeFile(folder / "pid");
  ASSERT_FALSE(pid.empty());
  ExpectGone({pid});
}

TEST(FirstFactorChild, RefusesWhatIsNoRequest) {
  for (const std::string& input :
       {std::string(), std::string("ada"), std::string("\0secret", 7),
        std::string("ada\0sec\0ret", 11), "ada" + std::string(1, '\0') + std::string(600, 'x'),
        std::string(5000, 'x')}) {
    const ProgramResult result = RunProgram({FIRST_FACTOR_DOUBLE, "/nonexistent"}, input);
    EXPECT_NE(result.status, 0) << input.size();
    EXPECT_EQ(result.out, "");
  }
}

TEST(FirstFactorProgram, StandsBesideAServiceThatIsNotInstalled) {
  // This test program's own folder holds none, so the installed place is named.
  EXPECT_THAT(FindFirstFactorProgram(), ::testing::EndsWith("/sparekey/sparekey-first-factor"));
}

}  // namespace
}  // namespace sparekey::testing
