// SPDX-License-Identifier: Apache-2.0
#include "service/decider.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/core/store_fixture.h"

namespace sparekey {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Le;

constexpr auto kForEver = std::chrono::steady_clock::time_point::max();

// What the store was asked to do, and a gate that holds it while a test prepares the next thing.
struct Watch {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::size_t> batches;
  int idles = 0;
  bool held = false;
  bool throws = false;          // out of the next Run
  std::atomic<int> inside = 0;  // threads in the store

  void Hold() {
    const std::lock_guard lock(mutex);
    held = true;
  }
  void Release() {
    const std::lock_guard lock(mutex);
    held = false;
    changed.notify_all();
  }
  void ThrowNext() {
    const std::lock_guard lock(mutex);
    throws = true;
  }
  void WaitForBatches(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return batches.size() >= count; });
  }
  void WaitForIdles(int count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return idles >= count; });
  }
};

// The real store behind a Watch.
class WatchedStore final : public Store {
 public:
  WatchedStore(std::unique_ptr<Store> store, Watch& watch)
      : store_(std::move(store)), watch_(watch) {}

  void Run(std::span<Work> works) override {
    EXPECT_EQ(++watch_.inside, 1);
    {
      std::unique_lock lock(watch_.mutex);
      watch_.batches.push_back(works.size());
      watch_.changed.notify_all();
      watch_.changed.wait(lock, [&] { return !watch_.held; });
      if (std::exchange(watch_.throws, false)) {
        --watch_.inside;
        throw std::bad_alloc();
      }
    }
    store_->Run(works);
    --watch_.inside;
  }
  Result<AccountPage> ListAccounts(const std::string& after, std::size_t limit) override {
    return store_->ListAccounts(after, limit);
  }
  Result<AccountCounts> CountAccounts() override { return store_->CountAccounts(); }
  Result<std::vector<std::string>> ListClosedGates() override { return store_->ListClosedGates(); }
  Result<std::vector<std::string>> ListPending(const std::string& after,
                                               std::size_t limit) override {
    return store_->ListPending(after, limit);
  }
  Result<std::vector<std::string>> ListLocked(const std::string& after,
                                              std::size_t limit) override {
    return store_->ListLocked(after, limit);
  }
  Result<EventPage> ReadEvents(const EventQuery& query) override {
    return store_->ReadEvents(query);
  }
  Result<PrunedEvents> PruneEvents(const EventLimits& limits, std::int64_t after_id,
                                   std::size_t piece) override {
    return store_->PruneEvents(limits, after_id, piece);
  }
  Result<std::vector<Alert>> ListAlerts(const AlertQuery& query) override {
    return store_->ListAlerts(query);
  }
  Result<std::uint64_t> CountOpenAlerts() override { return store_->CountOpenAlerts(); }
  void SetListener(Listener listener) override { store_->SetListener(std::move(listener)); }
  Result<CheckedPiece> Check(const std::string& from, const PieceLimits& limits) override {
    return store_->Check(from, limits);
  }
  void Idle() override {
    EXPECT_EQ(++watch_.inside, 1);
    store_->Idle();
    --watch_.inside;
    const std::lock_guard lock(watch_.mutex);
    ++watch_.idles;
    watch_.changed.notify_all();
  }

 private:
  std::unique_ptr<Store> store_;
  Watch& watch_;
};

class DeciderTest : public testing::StoreTest {
 protected:
  DeciderTest() { Close(); }

  void Start(Decider::Limits limits = {}) {
    Result<std::unique_ptr<Store>> store = OpenSqliteStore(state(), testing::TestKey());
    ASSERT_TRUE(store.ok());
    decider_ = std::make_unique<Decider>(std::make_unique<WatchedStore>(std::move(*store), watch_),
                                         limits);
  }

  // A batch is in the store and stays there: what is submitted now waits.
  std::future<Status> HoldABatch() {
    watch_.Hold();
    auto held = Submit(testing::CountingUp(ada_).step);
    watch_.WaitForBatches(1);
    return held;
  }

  std::future<Status> Submit(Step step, std::chrono::steady_clock::time_point deadline = kForEver) {
    auto promise = std::make_shared<std::promise<Status>>();
    auto future = promise->get_future();
    decider_->Submit({ada_}, std::move(step), deadline,
                     [promise](Status status) { promise->set_value(std::move(status)); });
    return future;
  }
  std::future<Status> CountUp() { return Submit(testing::CountingUp(ada_).step); }

