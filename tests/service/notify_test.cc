// SPDX-License-Identifier: Apache-2.0
// Who is told of what, when, how often, and that nothing waits for it: a real store and decider,
// real programs.
#include "service/notify.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>
#include <future>
#include <thread>

#include "service/json.h"
#include "service/notify_cursor.h"
#include "tests/core/store_fixture.h"

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using testing::EventOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Notify : public testing::StoreTest {
 protected:
  Notify() {
    Close();
    settings_.folder = folder_ / "notify.d";
    settings_.cursor = folder_ / "notify.cursor";
    settings_.host = "nas.example.net";
    std::filesystem::create_directory(settings_.folder);
  }

  void Hook(const std::string& name, const std::string& script) {
    const std::string path = settings_.folder + "/" + name;
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  }
  // Writes down what it is told.
  void Scribe() { Hook("scribe", "cat >>" + (folder_ / "told")); }
  // One before the scribe that hangs until LetGo.
  void HangingHookAndScribe() {
    Hook("10-hangs",
         "echo $$ >" + (folder_ / "runs") + "; [ -e " + (folder_ / "go") + " ] || exec sleep 300");
    Hook("20-scribe", "cat >>" + (folder_ / "told"));
    ASSERT_EQ(::mkfifo((folder_ / "runs").c_str(), 0600), 0);
  }
  void WaitForTheHangingHook() {
    EXPECT_THAT(testing::ReadAll(folder_ / "runs"), ::testing::HasSubstr("\n"));
  }
  void LetGo() {
    testing::WriteAll(folder_ / "go", "");
    std::filesystem::remove(folder_ / "runs");
  }

  void Start() {
    auto store = OpenSqliteStore(state(), testing::TestKey());
    ASSERT_TRUE(store) << store.error().message;
    auto notifications = Notifications::Attach(**store, settings_);
    ASSERT_TRUE(notifications) << notifications.error().message;
    decider_ = std::make_unique<Decider>(std::move(*store));
    notifier_ = std::make_unique<Notifier>(*decider_, *std::move(notifications), settings_);
  }
  void Stop() {
    notifier_.reset();
    decider_.reset();
  }

  void Record(std::vector<Event> events) {
    std::promise<Status> done;
    decider_->Submit(
        {},
        [events](Records&) -> Result<Changes> {
          Changes changes;
          changes.events = events;
          return changes;
        },
        std::chrono::steady_clock::now() + std::chrono::seconds(60),
        [&done](Status status) { done.set_value(std::move(status)); });
    EXPECT_TRUE(done.get_future().get());
  }
  // With the store alone, as the console does without sparekeyd.
  void RecordAlone(std::vector<Event> events) {
    Open();
    EXPECT_TRUE(testing::RunOne(store(), {{}, [&events](Records&) -> Result<Changes> {
                                            Changes changes;
                                            changes.events = events;
                                            return changes;
                                          }}));
    Close();
  }
  // What was recorded before this is told when it returns.
  Notifier::Delivery Settle() {
    std::promise<Notifier::Delivery> promise;
    notifier_->OnTest([&promise](Notifier::Delivery delivery) { promise.set_value(delivery); });
    Record({EventOf(EventKind::kTest, "")});
    return promise.get_future().get();
  }
  std::vector<Json> Told() const {
    std::ifstream in(folder_ / "told");
    std::vector<Json> told;
    for (std::string line; std::getline(in, line);) told.push_back(Json::parse(line));
    return told;
  }
  std::vector<std::string> Kinds() const {
    std::vector<std::string> kinds;
    for (const Json& one : Told()) kinds.push_back(one["kind"]);
    return kinds;
  }
  std::string Cursor() const { return testing::ReadAll(settings_.cursor); }

  testing::TempFolder folder_;
  NotifySettings settings_;
  std::unique_ptr<Decider> decider_;
  std::unique_ptr<Notifier> notifier_;
};

