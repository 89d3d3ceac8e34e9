// SPDX-License-Identifier: Apache-2.0
#include "service/directory.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <nss.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/processes.h"

namespace sparekey {
namespace {

using std::chrono::milliseconds;
using Answer = Result<std::optional<Identity>>;

// The server's thread, played by the test: tasks and timers run when the test lets them.
class FakeThread {
 public:
  ServerThread Hooks() {
    return {[this](std::function<void()> task) {
              const std::lock_guard lock(mutex_);
              tasks_.push_back(std::move(task));
              changed_.notify_all();
            },
            [this](milliseconds delay, std::function<void()> task) {
              delays_.push_back(delay);
              timers_.push_back(std::move(task));
            }};
  }
  void RunTask() {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !tasks_.empty(); });
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
  bool HasTasks() {
    const std::lock_guard lock(mutex_);
    return !tasks_.empty();
  }
  void RunTimer() {
    const auto task = std::move(timers_.front());
    timers_.pop_front();
    task();
  }
  std::size_t TimerCount() const { return timers_.size(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::deque<std::function<void()>> timers_;
  std::vector<milliseconds> delays_;
};

// Hangs for names that begin with "hang", until the test lets go.
class FakeNss {
 public:
  ~FakeNss() { LetGo(); }
  AskDirectory Hook() {
    return [state = state_](const std::string& name) -> Answer {
      std::unique_lock lock(state->mutex);
      ++state->asked;
      state->changed.notify_all();
      if (name.starts_with("hang")) {
        state->changed.wait(lock, [&] { return state->let_go; });
      }
      if (name == "error") return Error{ErrorCode::kUnavailable, "as the test wants"};
      if (name == "throw") throw std::runtime_error("as the test wants");
      if (name == "throw 7") throw 7;
      if (name == "nobody") return std::optional<Identity>();
      return std::optional<Identity>(Identity{name, 1000, {"users"}, false});
    };
  }
  void AwaitAsked(int count) {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->asked >= count; });
  }
  int asked() {
    const std::lock_guard lock(state_->mutex);
    return state_->asked;
  }
  void LetGo() {
    const std::lock_guard lock(state_->mutex);
    state_->let_go = true;
    state_->changed.notify_all();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    int asked = 0;
    bool let_go = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();  // a hanging thread holds it on
};

Directory::Found Into(std::vector<Answer>& answers) {
  return [&answers](Answer answer) { answers.push_back(std::move(answer)); };
}

TEST(NssDirectory, AnswersOnTheServersThread) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> answers;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(1000), nss.Hook());
  directory->Lookup("ada", Into(answers));
  EXPECT_TRUE(answers.empty());
  server.RunTask();
  ASSERT_EQ(answers.size(), 1U);
  ASSERT_TRUE(answers[0] && *answers[0]);
  EXPECT_EQ((*answers[0])->name, "ada");
  EXPECT_EQ((*answers[0])->uid, 1000U);
}

TEST(NssDirectory, TellsNobodyFromErrors) {
  FakeThread server;
  FakeNss nss;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(1000), nss.Hook());
  for (const char* name : {"nobody", "error", "throw"}) {
    std::vector<Answer> answers;
    directory->Lookup(name, Into(answers));
    server.RunTask();
    ASSERT_EQ(answers.size(), 1U);
    if (std::string(name) == "nobody") {
      ASSERT_TRUE(answers[0]);
      EXPECT_FALSE(answers[0]->has_value());
    } else {
      ASSERT_FALSE(answers[0]) << name;
      EXPECT_EQ(answers[0].error().code, ErrorCode::kUnavailable);
    }
  }
}

TEST(NssDirectory, AnswersUnavailableAtTheDeadlineAndOnlyOnce) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> answers;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(0), nss.Hook());
  directory->Lookup("hang", Into(answers));
  nss.AwaitAsked(1);
  ASSERT_EQ(server.TimerCount(), 1U);
  server.RunTimer();
  ASSERT_EQ(answers.size(), 1U);
  ASSERT_FALSE(answers[0]);
  EXPECT_EQ(answers[0].error().code, ErrorCode::kUnavailable);
  nss.LetGo();
  server.RunTask();  // the late answer
  EXPECT_EQ(answers.size(), 1U);
}

