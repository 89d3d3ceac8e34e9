// SPDX-License-Identifier: Apache-2.0
// Events in the store: their ids, pages of them, and how old ones go.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "core/sqlite_store.h"
#include "tests/core/store_fixture.h"
#include "tests/support/store_file.h"

namespace sparekey {
namespace {

using testing::ChangesOf;
using ::testing::ElementsAre;
using testing::kNow;
using testing::RunOne;

using StoreEvents = testing::StoreTest;

Work Appending(std::vector<Event> events) {
  return {{}, [events = std::move(events)](Records&) -> Result<Changes> {
            Changes changes;
            changes.events = events;
            return changes;
          }};
}

Event EventOf(std::string account, std::string detail, int seconds = 0) {
  Event event;
  event.account = std::move(account);
  event.detail = std::move(detail);
  event.door = Door::kSsh;
  event.time = kNow + std::chrono::seconds(seconds);
  return event;
}

std::vector<std::string> Details(const Result<EventPage>& page) {
  std::vector<std::string> details;
  for (const Event& event : page->events) details.push_back(event.detail);
  return details;
}

TEST_F(StoreEvents, GivesEventsAscendingIdsAlsoOverARestart) {
  ASSERT_TRUE(RunOne(store(), Appending({EventOf("ada", "1"), EventOf("bob", "2")})).ok());
  Open();
  ASSERT_TRUE(RunOne(store(), Appending({EventOf("ada", "3")})).ok());
  const Result<EventPage> events = store().ReadEvents({});
  ASSERT_TRUE(events.ok());
  EXPECT_THAT(Details(events), ElementsAre("3", "2", "1"));
  EXPECT_EQ(events->events[0].id, 3);
  EXPECT_EQ(events->events[0].account, "ada");
  EXPECT_EQ(events->events[0].time, kNow);
  EXPECT_EQ(events->events[0].door, Door::kSsh);
}

TEST_F(StoreEvents, ReadsEventsByIdAccountTimeAndLimit) {
  std::vector<Event> all;
  for (int i = 1; i <= 8; ++i)
    all.push_back(EventOf(i % 2 == 0 ? "ada" : "bob", std::to_string(i), i));
  ASSERT_TRUE(RunOne(store(), Appending(all)).ok());
  const auto none = std::nullopt;
  const auto read = [&](const EventQuery& query) { return Details(store().ReadEvents(query)); };
  EXPECT_THAT(read({none, none, none, none, 2}), ElementsAre("8", "7"));
  EXPECT_THAT(read({none, none, 3, none, 5}), ElementsAre("2", "1"));
  EXPECT_THAT(read({none, 5, none, none, 2}), ElementsAre("6", "7"));
  EXPECT_THAT(read({none, 2, 5, none, 100}), ElementsAre("3", "4"));
  EXPECT_THAT(read({"ada", none, none, none, 2}), ElementsAre("8", "6"));
  EXPECT_THAT(read({"ada", 2, none, none, 100}), ElementsAre("4", "6", "8"));
  EXPECT_THAT(read({none, none, none, kNow + std::chrono::seconds(7), 100}), ElementsAre("8", "7"));
  EXPECT_THAT(read({"eve", none, none, none, 100}), ElementsAre());
  EXPECT_THAT(read({none, 8, none, none, 100}), ElementsAre());
}

TEST_F(StoreEvents, LooksThroughABoundedNumberOfEventsForAPage) {
  constexpr int kLookedAt = 5000;
  std::vector<Event> all;
  for (int i = 1; i <= kLookedAt + 10; ++i) all.push_back(EventOf("ada", std::to_string(i), i));
  ASSERT_TRUE(RunOne(store(), Appending(all)).ok());
  EventQuery query;
  query.after_id = 0;
  query.since = kNow + std::chrono::seconds(kLookedAt + 9);
  const auto first = store().ReadEvents(query);
  EXPECT_TRUE(first->events.empty());
  ASSERT_EQ(first->next, kLookedAt);
  query.after_id = first->next;
  const auto second = store().ReadEvents(query);
  EXPECT_EQ(second->events.size(), 2u);
  EXPECT_FALSE(second->next);
  query.after_id.reset();
  query.since.reset();
  query.limit = 2;
  EXPECT_EQ(store().ReadEvents(query)->next, kLookedAt + 9);
  query.before_id = 3;
  EXPECT_FALSE(store().ReadEvents(query)->next);  // the page is full and the last
}

TEST_F(StoreEvents, FindsThoseOfAnAccountInEveryBlockOfThem) {
  // 256 ids are a block of the index.
  std::vector<Event> all;
  for (int i = 1; i <= 3000; ++i) {
    all.push_back(EventOf(i % 1000 == 24 ? "ada" : "bob", std::to_string(i), i));
  }
  ASSERT_TRUE(RunOne(store(), Appending(all)).ok());
  EventQuery query;
  query.account = "ada";
  EXPECT_THAT(Details(store().ReadEvents(query)), ElementsAre("2024", "1024", "24"));
  query.before_id = 2024;
  EXPECT_THAT(Details(store().ReadEvents(query)), ElementsAre("1024", "24"));
  query.before_id.reset();
  query.after_id = 24;
  EXPECT_THAT(Details(store().ReadEvents(query)), ElementsAre("1024", "2024"));
  query.limit = 1;
  const auto first = store().ReadEvents(query);
  EXPECT_THAT(Details(first), ElementsAre("1024"));
  query.after_id = first->next;
  const auto last = store().ReadEvents(query);
  EXPECT_THAT(Details(last), ElementsAre("2024"));
  EXPECT_FALSE(last->next);
}

TEST_F(StoreEvents, LooksThroughABoundedNumberOfBlocksForAPage) {
  ASSERT_TRUE(RunOne(store(), Appending({EventOf("ada", "1"), EventOf("ada", "2")})).ok());
  Close();
  testing::EditStoreFile(file(), "UPDATE event SET id=200000 WHERE id=2");
  Open();
  for (const bool up : {true, false}) {
    EventQuery query;
    query.account = "ada";
    if (up) query.after_id = 0;
    std::vector<std::int64_t> ids;
    int pages = 0;
    for (;; ++pages) {
      const auto page = store().ReadEvents(query);
      for (const Event& event : page->events) ids.push_back(event.id);
      if (!page->next) break;
      (up ? query.after_id : query.before_id) = page->next;
    }
    const std::vector<std::int64_t> wanted{1, 200000};
    if (!up) std::ranges::reverse(ids);
    EXPECT_EQ(ids, wanted);
    EXPECT_EQ(pages, 1);
  }
}

TEST_F(StoreEvents, OfAnOlderStoreAreFoundByTheirAccount) {
  std::vector<Event> all;
  for (int i = 1; i <= 1500; ++i) all.push_back(EventOf(i % 2 ? "ada" : "bob", std::to_string(i)));
  ASSERT_TRUE(RunOne(store(), Appending(all)).ok());
  for (const char* older : {"CREATE INDEX event_account ON event(account); PRAGMA user_version=2",
                            "CREATE INDEX event_block ON event(id >> 10, account);"
                            "PRAGMA user_version=3"}) {
    Close();
    testing::EditStoreFile(file(), std::string("DROP INDEX event_block;") + older);
    Open();
    EventQuery query;
    query.account = "ada";
    query.limit = 1000;
    EXPECT_EQ(store().ReadEvents(query)->events.size(), 750u) << older;
  }
}

class PruneEvents : public testing::StoreTest {
 protected:
  // Their times in seconds after kNow.
  void Record(const std::vector<int>& times) {
    std::vector<Event> events;
    for (const int time : times) events.push_back(EventOf("ada", std::to_string(time), time));
    ASSERT_TRUE(RunOne(store(), Appending(events)).ok());
  }
  // In pieces of two.
  std::int64_t Prune(const EventLimits& limits) {
    std::int64_t all = 0;
    for (std::optional<std::int64_t> after = 0; after;) {
      const auto pruned = store().PruneEvents(limits, *after, 2);
      EXPECT_TRUE(pruned.ok());
      if (!pruned) return -1;
      all += pruned->pruned;
      after = pruned->next;
    }
    return all;
  }
  std::vector<std::string> Left() { return Details(store().ReadEvents({})); }
};

TEST_F(PruneEvents, DeletesWhatIsOlder) {
  Record({1, 2, 3, 4, 5});
  EXPECT_EQ(Prune({kNow + std::chrono::seconds(4), {}}), 3);
  EXPECT_THAT(Left(), ElementsAre("5", "4"));
  Open();
  EXPECT_THAT(Left(), ElementsAre("5", "4"));
}

TEST_F(PruneEvents, DeletesAllButTheNewest) {
  Record({1, 2, 3, 4, 5});
  EXPECT_EQ(Prune({{}, 2}), 3);
  EXPECT_THAT(Left(), ElementsAre("5", "4"));
  EXPECT_EQ(Prune({{}, 2}), 0);
}

TEST_F(PruneEvents, KeepsTheNewestSoThatNoIdComesTwice) {
  Record({1, 2, 3});
  EXPECT_EQ(Prune({kNow + std::chrono::hours(1), 1}), 2);
  EXPECT_THAT(Left(), ElementsAre("3"));
  Open();
  Record({4});
  EXPECT_EQ(store().ReadEvents({})->events.front().id, 4);
}

TEST_F(PruneEvents, FindsTheOldBetweenTheYoung) {
  Record({1, 9, 9, 1, 9, 1, 9});
  EXPECT_EQ(Prune({kNow + std::chrono::seconds(5), {}}), 3);
  EXPECT_THAT(Left(), ElementsAre("9", "9", "9", "9"));
}

TEST_F(PruneEvents, FindsTheOldBehindManyYoungOnes) {
  std::vector<int> times(5'005, 9);
  times.push_back(1);
  times.push_back(9);
  Record(times);
  EXPECT_EQ(Prune({kNow + std::chrono::seconds(5), {}}), 1);
}

TEST_F(PruneEvents, KeepsTheLogSmall) {
  for (int i = 0; i < 3; ++i) Record(std::vector<int>(1'000, 1));
  store().Idle();
  const std::string log = file() + "-wal";
  const auto before = std::filesystem::file_size(log);
  EXPECT_EQ(Prune({{}, 1}), 2'999);  // with 1,500 commits
  EXPECT_LT(std::filesystem::file_size(log), before + (3 << 20));
}

TEST_F(PruneEvents, LeavesEventsAloneThatAreNotTooMany) {
  EXPECT_EQ(Prune({kNow + std::chrono::hours(1), 1}), 0);  // there are none
  Record({1, 2});
  EXPECT_EQ(Prune({kNow, 2}), 0);
  EXPECT_EQ(Prune({}), 0);
  EXPECT_THAT(Left(), ElementsAre("2", "1"));
}

TEST_F(StoreEvents, DropsTheEventsOfAStepThatFails) {
  std::vector<Work> works;
  works.push_back(Appending({EventOf("ada", "1")}));
  works.push_back({{ada_}, [](Records&) -> Result<Changes> {
                     Changes changes = ChangesOf({5});
                     changes.events.push_back(EventOf("ada", "lost"));
                     return changes;
                   }});
  works.push_back(Appending({EventOf("ada", "2")}));
  store().Run(works);
  EXPECT_THAT(Details(store().ReadEvents({})), ElementsAre("2", "1"));
}

}  // namespace
}  // namespace sparekey
