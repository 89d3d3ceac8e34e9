// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <algorithm>
#include <stdexcept>

#include "tests/service/decider_fixture.h"

namespace sparekey {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Le;

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

TEST_F(DeciderTest, AnswersWhoOnlyLooksBeforeItWaitsForTheDisk) {
  Start();
  HoldABatch();
  auto changes = CountUp();
  std::vector<std::future<Status>> looks;
  for (int i = 0; i < 3; ++i) looks.push_back(Look());
  bool seen_before = false;
  auto last = Submit([&](Records&) -> Result<Changes> {
    seen_before = std::ranges::all_of(
        looks, [](auto& look) { return look.wait_for(0s) == std::future_status::ready; });
    return Changes{};
  });
  watch_.Release();
  EXPECT_TRUE(changes.get().ok());
  EXPECT_TRUE(last.get().ok());
  EXPECT_TRUE(seen_before);
  EXPECT_THAT(watch_.batches, ElementsAre(1, 3, 2));
  for (auto& look : looks) EXPECT_TRUE(look.get().ok());
  EXPECT_EQ(FailuresAfterwards(), 2);
}

TEST_F(DeciderTest, AnswersBeforeTheStoreIsTidied) {
  Start();
  watch_.HoldTidy();
  auto done = CountUp();
  EXPECT_EQ(done.wait_for(10s), std::future_status::ready);
  watch_.Release();
  EXPECT_TRUE(done.get().ok());
  EXPECT_TRUE(CountUp().get().ok());
  EXPECT_GE(watch_.tidies, 1);
  EXPECT_EQ(FailuresAfterwards(), 2);
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

TEST_F(DeciderTest, LosesNoWorkOfManyThreads) {
  Start({4096, 256, 1ms});
  std::atomic<int> answers = 0;
  for (std::thread& thread : CountUpInThreads(8, 100, answers)) thread.join();
  EXPECT_EQ(answers, 800);
  EXPECT_EQ(FailuresAfterwards(), 800);
}

}  // namespace
}  // namespace sparekey