TEST_F(Notify, TellsWhatAnAdministratorMustKnowInOrderAndNoPlainLogin) {
  Scribe();
  Start();
  Record({EventOf(EventKind::kLogin), EventOf(EventKind::kWrongCode), EventOf(EventKind::kLockout),
          EventOf(EventKind::kGateClosed, "", "lockout of ada"), EventOf(EventKind::kRecovery)});
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("lockout", "gate_closed", "recovery", "test"));
  const Json first = Told()[0];
  EXPECT_EQ(first["id"], 3);
  EXPECT_EQ(first["account"], "ada");
  EXPECT_EQ(first["host"], "nas.example.net");
  EXPECT_EQ(first["missed"], 0);
  EXPECT_THAT(first["text"].get<std::string>(), HasSubstr("sparekey user unlock ada"));
}

TEST_F(Notify, TellsEveryHookAndHowEachEnded) {
  Hook("10-good", "exit 0");
  Hook("20-bad", "echo no mailer >&2; exit 4");
  Hook("30-left.bak", "exit 0");
  Start();
  const auto delivery = Settle();
  ASSERT_EQ(delivery.runs.size(), 2u);
  EXPECT_EQ(delivery.runs[0].end, HookEnd::kDone);
  EXPECT_EQ(delivery.runs[1].status, 4);
  EXPECT_THAT(delivery.runs[1].said, ElementsAre("no mailer"));
  ASSERT_EQ(delivery.found.passed_over.size(), 1u);
  EXPECT_EQ(delivery.found.passed_over[0].name, "30-left.bak");
}

TEST_F(Notify, TellsNothingOfBeforeTheFirstStart) {
  Start();
  Record({EventOf(EventKind::kLockout)});
  Stop();
  std::filesystem::remove(settings_.cursor);
  Scribe();
  Start();
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("test"));
}

TEST_F(Notify, TellsAfterARestartWhatWasRecordedWithoutIt) {
  Scribe();
  Start();
  Settle();
  Stop();
  RecordAlone({EventOf(EventKind::kLogin), EventOf(EventKind::kConsoleReset)});
  Start();
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("test", "console_reset", "test"));
  Stop();
  EXPECT_EQ(Cursor(), "4\n");
  Start();
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("test", "console_reset", "test", "test"));
}

TEST_F(Notify, TellsAgainWhatAHookWasStoppedIn) {
  HangingHookAndScribe();
  Start();
  Record({EventOf(EventKind::kLockout)});
  WaitForTheHangingHook();
  Stop();
  EXPECT_THAT(Told(), IsEmpty());
  LetGo();
  Start();
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("lockout", "test"));
}

TEST_F(Notify, TellsAgainAllThatAStopLeftOfTheBacklog) {
  HangingHookAndScribe();
  Start();
  Record({EventOf(EventKind::kLockout), EventOf(EventKind::kCodesLow)});
  WaitForTheHangingHook();
  Stop();
  Start();
  WaitForTheHangingHook();  // now out of the backlog
  Stop();
  EXPECT_THAT(Told(), IsEmpty());
  LetGo();
  Start();
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("lockout", "codes_low", "test"));
}

TEST_F(Notify, TellsOfANewStoreAllThatIsNewerThanTheCursor) {
  Scribe();
  testing::WriteAll(settings_.cursor, "1000000\n");
  std::filesystem::permissions(settings_.cursor, std::filesystem::perms(0600));
  RecordAlone({EventOf(EventKind::kConsoleReset, "")});
  Start();
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("console_reset", "test"));
}

