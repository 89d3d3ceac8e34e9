// SPDX-License-Identifier: Apache-2.0
// The kernel's own pidfds, terminals and process numbers. A number is used again in a pid namespace
// of its own, through ns_last_pid; without root, in a user namespace too.
#include "service/session_system.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>

#include "tests/support/processes.h"

namespace sparekey {
namespace {

using ::testing::IsEmpty;

// A process that does nothing until it is ended.
class Idler {
 public:
  Idler() : pid_(CheckedFork()) {
    if (pid_ == 0) {
      pause();
      _exit(0);
    }
  }
  ~Idler() {
    CheckedKill(pid_, SIGKILL);
    Wait();
  }
  int Wait() {
    int how = 0;
    if (waitpid(pid_, &how, 0) == pid_) how_ = how;
    return how_;
  }
  pid_t pid() const { return pid_; }
  ProcessId id() const { return {pid_, ReadStartTime(pid_).value_or(0)}; }

 private:
  pid_t pid_;
  int how_ = 0;
};

TEST(HeldProcess, IsSignalledAndSeenToEnd) {
  const auto system = MakeSessionSystem(true);
  Idler idler;
  auto held = system->Hold(idler.id());
  ASSERT_TRUE(held && *held);
  EXPECT_FALSE((*held)->HasEnded());
  EXPECT_TRUE((*held)->Signal(SIGTERM));
  EXPECT_EQ(WTERMSIG(idler.Wait()), SIGTERM);
  EXPECT_TRUE((*held)->HasEnded());
  EXPECT_TRUE((*held)->Signal(SIGKILL));  // of nobody
}

TEST(HeldProcess, IsNoneWhereTheNumberIsAnothers) {
  const auto system = MakeSessionSystem(true);
  Idler idler;
  ProcessId earlier = idler.id();
  --earlier.start_time;
  const auto held = system->Hold(earlier);
  ASSERT_TRUE(held);
  EXPECT_FALSE(*held);
  const auto nobody = system->Hold({0x3fffffff, 1});
  ASSERT_TRUE(nobody);
  EXPECT_FALSE(*nobody);
}

// One descriptor is left, which the pidfd takes: who it is cannot be read then.
TEST(HeldProcess, IsNotCalledGoneWhereItCannotBeLookedAt) {
  Idler idler;
  const ProcessId id = idler.id();
  const pid_t child = CheckedFork();
  if (child == 0) {
    const auto system = MakeSessionSystem(true);
    const rlimit few{64, 64};
    setrlimit(RLIMIT_NOFILE, &few);
    int last = -1;
    for (int fd = 0; (fd = open("/dev/null", O_RDONLY)) >= 0;) last = fd;
    close(last);
    const auto held = system->Hold(id);
    const bool alive = MayLive(id);
    _exit(!held && alive ? 0 : 1);
  }
  int how = 0;
  ASSERT_EQ(waitpid(child, &how, 0), child);
  EXPECT_TRUE(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

TEST(HeldProcess, IsNeverTheFirstProcessNorSparekeydItself) {
  const auto system = MakeSessionSystem(true);
  for (const pid_t pid : {1, getpid()}) {
    const auto held = system->Hold({pid, ReadStartTime(pid).value_or(0)});
    ASSERT_TRUE(held);
    EXPECT_FALSE(*held);
  }
}

TEST(HeldProcess, HasEndedBeforeAnybodyWaitedForIt) {
  const auto system = MakeSessionSystem(true);
  Idler idler;
  const ProcessId id = idler.id();
  const auto held = system->Hold(id);
  CheckedKill(idler.pid(), SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(idler.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE((*held)->HasEnded());
  EXPECT_FALSE(ReadStartTime(id.pid));
  EXPECT_FALSE(*system->Hold(id));
}

bool SetLastPid(pid_t pid) {
  std::ofstream file("/proc/sys/kernel/ns_last_pid");
  file << pid << std::flush;
  return file.good();
}

// Inside the namespace: 0 where a number that was used again is left alone.
int UseANumberAgain() {
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 10;
  if (mount("proc", "/proc", "proc", 0, nullptr) != 0) return 11;
  const auto system = MakeSessionSystem(true);
  ProcessId first;
  {
    Idler idler;
    first = idler.id();
  }
  // Starts are counted in hundredths of a second.
  const timespec tick{0, 30'000'000};
  nanosleep(&tick, nullptr);
  if (!SetLastPid(first.pid - 1)) return 12;
  Idler second;
  if (second.pid() != first.pid) return 13;
  const auto held = system->Hold(first);
  if (!held) return 14;
  if (*held) return 15;
  const auto own = system->Hold(second.id());
  return own && *own && !(*own)->HasEnded() ? 0 : 16;
}

TEST(HeldProcess, IsNoneWhereTheKernelHasGivenTheNumberAgain) {
  const int user = geteuid() == 0 ? 0 : CLONE_NEWUSER;
  const pid_t pid = CheckedFork();
  if (pid == 0) {
    if (unshare(CLONE_NEWPID | CLONE_NEWNS | user) != 0) _exit(20);
    const pid_t first = CheckedFork();
    if (first == 0) _exit(UseANumberAgain());
    int how = 0;
    waitpid(first, &how, 0);
    _exit(WIFEXITED(how) ? WEXITSTATUS(how) : 21);
  }
  int how = 0;
  ASSERT_EQ(waitpid(pid, &how, 0), pid);
  EXPECT_EQ(WEXITSTATUS(how), 0);
}

class Terminal {
 public:
  Terminal() { EXPECT_EQ(openpty(&master_, &slave_, name_.data(), nullptr, nullptr), 0); }
  ~Terminal() {
    close(master_);
    close(slave_);
  }
  dev_t device() const {
    struct stat file {};
    fstat(slave_, &file);
    return file.st_rdev;
  }
  std::string Read() const {
    std::array<char, 256> text{};
    fcntl(master_, F_SETFL, O_NONBLOCK);
    const ssize_t got = read(master_, text.data(), text.size());
    return {text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  }

 private:
  int master_ = -1, slave_ = -1;
  std::array<char, 64> name_{};
};

TEST(SessionTerminal, IsToldWhereItIsItsOwners) {
  const auto system = MakeSessionSystem(true);
  const Terminal terminal;
  EXPECT_TRUE(system->Tell(terminal.device(), geteuid(), "closed\r"));
  EXPECT_EQ(terminal.Read(), "closed\r");
  EXPECT_FALSE(system->Tell(terminal.device(), geteuid() + 1, "closed"));
  EXPECT_FALSE(system->Tell(terminal.device() + 1000, geteuid(), "closed"));
  EXPECT_THAT(terminal.Read(), IsEmpty());
}

TEST(SessionTerminal, ThatNobodyReadsHoldsNobodyUp) {
  const auto system = MakeSessionSystem(true);
  const Terminal terminal;
  const std::string line(4000, 'x');
  int full = 0;
  while (full < 1000 && system->Tell(terminal.device(), geteuid(), line)) ++full;
  EXPECT_LT(full, 1000);
}

TEST(SessionSystem, SeesTerminalsAndNoSessionWhereThereIsNone) {
  const auto system = MakeSessionSystem(true);
  bool seen = false;
  for (const TerminalUse& use : system->ListTerminals()) {
    if (use.pid == getpid()) seen = use.parent == getppid();
  }
  EXPECT_TRUE(seen);
  for (const SshProcess& process : system->ListSshProcesses()) EXPECT_NE(process.title, "");
  EXPECT_THAT(MakeSessionSystem(false)->ListSshProcesses(), IsEmpty());
  EXPECT_THAT(MakeSessionSystem(false)->ListLogindSessions(), IsEmpty());
}

TEST(LogindFiles, TellLeaderAndUid) {
  const char* const file =
      "# This is private data. Do not parse.\nUID=58102\nUSER=bob\nACTIVE=1\nIS_DISPLAY=0\n"
      "STATE=active\nREMOTE=1\nTYPE=tty\nORIGINAL_TYPE=tty\nCLASS=user\nSCOPE=session-7.scope\n"
      "FIFO=/run/systemd/sessions/7.ref\nREMOTE_HOST=192.0.2.7\nSERVICE=sshd\nLEADER=4711\n"
      "AUDIT=7\nREALTIME=1763890000000000\nMONOTONIC=4000000000\n";
  const auto session = ParseLogindSession(file);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->leader, 4711);
  EXPECT_EQ(session->uid, 58102);
}

TEST(LogindFiles, ThatAreCutClosingOrOdd) {
  for (const char* file :
       {"", "\n", "UID=1\n", "LEADER=4711\n", "UID=\nLEADER=4711\n", "UID=1\nLEADER=\n",
        "UID=1\nLEADER=0\n", "UID=1\nLEADER=-5\n", "UID=x\nLEADER=y\n", "XUID=1\nXLEADER=7\n",
        "UID=1\nLEADER=99999999999999\n", "UID=1\nLEADER=7\nSTATE=closing\n"}) {
    EXPECT_FALSE(ParseLogindSession(file)) << file;
  }
}

}  // namespace
}  // namespace sparekey