  int FailuresAfterwards() {
    decider_.reset();
    Open();
    return testing::Failures(store(), ada_);
  }

  Watch watch_;
  std::unique_ptr<Decider> decider_;
};

TEST_F(DeciderTest, AnswersWhenTheWorkIsDone) {
  Start();
  EXPECT_TRUE(CountUp().get().ok());
  EXPECT_EQ(FailuresAfterwards(), 1);
}

TEST_F(DeciderTest, GivesEachWorkItsOwnStatus) {
  Start();
  HoldABatch();
  auto good = CountUp();
  auto bad = Submit([](Records&) -> Result<Changes> { return Error{ErrorCode::kConflict, "so"}; });
  auto last = CountUp();
  watch_.Release();
  EXPECT_TRUE(good.get().ok());
  EXPECT_EQ(bad.get().error().code, ErrorCode::kConflict);
  EXPECT_TRUE(last.get().ok());
}

TEST_F(DeciderTest, TakesAllThatWaitsAsOneBatch) {
  Start();
  HoldABatch();
  std::vector<std::future<Status>> waiting;
  for (int i = 0; i < 50; ++i) waiting.push_back(CountUp());
  watch_.Release();
  for (auto& status : waiting) EXPECT_TRUE(status.get().ok());
  EXPECT_THAT(watch_.batches, ElementsAre(1, 50));
  EXPECT_EQ(FailuresAfterwards(), 51);
}

TEST_F(DeciderTest, KeepsABatchWithinItsLimit) {
  Start({4096, 8, 20ms});
  HoldABatch();
  std::vector<std::future<Status>> waiting;
  for (int i = 0; i < 30; ++i) waiting.push_back(CountUp());
  watch_.Release();
  for (auto& status : waiting) EXPECT_TRUE(status.get().ok());
  EXPECT_THAT(watch_.batches, Each(Le(8U)));
  EXPECT_EQ(FailuresAfterwards(), 31);
}

