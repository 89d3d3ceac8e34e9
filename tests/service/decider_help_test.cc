// SPDX-License-Identifier: Apache-2.0
// A Decider with a helper, who decides what it submitted on its own thread.
#include <gmock/gmock.h>

#include "tests/service/decider_fixture.h"

namespace sparekey {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

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

TEST_F(DeciderTest, HelpsThoseWhoLookFirstSoThatMoreMayComeToTheOthers) {
  Start();
  decider_->BeginHelping();
  auto first = CountUp();
  auto look = Look();
  EXPECT_TRUE(decider_->Help());
  EXPECT_EQ(look.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(first.wait_for(0s), std::future_status::timeout);
  auto second = CountUp();
  auto late_look = Look();
  EXPECT_FALSE(decider_->Help());
  for (auto* const done : {&first, &second, &look, &late_look}) {
    ASSERT_EQ(done->wait_for(0s), std::future_status::ready);
    EXPECT_TRUE(done->get().ok());
  }
  EXPECT_THAT(watch_.batches, ElementsAre(1, 1, 2));
  EXPECT_EQ(FailuresAfterwards(), 2);
}

TEST_F(DeciderTest, HelpsAtOnceWhereAllLookOrNobodyDoes) {
  Start();
  decider_->BeginHelping();
  auto looks = {Look(), Look()};
  EXPECT_FALSE(decider_->Help());
  auto change = CountUp();
  EXPECT_FALSE(decider_->Help());
  EXPECT_TRUE(change.get().ok());
  EXPECT_THAT(watch_.batches, ElementsAre(2, 1));
  for (const auto& look : looks) EXPECT_EQ(look.wait_for(0s), std::future_status::ready);
}

TEST_F(DeciderTest, LeavesWhoChangesToItsThreadWhereAHelperEndsAfterTheLooks) {
  Start();
  decider_->BeginHelping();
  auto change = CountUp();
  auto look = Look();
  EXPECT_TRUE(decider_->Help());
  decider_->EndHelping();
  EXPECT_TRUE(look.get().ok());
  EXPECT_TRUE(change.get().ok());
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

TEST_F(DeciderTest, TakesNoHelpForAWhileAfterSlowBatchesInARow) {
  for (const auto alone : {std::chrono::milliseconds(60'000), 0ms}) {
    Start({4096, 256, 20ms, 50ms, 290ms, alone});
    decider_->BeginHelping();
    std::vector<bool> helped;
    const auto decide = [&](std::chrono::milliseconds time) {
      auto look = Look();  // is no batch that the disk is awaited for
      decider_->Help();
      EXPECT_TRUE(look.get().ok());
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
    // One is none in a row, nor two with a quick one between them.
    for (const auto time : {150ms, 0ms, 150ms}) decide(time);
    decide(150ms);
    // Neither a quick batch nor a read says that the disk is quick again.
    decide(0ms);
    std::promise<void> read;
    decider_->Read([&](Store&) { read.set_value(); });
    read.get_future().wait();
    decide(0ms);
    EXPECT_TRUE(helped[3]);
    if (alone > 0ms) {
      EXPECT_THAT(helped, ElementsAre(true, true, true, true, false, false));
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
  std::vector<std::thread> threads = CountUpInThreads(kThreads, kEach, answers);
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

}  // namespace
}  // namespace sparekey
