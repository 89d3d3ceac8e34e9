// SPDX-License-Identifier: Apache-2.0
// A Decider over a real store that a test watches and can hold.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "service/decider.h"
#include "tests/core/store_fixture.h"

namespace sparekey {

inline constexpr auto kForEver = std::chrono::steady_clock::time_point::max();

// What the store was asked to do, and a gate that holds it while a test prepares the next thing.
struct Watch {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::size_t> batches;
  int idles = 0;
  bool held = false;
  bool holds_tidy = false;
  int tidies = 0;
  bool throws = false;          // out of the next Run
  std::atomic<int> inside = 0;  // threads in the store

  void Hold() {
    const std::lock_guard lock(mutex);
    held = true;
  }
  void Release() {
    const std::lock_guard lock(mutex);
    held = holds_tidy = false;
    changed.notify_all();
  }
  void HoldTidy() {
    const std::lock_guard lock(mutex);
    holds_tidy = true;
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
  void Tidy() override {
    EXPECT_EQ(++watch_.inside, 1);
    {
      std::unique_lock lock(watch_.mutex);
      ++watch_.tidies;
      watch_.changed.wait(lock, [&] { return !watch_.holds_tidy; });
    }
    store_->Tidy();
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

  std::future<Status> Submit(Step step, std::chrono::steady_clock::time_point deadline = kForEver,
                             Decider::Purpose purpose = Decider::Purpose::kMayChange) {
    auto promise = std::make_shared<std::promise<Status>>();
    auto future = promise->get_future();
    decider_->Submit(
        {ada_}, std::move(step), deadline,
        [promise](Status status) { promise->set_value(std::move(status)); }, purpose);
    return future;
  }
  std::future<Status> Look() {
    return Submit([](Records&) -> Result<Changes> { return Changes{}; }, kForEver,
                  Decider::Purpose::kLooks);
  }
  std::future<Status> CountUp() { return Submit(testing::CountingUp(ada_).step); }

  // Each counts up `each` times, and meanwhile reads. They are to be joined.
  std::vector<std::thread> CountUpInThreads(int threads, int each, std::atomic<int>& answers) {
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) {
      all.emplace_back([this, each, &answers] {
        for (int k = 0; k < each; ++k) {
          if (CountUp().get()) ++answers;
          if (k % 10 == 0) decider_->Read([](Store& store) { (void)store.CountAccounts(); });
        }
      });
    }
    return all;
  }

  int FailuresAfterwards() {
    decider_.reset();
    Open();
    return testing::Failures(store(), ada_);
  }

  Watch watch_;
  std::unique_ptr<Decider> decider_;
};

}  // namespace sparekey