TEST_F(DeciderTest, DecidesInTheOrderOfSubmission) {
  Start({4096, 7, 20ms});
  HoldABatch();
  std::vector<int> order;
  std::vector<std::future<Status>> waiting;
  for (int i = 0; i < 40; ++i) {
    waiting.push_back(Submit([&order, i](Records&) -> Result<Changes> {
      order.push_back(i);
      return Changes{};
    }));
  }
  watch_.Release();
  for (auto& status : waiting) EXPECT_TRUE(status.get().ok());
  EXPECT_EQ(order.size(), 40U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(DeciderTest, SaysBusyWhileTooManyWait) {
  Start({3, 256, 20ms});
  HoldABatch();
  std::vector<std::future<Status>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(CountUp());
  auto refused = CountUp();
  ASSERT_EQ(refused.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(refused.get().error().code, ErrorCode::kBusy);
  watch_.Release();
  for (auto& status : waiting) EXPECT_TRUE(status.get().ok());
  EXPECT_TRUE(CountUp().get().ok());
  EXPECT_EQ(FailuresAfterwards(), 5);
}

TEST_F(DeciderTest, DropsAWorkThatWaitedPastItsDeadline) {
  Start();
  HoldABatch();
  auto late = Submit(testing::CountingUp(ada_).step, std::chrono::steady_clock::now());
  auto in_time = CountUp();
  watch_.Release();
  EXPECT_EQ(late.get().error().code, ErrorCode::kBusy);
  EXPECT_TRUE(in_time.get().ok());
  EXPECT_EQ(FailuresAfterwards(), 2);
}

TEST_F(DeciderTest, DropsAWorkWhoseTurnInTheBatchComesTooLate) {
  Start();
  HoldABatch();
  const auto deadline = std::chrono::steady_clock::now() + 500ms;
  auto slow = Submit([&](Records&) -> Result<Changes> {
    std::this_thread::sleep_until(deadline + 1ms);
    return Changes{};
  });
  auto late = Submit(testing::CountingUp(ada_).step, deadline);
  auto in_time = CountUp();
  watch_.Release();
  EXPECT_TRUE(slow.get().ok());
  EXPECT_EQ(late.get().error().code, ErrorCode::kBusy);
  EXPECT_TRUE(in_time.get().ok());
  EXPECT_EQ(FailuresAfterwards(), 2);
}

TEST_F(DeciderTest, DeniesABatchWhoseStoreThrowsAndGoesOn) {
  Start();
  auto held = HoldABatch();
  watch_.ThrowNext();  // out of the held batch
  watch_.Release();
  EXPECT_EQ(held.get().error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(CountUp().get().ok());
  EXPECT_EQ(FailuresAfterwards(), 1);
}

TEST_F(DeciderTest, ReadsBetweenTransactions) {
  Start();
  HoldABatch();
  std::promise<int> inside;
  std::promise<std::size_t> accounts;
  decider_->Read([&](Store& store) {
    inside.set_value(watch_.inside);
    accounts.set_value(store.ListAccounts("", 10)->accounts.size());
  });
  auto counted = CountUp();
  watch_.Release();
  EXPECT_EQ(inside.get_future().get(), 0);
  EXPECT_EQ(accounts.get_future().get(), 1U);
  EXPECT_TRUE(counted.get().ok());
}

TEST_F(DeciderTest, KeepsHouseOnceWhenNothingWaits) {
  Start({4096, 256, 1ms});
  watch_.WaitForIdles(1);
  EXPECT_TRUE(CountUp().get().ok());
  watch_.WaitForIdles(2);
  // Nothing came in between: it sleeps until the next work.
  EXPECT_TRUE(CountUp().get().ok());
  watch_.WaitForIdles(3);
  decider_.reset();
  EXPECT_EQ(watch_.idles, 3);
}

TEST_F(DeciderTest, FinishesWhatWaitsBeforeItEnds) {
  Start({4096, 4, 20ms});
  HoldABatch();
  std::vector<std::future<Status>> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(CountUp());
  bool read = false;
  decider_->Read([&](Store&) { read = true; });
  watch_.Release();
  decider_.reset();
  for (auto& status : waiting) {
    ASSERT_EQ(status.wait_for(0s), std::future_status::ready);
    EXPECT_TRUE(status.get().ok());
  }
  EXPECT_TRUE(read);
  EXPECT_EQ(FailuresAfterwards(), 21);
}

TEST_F(DeciderTest, GoesOnAfterACallbackThatThrows) {
  Start();
  decider_->Submit({ada_}, testing::CountingUp(ada_).step, kForEver,
                   [](const Status&) { throw std::runtime_error("gone"); });
  decider_->Read([](Store&) { throw std::runtime_error("gone"); });
  EXPECT_TRUE(CountUp().get().ok());
  EXPECT_EQ(FailuresAfterwards(), 2);
}

TEST_F(DeciderTest, LetsACallbackSubmitTheNextWork) {
  Start();
  std::promise<Status> second;
  decider_->Submit({ada_}, testing::CountingUp(ada_).step, kForEver, [&](const Status&) {
    decider_->Submit({ada_}, testing::CountingUp(ada_).step, kForEver,
                     [&](Status status) { second.set_value(std::move(status)); });
  });
  EXPECT_TRUE(second.get_future().get().ok());
  EXPECT_EQ(FailuresAfterwards(), 2);
}

TEST_F(DeciderTest, LetsAHelperDecideOnItsOwnThread) {
  Start();
  decider_->BeginHelping();
  std::thread::id decided;
  auto first = Submit([&](Records&) -> Result<Changes> {
    decided = std::this_thread::get_id();
    return Changes{};
  });
  auto second = CountUp();
  decider_->Help();
  ASSERT_EQ(first.wait_for(0s), std::future_status::ready);
  ASSERT_EQ(second.wait_for(0s), std::future_status::ready);
  EXPECT_TRUE(second.get().ok());
  EXPECT_EQ(decided, std::this_thread::get_id());
  EXPECT_THAT(watch_.batches, ElementsAre(2));
  EXPECT_EQ(FailuresAfterwards(), 1);
}

TEST_F(DeciderTest, HoldsUpNoHelperWhileItsThreadIsInTheStore) {
  Start();
  auto held = HoldABatch();
  decider_->BeginHelping();
  auto waiting = CountUp();
  decider_->Help();
  EXPECT_EQ(waiting.wait_for(0s), std::future_status::timeout);
  watch_.Release();
  EXPECT_TRUE(held.get().ok());
  EXPECT_TRUE(waiting.get().ok());
  EXPECT_EQ(FailuresAfterwards(), 2);
}

TEST_F(DeciderTest, TakesNoHelpForAWhileAfterASlowBatch) {
  for (const auto alone : {std::chrono::milliseconds(60'000), 0ms}) {
    Start({4096, 256, 20ms, 50ms, alone});
    decider_->BeginHelping();
    std::vector<bool> helped;
    const auto decide = [&](std::chrono::milliseconds time) {
      std::thread::id decided;
      auto status = Submit([&](Records&) -> Result<Changes> {
        decided = std::this_thread::get_id();
        std::this_thread::sleep_for(time);
        return Changes{};
      });
      decider_->Help();
      EXPECT_TRUE(status.get().ok());
      helped.push_back(decided == std::this_thread::get_id());
    };
    decide(60ms);
    // Neither a quick batch nor a read says that the disk is quick again.
    decide(0ms);
    std::promise<void> read;
    decider_->Read([&](Store&) { read.set_value(); });
    read.get_future().wait();
    decide(0ms);
    EXPECT_TRUE(helped[0]);
    if (alone > 0ms) {
      EXPECT_THAT(helped, ElementsAre(true, false, false));
    }
    // Its thread may still be about to leave the store.
    for (int i = 0; i < 5000 && alone == 0ms && !helped.back(); ++i) {
      std::this_thread::sleep_for(1ms);
      decide(0ms);
    }
    EXPECT_EQ(helped.back(), alone == 0ms);
    decider_.reset();
  }
}

TEST_F(DeciderTest, DoesWhatAHelperLeavesBehind) {
  Start();
  decider_->BeginHelping();
  auto left = CountUp();
  decider_->EndHelping();
  EXPECT_TRUE(left.get().ok());
  EXPECT_TRUE(CountUp().get().ok());
  EXPECT_EQ(FailuresAfterwards(), 2);
}

TEST_F(DeciderTest, KeepsHouseAfterHelp) {
  Start({4096, 256, 1ms});
  watch_.WaitForIdles(1);
  decider_->BeginHelping();
  auto counted = CountUp();
  decider_->Help();
  EXPECT_TRUE(counted.get().ok());
  watch_.WaitForIdles(2);
}

TEST_F(DeciderTest, LetsACallbackOfAHelpedWorkSubmitTheNext) {
  Start();
  decider_->BeginHelping();
  std::promise<Status> second;
  decider_->Submit({ada_}, testing::CountingUp(ada_).step, kForEver, [&](const Status&) {
    decider_->Submit({ada_}, testing::CountingUp(ada_).step, kForEver,
                     [&](Status status) { second.set_value(std::move(status)); });
  });
  decider_->Help();
  EXPECT_TRUE(second.get_future().get().ok());
  EXPECT_EQ(FailuresAfterwards(), 2);
}

TEST_F(DeciderTest, LosesNoWorkOfManyThreadsAndAHelper) {
  constexpr int kThreads = 4;
  constexpr int kEach = 100;
  Start({4096, 16, 1ms});
  std::atomic<int> answers = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kEach; ++k) {
        if (CountUp().get()) ++answers;
      }
    });
  }
  decider_->BeginHelping();
  for (int k = 0; k < kEach; ++k) {
    std::vector<std::future<Status>> own;
    for (int i = 0; i < 3; ++i) own.push_back(CountUp());
    if (k % 10 == 0) decider_->Read([](Store& store) { (void)store.CountAccounts(); });
    decider_->Help();
    for (auto& status : own) answers += status.get().ok() ? 1 : 0;
  }
  decider_->EndHelping();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers, (kThreads + 3) * kEach);
  EXPECT_EQ(FailuresAfterwards(), (kThreads + 3) * kEach);
}

TEST_F(DeciderTest, LosesNoWorkOfManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kEach = 100;
  Start({4096, 256, 1ms});
  std::atomic<int> answers = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kEach; ++k) {
        if (CountUp().get()) ++answers;
        if (k % 10 == 0) decider_->Read([](Store& store) { (void)store.CountAccounts(); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers, kThreads * kEach);
  EXPECT_EQ(FailuresAfterwards(), kThreads * kEach);
}

}  // namespace
}  // namespace sparekey
