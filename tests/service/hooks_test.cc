// SPDX-License-Identifier: Apache-2.0
// Which programs of notify.d are run, and how one is run: with nothing of the parent, for its time
// and no longer, whatever it does. Real programs.
#include "service/hooks.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include "core/unique_fd.h"
#include "tests/support/temp_folder.h"

namespace sparekey {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr milliseconds kLong{20'000};  // for hooks that end by themselves
constexpr milliseconds kShort{200};    // for those that do not
constexpr char kEvent[] = "lockout";

struct Cost {
  milliseconds processor;
  long memory;  // KiB, the most so far
};

Cost OwnCost() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return {milliseconds((usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000),
          usage.ru_maxrss};
}

class Hooks : public ::testing::Test {
 protected:
  Hooks() { std::filesystem::create_directory(hooks()); }

  std::string hooks() const { return folder_.File("notify.d"); }
  std::string Out(const std::string& name) const { return folder_.File(name); }

  void Write(const std::string& name, const std::string& script, mode_t mode = 0755) {
    const std::string path = hooks() + "/" + name;
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  HookRun Run(const std::string& name, milliseconds limit = kLong,
              const std::string& input = "{}\n") {
    return RunHook(hooks(), name, kEvent, input, limit, stop_.get());
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(Out(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Killed, or gone already.
  static bool Dies(pid_t pid) {
    const UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd wait{fd.get(), POLLIN, 0};
    return !fd || ::poll(&wait, 1, 10'000) == 1;
  }

  TempFolder folder_;
  UniqueFd stop_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

TEST_F(Hooks, AreTheTrustedExecutablesInOrder) {
  Write("20-mail", "");
  Write("10-wall.sh", "");
  const auto found = FindHooks(hooks());
  ASSERT_TRUE(found);
  EXPECT_THAT(found->names, ElementsAre("10-wall.sh", "20-mail"));
  EXPECT_THAT(found->passed_over, IsEmpty());
}

TEST_F(Hooks, AreNoneWithoutAFolder) {
  const auto found = FindHooks(Out("nowhere"));
  ASSERT_TRUE(found);
  EXPECT_THAT(found->names, IsEmpty());
}

TEST_F(Hooks, ArePassedOverWhereOthersCouldHaveWrittenThem) {
  Write("world", "", 0757);
  Write("group", "", 0775);
  Write("plain", "", 0644);
  Write("mail~", "");
  Write("mail.dpkg-old", "");
  Write("mail.bak", "");
  Write("mail;id", "");
  Write(".hidden", "");
  std::filesystem::create_symlink("/bin/true", hooks() + "/link");
  std::filesystem::create_directory(hooks() + "/folder");
  ASSERT_EQ(::mkfifo((hooks() + "/fifo").c_str(), 0700), 0);
  const auto found = FindHooks(hooks());
  ASSERT_TRUE(found);
  EXPECT_THAT(found->names, IsEmpty());
  std::string told;
  for (const auto& [name, reason] : found->passed_over) told += name + " " + reason + "\n";
  EXPECT_EQ(told,
            "fifo is not a regular file\n"
            "folder is not a regular file\n"
            "group must belong to root, and nobody else may write to it\n"
            "link is a symbolic link\n"
            "mail.bak has a name that is passed over\n"
            "mail.dpkg-old has a name that is passed over\n"
            "mail;id has a name that is passed over\n"
            "mail~ has a name that is passed over\n"
            "plain is not executable\n"
            "world must belong to root, and nobody else may write to it\n");
}

TEST_F(Hooks, AreNoneOfAFolderThatOthersMayWriteTo) {
  Write("mail", "");
  ASSERT_EQ(::chmod(hooks().c_str(), 0777), 0);
  EXPECT_EQ(FindHooks(hooks()).error().code, ErrorCode::kNotAllowed);
}

TEST_F(Hooks, CannotBeFoundForNowWithoutADescriptorAndCanWithOne) {
  Write("mail", "");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<UniqueFd> all;
  do {
    all.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  } while (all.back());
  const auto without = FindHooks(hooks());
  all.resize(all.size() - std::min<std::size_t>(all.size(), 2));  // the last is none
  const auto with_one = FindHooks(hooks());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, ErrorCode::kBusy);
  ASSERT_TRUE(with_one);
  EXPECT_THAT(with_one->names, ElementsAre("mail"));
}

TEST_F(Hooks, OfAnotherUserArePassedOver) {
  if (geteuid() != 0) return;  // only root can give files away
  Write("mail", "");
  ASSERT_EQ(::chown((hooks() + "/mail").c_str(), 12345, 12345), 0);
  EXPECT_THAT(FindHooks(hooks())->names, IsEmpty());
  ASSERT_EQ(::chown(hooks().c_str(), 12345, 12345), 0);
  EXPECT_EQ(FindHooks(hooks()).error().code, ErrorCode::kNotAllowed);
}

TEST_F(Hooks, GetTheEventAndItsNameAndNothingElse) {
  ::setenv("SPAREKEY_CANARY", "x", 1);
  const UniqueFd secret(::open("/dev/zero", O_RDONLY));  // inheritable
  Write("look", "echo \"$# $1\" >" + Out("words") + "\ncat >" + Out("input") +
                    "\nls -l /proc/self/fd >" + Out("fds") +
                    "\ntr '\\0' '\\n' </proc/$$/environ >" + Out("environ") + "\npwd >" +
                    Out("pwd") + "\ncut -d' ' -f5,6 /proc/$$/stat >" + Out("session") +
                    "\necho $$ >>" + Out("session"));
  const HookRun run = Run("look", kLong, "{\"id\":1}\n");
  EXPECT_EQ(ToString(run.end), "done") << ::testing::PrintToString(run.said);
  EXPECT_EQ(Read("words"), "1 lockout\n");
  EXPECT_EQ(Read("input"), "{\"id\":1}\n");
  EXPECT_EQ(Read("environ"), "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n");
  EXPECT_EQ(Read("pwd"), "/\n");
  std::istringstream session(Read("session"));
  int group = 0, id = 0, own = 0;
  session >> group >> id >> own;
  EXPECT_EQ(group, own);
  EXPECT_EQ(id, own);
  // ls has its own: standard input, output, error and the folder that it lists.
  std::istringstream lines(Read("fds"));
  int descriptors = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("->") == line.npos) continue;
    ++descriptors;
    EXPECT_THAT(line, ::testing::Not(HasSubstr("/dev/zero")));
    EXPECT_THAT(line, ::testing::Not(HasSubstr("eventfd")));
  }
  EXPECT_EQ(descriptors, 4);
  ::unsetenv("SPAREKEY_CANARY");
}

TEST_F(Hooks, TellHowTheyEndedAndWhatTheySaid) {
  Write("fails", "printf 'no\\033[2J mail\\n\\nsecond\\n' >&2; echo ignored; exit 3");
  const HookRun failed = Run("fails");
  EXPECT_EQ(failed.end, HookEnd::kFailed);
  EXPECT_EQ(failed.status, 3);
  EXPECT_THAT(failed.said, ElementsAre("no\\x1b[2J mail", "second"));
  Write("dies", "kill -9 $$");
  const HookRun killed = Run("dies");
  EXPECT_EQ(killed.end, HookEnd::kKilled);
  EXPECT_EQ(killed.status, 9);
}

TEST_F(Hooks, ThatCannotBeStartedAreToldSo) {
  const HookRun missing = Run("missing");
  EXPECT_EQ(missing.end, HookEnd::kNotStarted);
  EXPECT_THAT(missing.said, ElementsAre(HasSubstr("No such file")));
}

TEST_F(Hooks, ThatHangAreKilledWithAllThatTheyStarted) {
  Write("hangs", "sleep 300 & echo $! >" + Out("grandchild") + "; echo waiting >&2; sleep 300");
  const HookRun run = Run("hangs", kShort);
  EXPECT_EQ(run.end, HookEnd::kTimeout);
  EXPECT_GE(run.time, kShort);
  EXPECT_LT(run.time, kShort + milliseconds(5000));
  EXPECT_THAT(run.said, ElementsAre("waiting"));
  EXPECT_TRUE(Dies(std::stoi(Read("grandchild"))));
}

TEST_F(Hooks, ThatEndTakeWhatTheyLeftBehindWithThem) {
  Write("forks", "sleep 300 & echo $! >" + Out("grandchild"));
  EXPECT_EQ(Run("forks").end, HookEnd::kDone);  // the grandchild keeps standard error open
  EXPECT_TRUE(Dies(std::stoi(Read("grandchild"))));
}

TEST_F(Hooks, ThatIgnoreSignalsAreKilledAllTheSame) {
  Write("stubborn", "trap '' TERM INT HUP PIPE; while :; do sleep 1; done");
  EXPECT_EQ(Run("stubborn", kShort).end, HookEnd::kTimeout);
}

TEST_F(Hooks, ThatFloodCostNoMemoryAndLittleTime) {
  Write("floods", "exec yes sparekey >&2");
  const Cost before = OwnCost();
  const HookRun run = Run("floods", milliseconds(500));
  EXPECT_EQ(run.end, HookEnd::kTimeout);
  EXPECT_EQ(run.said.size(), 5u);
  EXPECT_LT(OwnCost().processor - before.processor, milliseconds(250));
  EXPECT_LT(OwnCost().memory - before.memory, 4096);
  Write("chatty", "head -c 3000000 /dev/zero >&2");  // ends all the same
  EXPECT_EQ(Run("chatty").end, HookEnd::kDone);
}

TEST_F(Hooks, ThatDoNotReadTheirInputHarmNobody) {
  Write("deaf", "exec <&-; exit 0");
  EXPECT_EQ(Run("deaf", kLong, std::string(16'000, 'x') + "\n").end, HookEnd::kDone);
}

TEST_F(Hooks, AreEndedWhenTheServiceStops) {
  Write("hangs", "sleep 300");
  eventfd_write(stop_.get(), 1);
  const HookRun run = Run("hangs");
  EXPECT_EQ(run.end, HookEnd::kStopped);
  EXPECT_LT(run.time, milliseconds(5000));
}

}  // namespace
}  // namespace sparekey
