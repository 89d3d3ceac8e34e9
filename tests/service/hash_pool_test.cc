// SPDX-License-Identifier: Apache-2.0
#include "service/hash_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>

namespace sparekey {
namespace {

TEST(HashPool, RunsWhatIsSubmitted) {
  std::latch done(100);
  HashPool pool(2, 100);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.Submit([&] { done.count_down(); }));
  done.wait();
}

TEST(HashPool, RunsNoMoreAtOnceThanItHasThreads) {
  std::atomic<int> now = 0, most = 0;
  std::latch done(50);
  HashPool pool(3, 50);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(pool.Submit([&] {
      const int running = ++now;
      for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
      }
      std::this_thread::yield();
      --now;
      done.count_down();
    }));
  }
  done.wait();
  EXPECT_LE(most, 3);
}

TEST(HashPool, RefusesWhatItsQueueCannotHold) {
  std::promise<void> release;
  std::latch started(2);
  HashPool pool(2, 3);
  const auto block = [&, wait = release.get_future().share()] {
    started.count_down();
    wait.wait();
  };
  ASSERT_TRUE(pool.Submit(block));
  ASSERT_TRUE(pool.Submit(block));
  started.wait();
  bool was_called = false;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_FALSE(pool.Submit([&] { was_called = true; }));
  EXPECT_FALSE(was_called);
  release.set_value();
}

TEST(HashPool, WithoutAQueueTakesWhatItCanBeginAtOnce) {
  std::latch done(1);
  HashPool pool(1, 0);
  EXPECT_TRUE(pool.Submit([&] { done.count_down(); }));
  done.wait();
}

TEST(HashPool, GoesOnAfterAWorkThatThrows) {
  std::latch done(1);
  HashPool pool(1, 10);
  ASSERT_TRUE(pool.Submit([] { throw std::runtime_error("as the test wants"); }));
  ASSERT_TRUE(pool.Submit([&] { done.count_down(); }));
  done.wait();
}

TEST(HashPool, JoinsWhatRunsAndDropsWhatWaits) {
  std::atomic<int> ran = 0;
  std::latch started(1);
  const auto held = std::make_shared<int>(0);
  std::promise<void> release;
  std::thread helper;
  {
    HashPool pool(1, 10);
    ASSERT_TRUE(pool.Submit([&, wait = release.get_future().share()] {
      started.count_down();
      wait.wait();
      ++ran;
    }));
    started.wait();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(pool.Submit([&, held] { ++ran; }));
    // Let go only when the pool has dropped its queue, so that it is ending.
    helper = std::thread([&] {
      while (held.use_count() > 1) std::this_thread::yield();
      release.set_value();
    });
  }
  helper.join();
  EXPECT_EQ(ran, 1);
}

}  // namespace
}  // namespace sparekey