TEST(NssDirectory, AnswersOthersWhileSevenHang) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> hanging, answers;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(60'000), nss.Hook());
  for (int i = 0; i < 7; ++i) directory->Lookup("hang", Into(hanging));
  nss.AwaitAsked(7);
  for (int i = 0; i < 20; ++i) directory->Lookup("ada", Into(answers));
  for (int i = 0; i < 20; ++i) server.RunTask();
  EXPECT_EQ(answers.size(), 20U);
  EXPECT_TRUE(hanging.empty());
}

TEST(NssDirectory, HasEightThreadsAndNeverAsksWhatHasExpired) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> answers;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(0), nss.Hook());
  for (int i = 0; i < 20; ++i) directory->Lookup("hang", Into(answers));
  nss.AwaitAsked(8);
  server.RunTimer();
  EXPECT_EQ(answers.size(), 20U);
  nss.LetGo();
  for (int i = 0; i < 20; ++i) server.RunTask();
  directory->Lookup("ada", Into(answers));
  server.RunTask();
  EXPECT_EQ(nss.asked(), 9);
  EXPECT_EQ(answers.size(), 21U);
  EXPECT_TRUE(answers.back());
}

TEST(NssDirectory, AsksOnceForANameThatHangs) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> answers;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(0), nss.Hook());
  directory->Lookup("hang", Into(answers));
  nss.AwaitAsked(1);
  server.RunTimer();
  directory->Lookup("hang", Into(answers));
  server.RunTask();  // without a timer
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_FALSE(answers[1]);
  directory->Lookup("ada", Into(answers));
  server.RunTask();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_TRUE(answers[2]);
  EXPECT_EQ(nss.asked(), 2);
}

TEST(NssDirectory, AsksAgainAfterTheLateAnswer) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> answers;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(0), nss.Hook());
  directory->Lookup("hang", Into(answers));
  nss.AwaitAsked(1);
  server.RunTimer();
  nss.LetGo();
  server.RunTask();  // the late answer
  directory->Lookup("hang", Into(answers));
  server.RunTask();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_TRUE(answers[1]);
}

TEST(NssDirectory, AsksAgainAfterATime) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> answers;
  const auto directory =
      MakeNssDirectory(server.Hooks(), milliseconds(0), nss.Hook(), {8, 1024, milliseconds(0)});
  directory->Lookup("hang", Into(answers));
  nss.AwaitAsked(1);
  server.RunTimer();
  directory->Lookup("hang", Into(answers));
  nss.AwaitAsked(2);
}

TEST(NssDirectory, RefusesAtOnceWhenAThousandWait) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> waiting, refused;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(60'000), nss.Hook());
  for (int i = 0; i < 8; ++i) directory->Lookup("hang", Into(waiting));
  nss.AwaitAsked(8);
  for (int i = 0; i < 1024; ++i) directory->Lookup("hang", Into(waiting));
  EXPECT_FALSE(server.HasTasks());
  directory->Lookup("ada", Into(refused));
  server.RunTask();
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_FALSE(refused[0]);
}

TEST(NssDirectory, KeepsToTheLimitsItWasGiven) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> waiting, refused;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(60'000), nss.Hook(), {2, 3});
  for (int i = 0; i < 2; ++i) directory->Lookup("hang", Into(waiting));
  nss.AwaitAsked(2);
  for (int i = 0; i < 3; ++i) directory->Lookup("ada", Into(waiting));
  directory->Lookup("ada", Into(refused));
  server.RunTask();
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_FALSE(refused[0]);
  EXPECT_EQ(nss.asked(), 2);
}

TEST(NssDirectory, AnswersAtTheDeadlineWhatThrewSomethingStrangeAndGoesOn) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> answers;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(0), nss.Hook(), {1, 3});
  directory->Lookup("throw 7", Into(answers));
  nss.AwaitAsked(1);
  directory->Lookup("ada", Into(answers));
  server.RunTask();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_TRUE(answers[0]);
  server.RunTimer();
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_FALSE(answers[1]);
}