// A store so new and small that the old one's cursor could be its own.
TEST_F(Notify, TellsAllOfAStoreUnderANewKeyWhateverItsCursorSays) {
  Scribe();
  settings_.store = NameStore(testing::TestKey());
  const std::string old = NameStore(testing::TestKey(2));
  EXPECT_NE(settings_.store, old);
  testing::WriteAll(settings_.cursor, "1 " + old + "\n");
  std::filesystem::permissions(settings_.cursor, std::filesystem::perms(0600));
  const timespec before{testing::kNow.time_since_epoch().count() - 1, 0};
  const timespec times[] = {before, before};
  ASSERT_EQ(::utimensat(AT_FDCWD, settings_.cursor.c_str(), times, 0), 0);
  RecordAlone({EventOf(EventKind::kConsoleReset, ""), EventOf(EventKind::kConsoleReset, "ada")});
  Start();
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("console_reset", "console_reset", "test"));
  Stop();
  EXPECT_EQ(Cursor(), "3 " + settings_.store + "\n");
}

TEST_F(Notify, TellsNothingAgainOfARestoredStore) {
  Scribe();
  Start();
  Record({EventOf(EventKind::kLockout)});
  Settle();
  Stop();
  testing::WriteAll(settings_.cursor, "1000000\n");
  const timespec later{testing::kNow.time_since_epoch().count() + 1, 0};
  const timespec times[] = {later, later};
  ASSERT_EQ(::utimensat(AT_FDCWD, settings_.cursor.c_str(), times, 0), 0);
  Start();
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("lockout", "test", "test"));
}

TEST_F(Notify, TakesAnUnreadableCursorForNone) {
  Scribe();
  for (const char* text : {"", "12", "x\n", "-3\n", " \n", "12x ab\n", "99999999999999999999\n"}) {
    testing::WriteAll(settings_.cursor, text);
    std::filesystem::permissions(settings_.cursor, std::filesystem::perms(0600));
    Start();
    Settle();
    Stop();
  }
  EXPECT_EQ(Told().size(), 7u);
}

TEST_F(Notify, CountsWhatDoesNotFitIntoTheQueueAndTellsIt) {
  settings_.waiting = 2;
  const std::string gate = folder_ / "gate";
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder_ / "runs").c_str(), 0600), 0);
  Hook("10-waits", "[ $1 = lockout ] || exit 0; echo >" + (folder_ / "runs") + "; read x <" + gate);
  Hook("20-scribe", "cat >>" + (folder_ / "told"));
  Start();
  Record({EventOf(EventKind::kLockout)});
  testing::ReadAll(folder_ / "runs");  // it is out of the queue
  Record({EventOf(EventKind::kCodesLow), EventOf(EventKind::kCodesLow),
          EventOf(EventKind::kCodesLow), EventOf(EventKind::kCodesLow)});
  testing::WriteAll(gate, "\n");
  // A test event may be one too many, too: until one is told.
  while (Told().size() < 3) std::this_thread::yield();
  Settle();
  const auto told = Told();
  EXPECT_THAT(Kinds(), ElementsAre("lockout", "codes_low", "codes_low", "test"));
  EXPECT_EQ(told[0]["missed"], 0);
  EXPECT_EQ(
      told[1]["missed"].get<int>() + told[2]["missed"].get<int>() + told[3]["missed"].get<int>(),
      2);
}

TEST_F(Notify, TellsOfAWrongClockOnceInAWhile) {
  Scribe();
  Start();
  Record({EventOf(EventKind::kClockWrong), EventOf(EventKind::kClockWrong)});
  Record({EventOf(EventKind::kClockWrong)});
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("clock_wrong", "test"));
}

// What is passed over takes nobody's place either.
TEST_F(Notify, TellsOfAWrongClockOnceInAWhileOutOfTheBacklog) {
  settings_.waiting = 3;
  Scribe();
  Start();
  Settle();
  Stop();
  const auto wrong = [](std::chrono::minutes later) {
    Event event = EventOf(EventKind::kClockWrong);
    event.time += later;
    return event;
  };
  using std::chrono::minutes;
  RecordAlone({EventOf(EventKind::kLockout), wrong(minutes(0)), wrong(minutes(-59)),
               wrong(minutes(59)), wrong(minutes(-60))});
  Start();
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("test", "lockout", "clock_wrong", "clock_wrong", "test"));
  EXPECT_EQ(Told()[1]["missed"], 0);
  EXPECT_EQ(Told()[3]["id"], 6);
}

