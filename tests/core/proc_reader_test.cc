// SPDX-License-Identifier: Apache-2.0
// The local console by the real kernel's facts. Needs root, as the function itself does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "core/local_console.h"
#include "tests/core/recorded_proc.h"
#include "tests/support/console_terminal.h"
#include "tests/support/fake_daemon.h"
#include "tests/support/processes.h"

namespace sparekey {
namespace {

std::string Describe(pid_t pid) {
  const Locality locality = FindLocality(RealProc(), {}, pid);
  return locality.local ? "local " + locality.terminal : "no: " + locality.reason;
}

// What the same process tree gives with recorded facts, for machines without a console terminal.
std::string DescribeRecorded(const std::vector<Runs>& chain) {
  const RecordedProc proc(chain);
  const Locality locality = FindLocality(proc, {}, RecordedProc::kCaller);
  return locality.local ? "local tty1" : "no: " + locality.reason;
}

std::string OrRecorded(const std::string& answer, const std::vector<Runs>& chain) {
  return answer == "no terminal" ? DescribeRecorded(chain) : answer;
}

// `work` in a process on a new pseudo-terminal below this one.
std::string RunOnPseudoTerminal(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  int master = -1;
  const pid_t child = forkpty(&master, nullptr, nullptr, nullptr);
  if (child == 0) {
    const std::string answer = work();
    _exit(write(ends[1], answer.data(), answer.size()) < 0 ? 1 : 0);
  }
  close(ends[1]);
  std::array<char, 4096> text{};
  const ssize_t got = read(ends[0], text.data(), text.size());
  waitpid(child, nullptr, 0);
  close(ends[0]);
  close(master);
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

TEST(RealConsole, IsLocalForItsSessionLeader) {
  const auto answer = RunAtConsole([] { return Describe(getpid()); });
  EXPECT_TRUE(OrRecorded(answer, {{"bash", kTty1}, {"init", kNone}}).starts_with("local tty"))
      << answer;
}

TEST(RealConsole, IsLocalForAChildOfTheSession) {
  const auto answer = RunAtConsole([] {
    const pid_t child = CheckedFork();
    if (child == 0) {
      pause();
      _exit(0);
    }
    const std::string described = Describe(child);
    CheckedKill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return described;
  });
  EXPECT_TRUE(OrRecorded(answer, {{"su", kTty1}, {"bash", kTty1}}).starts_with("local tty"))
      << answer;
}

TEST(RealConsole, IsNotLocalBelowATerminalServer) {
  const auto answer =
      RunAtConsole([] { return RunOnPseudoTerminal([] { return Describe(getpid()); }); });
  EXPECT_TRUE(OrRecorded(answer, {{"bash", Pts(0)}, {"ttyd", kTty1}})
                  .starts_with("no: the pseudo-terminal belongs to "))
      << answer;
}

TEST(RealConsole, IsLocalBelowScript) {
  const TemporaryFolder folder;
  const std::string report = folder / "report";
  const auto answer = RunAtConsole([&]() -> std::string {
    const std::string command =
        "/usr/bin/script -qec '" LOCALITY_PROBE " " + report + "' /dev/null >/dev/null 2>&1";
    if (std::system(command.c_str()) != 0) return "script failed";
    std::ostringstream text;
    text << std::ifstream(report).rdbuf();
    return text.str();
  });
  EXPECT_TRUE(OrRecorded(answer, {{"bash", Pts(0)}, {"script", kTty1}}).starts_with("local tty"))
      << answer;
}

TEST(RealConsole, IsNoDaemonsWithTheConsoleAsStandardInput) {
  const auto answer = RunAsDaemon([]() -> std::string {
    const int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) {
      dup2(fd, 0);
      dup2(fd, 1);
    }
    const bool allowed = MayReset(RealProc(), {}, getpid(), 0).allowed;
    return Describe(getpid()) + (allowed ? ", may reset" : "");
  });
  EXPECT_EQ(answer, "no: the process has no terminal");
}

TEST(RealConsole, AllowsAResetFromItsShell) {
  const auto answer = RunAtConsole([]() -> std::string {
    const auto permission = MayReset(RealProc(), {}, getpid(), 0);
    return permission.allowed ? "allowed" : permission.reason;
  });
  RecordedProc recorded({{"sparekey", kTty1}, {"bash", kTty1}});
  const bool allowed =
      answer == "no terminal"
          ? MayReset(recorded.WithFiles(kTty1, kTty1), {}, RecordedProc::kCaller, 0).allowed
          : answer == "allowed";
  EXPECT_TRUE(allowed) << answer;
}

TEST(RealConsole, IsNotLocalBelowAProgramThatIsCalledSshd) {
  const TemporaryFolder folder;
  const std::string program = folder / "sshd";
  std::filesystem::copy_file("/bin/sleep", program);
  const auto answer = RunAtConsole([&] {
    const pid_t child = CheckedFork();
    if (child == 0) {
      execl(program.c_str(), program.c_str(), "60", nullptr);
      _exit(1);
    }
    while (RealProc().ReadProcess(child)->executable != program) sched_yield();
    std::string described = Describe(child);
    unlink(program.c_str());
    described += " / " + Describe(child);
    CheckedKill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return described;
  });
  const std::string refused = "no: the process runs below sshd";
  const auto recorded = DescribeRecorded({{"sshd", kTty1}, {"bash", kTty1}});
  EXPECT_EQ(answer == "no terminal" ? recorded + " / " + recorded : answer,
            refused + " / " + refused);
}

TEST(ReadProcess, ReadsBehindANameThatLooksLikeTheRestOfTheLine) {
  const pid_t child = CheckedFork();
  if (child == 0) {
    prctl(PR_SET_NAME, ") R 1 1 1 1025");
    raise(SIGSTOP);
    _exit(0);
  }
  waitpid(child, nullptr, WUNTRACED);
  const auto process = RealProc().ReadProcess(child);
  const auto own = RealProc().ReadProcess(getpid());
  CheckedKill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(process && own);
  EXPECT_EQ(process->parent, getpid());
  EXPECT_EQ(process->terminal, own->terminal);
  EXPECT_EQ(process->executable, own->executable);
}

TEST(ReadProcess, KnowsPseudoTerminalsAbove255) {
  std::vector<int> masters;
  int number = 0;
  while (number < 256) {
    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(master, 0);
    masters.push_back(master);
    ASSERT_EQ(grantpt(master), 0);
    ASSERT_EQ(unlockpt(master), 0);
    number = std::atoi(ptsname(master) + std::string("/dev/pts/").size());
  }
  const std::string path = ptsname(masters.back());
  struct stat node {};
  ASSERT_EQ(stat(path.c_str(), &node), 0);
  const pid_t child = CheckedFork();
  if (child == 0) {
    setsid();
    const int fd = open(path.c_str(), O_RDWR);  // becomes the terminal
    const auto process = RealProc().ReadProcess(getpid());
    _exit(fd >= 0 && process && process->terminal == node.st_rdev ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  for (const int master : masters) close(master);
  EXPECT_EQ(status, 0);
}

TEST(ReadProcess, SaysWhoseTheProgramIs) {
  const TemporaryFolder folder;
  const std::string program = folder / "sudo";
  std::filesystem::copy_file("/bin/sleep", program);
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  for (const auto& [owner, mode, expected] : {std::tuple{0U, 0755U, true},
                                              {65534U, 0755U, false},
                                              {0U, 0775U, false},
                                              {0U, 0757U, false}}) {
    ASSERT_EQ(chown(program.c_str(), owner, 0), 0) << "this test needs root";
    ASSERT_EQ(chmod(program.c_str(), mode), 0);
    const pid_t child = CheckedFork();
    if (child == 0) {
      execl(program.c_str(), program.c_str(), "60", nullptr);
      _exit(1);
    }
    while (RealProc().ReadProcess(child)->executable != program) sched_yield();
    EXPECT_EQ(RealProc().ReadProcess(child)->executable_is_roots, expected) << owner << mode;
    CheckedKill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
}

TEST(ReadProcess, FindsNothingForProcessesThatAreNotThere) {
  EXPECT_FALSE(RealProc().ReadProcess(0));
  EXPECT_FALSE(RealProc().ReadProcess(-1));
  EXPECT_FALSE(RealProc().ReadProcess(0x3fffffff));
  EXPECT_FALSE(RealProc().IsInOwnNamespaces(0x3fffffff));
  EXPECT_FALSE(RealProc().IsRemoteSession(0x3fffffff));
}

TEST(ReadDevice, TellsCharacterDevicesAlone) {
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  EXPECT_EQ(RealProc().ReadDevice(getpid(), null), makedev(1, 3));
  EXPECT_FALSE(RealProc().ReadDevice(getpid(), ends[0]));
  EXPECT_FALSE(RealProc().ReadDevice(getpid(), 999));
  for (const int fd : {null, ends[0], ends[1]}) close(fd);
}

TEST(IsInOwnNamespaces, TellsAContainersProcess) {
  EXPECT_TRUE(RealProc().IsInOwnNamespaces(getpid()));
  for (const int kind : {CLONE_NEWUSER, CLONE_NEWPID}) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const pid_t outer = CheckedFork();
    if (outer == 0) {
      if (unshare(kind) != 0) _exit(1);
      const pid_t inner = CheckedFork();  // a new pid namespace begins with the child
      if (inner == 0) {
        pause();
        _exit(0);
      }
      if (write(ends[1], &inner, sizeof inner) < 0) _exit(1);
      pause();
      _exit(0);
    }
    pid_t inner = 0;
    EXPECT_EQ(read(ends[0], &inner, sizeof inner), static_cast<ssize_t>(sizeof inner));
    EXPECT_FALSE(RealProc().IsInOwnNamespaces(inner));
    CheckedKill(inner, SIGKILL);
    CheckedKill(outer, SIGKILL);
    waitpid(outer, nullptr, 0);
    for (const int fd : ends) close(fd);
  }
}

TEST(ListNodes, ListsCharacterDevicesRightBelowDev) {
  bool has_null = false;
  for (const auto& node : RealProc().ListNodes()) {
    EXPECT_EQ(node.name.find('/'), std::string::npos);
    EXPECT_TRUE(S_ISCHR(node.mode)) << node.name;
    if (node.name == "null") {
      has_null = true;
      EXPECT_EQ(node.device, makedev(1, 3));
      EXPECT_EQ(node.owner, 0U);
    }
  }
  EXPECT_TRUE(has_null);
}

}  // namespace
}  // namespace sparekey