TEST(NssDirectory, NeedsOneTimerForAll) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> answers;
  const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(60'000), nss.Hook());
  for (int i = 0; i < 100; ++i) {
    directory->Lookup("ada", Into(answers));
    server.RunTask();
  }
  EXPECT_EQ(server.TimerCount(), 1U);
  server.RunTimer();
  EXPECT_EQ(server.TimerCount(), 0U);  // nothing waits
  directory->Lookup("ada", Into(answers));
  EXPECT_EQ(server.TimerCount(), 1U);
}

TEST(NssDirectory, CallsNobodyOnceItHasEnded) {
  FakeThread server;
  FakeNss nss;
  std::vector<Answer> answers;
  {
    const auto directory = MakeNssDirectory(server.Hooks(), milliseconds(0), nss.Hook());
    directory->Lookup("hang", Into(answers));
    nss.AwaitAsked(1);
  }
  nss.LetGo();
  server.RunTimer();
  EXPECT_FALSE(server.HasTasks());
  EXPECT_TRUE(answers.empty());
}

TEST(AskNss, FindsThisProcessesUserWithGroups) {
  const passwd* user = getpwuid(geteuid());
  ASSERT_NE(user, nullptr);
  const std::string name = user->pw_name;
  const std::string group = getgrgid(user->pw_gid)->gr_name;
  const auto identity = AskNss(name);
  ASSERT_TRUE(identity && *identity);
  EXPECT_EQ((*identity)->name, name);
  EXPECT_EQ((*identity)->uid, geteuid());
  EXPECT_THAT((*identity)->groups, testing::Contains(group));
}

// In a child: NSS is the whole process's.
bool AreGroupsComplete(const char* sources) {
  const pid_t child = CheckedFork();
  if (child == 0) {
    const bool is_set =
        dlopen(NSS_BROKEN, RTLD_NOW) != nullptr && __nss_configure_lookup("group", sources) == 0;
    const auto identity = AskNss("root");
    if (!is_set || !identity || !*identity) _exit(2);
    _exit((*identity)->groups_complete ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) < 2) << sources << status;
  return status == 0;
}

TEST(AskNss, SeesASourceOfGroupsThatFails) {
  EXPECT_TRUE(AreGroupsComplete("files"));
  EXPECT_TRUE(AreGroupsComplete("files not_installed"));
  EXPECT_FALSE(AreGroupsComplete("files broken"));
  EXPECT_FALSE(AreGroupsComplete("files [SUCCESS=merge] broken"));
}

TEST(AskNss, KnowsNoUserOfAnImpossibleName) {
  using std::string_literals::operator""s;
  for (const std::string& name : {"no-such-user-sparekey"s, ""s, "root\0x"s, "root:x"s, "../root"s,
                                  std::string(10'000, 'a'), "r\xff"s}) {
    const auto identity = AskNss(name);
    ASSERT_TRUE(identity) << identity.error().message;
    EXPECT_FALSE(identity->has_value()) << name;
  }
}

TEST(AnyDirectory, KnowsEveryValidNameWithoutANumber) {
  FakeThread server;
  std::vector<Answer> answers;
  const auto directory = MakeAnyDirectory(server.Hooks(), {"ada"});
  for (const char* name : {"ada", "bob", "a/b"}) {
    directory->Lookup(name, Into(answers));
    server.RunTask();
  }
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_TRUE((*answers[0])->administrator_by_config);
  EXPECT_FALSE((*answers[1])->administrator_by_config);
  EXPECT_EQ((*answers[0])->uid, kNoUid);
  EXPECT_EQ((*answers[1])->uid, kNoUid);
  EXPECT_FALSE(answers[2]->has_value());
}

TEST(OwnDirectory, KnowsItsOwnUserOnly) {
  FakeThread server;
  FakeNss nss;
  for (const uid_t own : {1000U, 1001U}) {
    std::vector<Answer> answers;
    const auto directory =
        MakeOwnDirectory(MakeNssDirectory(server.Hooks(), milliseconds(1000), nss.Hook()), own);
    directory->Lookup("ada", Into(answers));
    server.RunTask();
    ASSERT_TRUE(answers.at(0));
    EXPECT_EQ(answers[0]->has_value(), own == 1000);
    directory->Lookup("error", Into(answers));
    server.RunTask();
    EXPECT_FALSE(answers.at(1));
  }
}

}  // namespace
}  // namespace sparekey