// None that is open is closed.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(Notify, WaitsWithWhatItHasNoDescriptorsFor) {
  settings_.retry = std::chrono::milliseconds(10);
  Scribe();
  Start();
  Settle();  // what is opened once is open
  std::promise<Notifier::Delivery> promise;
  auto told = promise.get_future();
  notifier_->OnTest([&promise](Notifier::Delivery delivery) { promise.set_value(delivery); });
  {
    const NoMoreDescriptors scarce;
    Record({EventOf(EventKind::kLockout), EventOf(EventKind::kTest, "")});
    EXPECT_EQ(told.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  }
  EXPECT_EQ(told.get().failure, "");
  EXPECT_THAT(Kinds(), ElementsAre("test", "lockout", "test"));
}

TEST_F(Notify, IsStoppedWhileItWaitsForDescriptorsAndTellsAfterARestart) {
  settings_.retry = std::chrono::hours(1);
  Scribe();
  Start();
  Settle();
  {
    const NoMoreDescriptors scarce;
    Record({EventOf(EventKind::kLockout)});
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // for it to find none
  }
  Stop();
  Start();
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("test", "lockout", "test"));
}

// Whoever waits for a test may throw, as all else does where memory is lacking.
TEST_F(Notify, TellsAgainWhatItThrewInWithWhatWasMissed) {
  settings_.retry = std::chrono::milliseconds(10);
  settings_.waiting = 1;
  const std::string gate = folder_ / "gate";
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder_ / "runs").c_str(), 0600), 0);
  Hook("10-waits", "[ $1 = lockout ] || exit 0; echo >" + (folder_ / "runs") + "; read x <" + gate);
  Hook("20-scribe", "cat >>" + (folder_ / "told"));
  Start();
  std::promise<void> promise;
  notifier_->OnTest([this, &promise](const Notifier::Delivery&) {
    notifier_->OnTest([&promise](const Notifier::Delivery&) { promise.set_value(); });
    throw std::bad_alloc();
  });
  Record({EventOf(EventKind::kLockout)});
  testing::ReadAll(folder_ / "runs");  // it waits no longer
  Record({EventOf(EventKind::kTest, ""), EventOf(EventKind::kCodesLow),
          EventOf(EventKind::kCodesLow)});
  testing::WriteAll(gate, "\n");
  EXPECT_EQ(promise.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  Settle();
  EXPECT_THAT(Kinds(), ElementsAre("lockout", "test", "test", "test"));
  std::vector<int> missed;
  for (const Json& one : Told()) missed.push_back(one["missed"]);
  EXPECT_THAT(missed, ElementsAre(0, 2, 2, 0));
}

TEST_F(Notify, HoldsUpNoDecision) {
  Hook("hangs", "sleep 300");
  settings_.limit = std::chrono::seconds(30);
  Start();
  Record({EventOf(EventKind::kLockout)});
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 300; ++i) Record({EventOf(EventKind::kRecovery)});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
}

TEST_F(Notify, SaysWhyNothingIsRun) {
  Scribe();
  ASSERT_EQ(::chmod(settings_.folder.c_str(), 0777), 0);
  Start();
  EXPECT_THAT(Settle().failure, HasSubstr("must belong to root"));
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(Notify, KeepsItsCursorNearWithoutAnythingToTell) {
  Start();
  std::vector<Event> logins(1500, EventOf(EventKind::kLogin));
  Record(logins);
  while (Cursor().size() < 5) std::this_thread::yield();
  EXPECT_EQ(Cursor(), "1500\n");
}

}  // namespace
}  // namespace sparekey
