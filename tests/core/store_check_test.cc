// SPDX-License-Identifier: Apache-2.0
// The full check by pieces: goes over everything once, names what is damaged, and goes on behind
// it.
#include <gmock/gmock.h>

#include <chrono>
#include <set>

#include "tests/core/store_fixture.h"
#include "tests/support/store_file.h"

namespace sparekey {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kStored = 25;

class StoreCheck : public testing::StoreTest {
 protected:
  StoreCheck() {
    std::vector<Work> works;
    for (int i = 0; i < kStored; ++i) {
      works.push_back(testing::Putting(
          testing::MakeAccount("user" + std::to_string(i), 2000 + static_cast<uid_t>(i))));
    }
    works.push_back({{},
                     [](Records&) -> Result<Changes> {
                       Changes changes;
                       for (int i = 0; i < 30; ++i) {
                         Event event;
                         event.account = "user1";
                         event.time = TimePoint(std::chrono::seconds(1000 + i));
                         changes.events.push_back(event);
                       }
                       return changes;
                     },
                     Ok()});
    store().Run(works);
    for (const Work& work : works) EXPECT_TRUE(work.status.ok());
  }

  // All pieces; each must begin elsewhere.
  CheckedPiece CheckAll(PieceLimits limits = {.rows = 7}) {
    CheckedPiece all;
    std::set<std::string> begun;
    std::string from;
    for (;;) {
      EXPECT_TRUE(begun.insert(from).second) << from;
      const auto piece = store().Check(from, limits);
      if (!piece || begun.size() > 100) {
        ADD_FAILURE() << from;
        return all;
      }
      all.rows += piece->rows;
      all.structure = all.structure || piece->structure;
      EXPECT_LE(piece->rows, limits.rows);
      all.damage.insert(all.damage.end(), piece->damage.begin(), piece->damage.end());
      if (!piece->next) return all;
      from = *piece->next;
    }
  }

  void Edit(const std::string& sql) {
    Close();
    testing::EditStoreFile(file(), sql);
    Open();
  }
};

TEST_F(StoreCheck, GoesOverEveryRowOnceAndFindsASoundStoreSound) {
  const CheckedPiece all = CheckAll();
  EXPECT_THAT(all.damage, IsEmpty());
  EXPECT_TRUE(all.structure);
  // State, accounts with ada, their uids, events.
  EXPECT_EQ(all.rows, 3u + 2u * (kStored + 1) + 30u);
}

TEST_F(StoreCheck, NamesEveryDamagedAccountAndGoesOn) {
  Edit("UPDATE account SET flags=8 WHERE name IN ('user3', 'user20')");
  EXPECT_THAT(CheckAll().damage,
              ::testing::ElementsAre(HasSubstr("the record of user20"), HasSubstr("of user3 ")));
}

TEST_F(StoreCheck, NamesADamagedEvent) {
  Edit("UPDATE event SET account='user2' WHERE id=9");
  EXPECT_THAT(CheckAll().damage, ::testing::ElementsAre(HasSubstr("event 9 ")));
}

TEST_F(StoreCheck, PrintsNoNameThatIsNone) {
  Edit("UPDATE account SET name=x'1b5b324a' || name WHERE name='user3'");
  const auto damage = CheckAll().damage;
  EXPECT_THAT(damage, Contains(HasSubstr("a record in the store is damaged")));
  for (const std::string& line : damage) EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
}

TEST_F(StoreCheck, LeavesTheStructureOfALargeFileOut) {
  EXPECT_FALSE(CheckAll({.rows = 50, .structure_bytes = 4096}).structure);
}

TEST_F(StoreCheck, RefusesToGoOnFromNowhere) {
  for (const char* from : {"x", "accounts", "accounts:0", "accounts:zz", "uids:", "uids:1x",
                           "events:99999999999999999999", "state:1"}) {
    const auto piece = store().Check(from, {});
    ASSERT_FALSE(piece.ok()) << from;
    EXPECT_EQ(piece.error().code, ErrorCode::kInvalid);
  }
}

// Whatever one page holds instead of its own content: the check tells, and comes to its end.
TEST_F(StoreCheck, TellsEveryLostPage) {
  Close();
  const std::string whole = testing::ReadAll(file());
  constexpr std::size_t kPage = 4096;
  int told = 0;
  for (std::size_t page = 1; page < whole.size() / kPage; ++page) {
    std::string damaged = whole;
    damaged.replace(page * kPage, kPage, kPage, '\0');
    testing::WriteAll(file(), damaged);
    std::filesystem::remove(file() + "-wal");
    auto opened = OpenSqliteStore(state(), testing::TestKey());
    if (!opened) continue;  // refused as a whole
    std::string from;
    std::vector<std::string> damage;
    for (int pieces = 0;; ++pieces) {
      ASSERT_LT(pieces, 100) << "page " << page;
      const auto piece = (*opened)->Check(from, {.rows = 7, .structure_bytes = 0});
      ASSERT_TRUE(piece.ok()) << piece.error().message;
      damage.insert(damage.end(), piece->damage.begin(), piece->damage.end());
      if (!piece->next) break;
      from = *piece->next;
    }
    const auto structure = (*opened)->Check("", {});
    ASSERT_TRUE(structure.ok());
    EXPECT_FALSE(damage.empty() && structure->damage.empty()) << "page " << page;
    ++told;
  }
  EXPECT_GT(told, 3);
}

}  // namespace
}  // namespace sparekey
