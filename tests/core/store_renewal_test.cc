// SPDX-License-Identifier: Apache-2.0
// A lost key, a store beyond repair: everybody enrols again, and nobody gets in with less.
#include "core/store_renewal.h"

#include <filesystem>

#include "tests/core/renewed_store.h"
#include "tests/support/store_file.h"

namespace sparekey {
namespace {

using testing::ExpectClosedAndRequired;
using testing::ExpectMarked;
using testing::kNow;
using testing::MakeAccount;
using testing::Put;
using testing::WriteAll;

class StoreRenewal : public testing::StoreTest {
 protected:
  StoreRenewal() {
    EXPECT_TRUE(MasterKey::Create(key_).ok());  // another than the store's
    EXPECT_TRUE(Put(store(), MakeAccount("bob", 1001)).ok());
    Close();
  }

  Result<Renewal> Renew() { return RenewStore(state(), key_, kNow); }

  std::unique_ptr<Store> OpenRenewed() { return testing::OpenRenewed(state(), key_); }

  // The first pages of these b-trees end one row earlier.
  void LoseLastRowOf(const std::vector<std::string>& trees) {
    std::string bytes = testing::ReadAll(file());
    for (const std::string& tree : trees) {
      constexpr std::size_t kPage = 4096;
      constexpr std::size_t kCellCount = 3;  // two bytes of the page's header
      --bytes[(testing::RootPageOf(file(), tree) - 1) * kPage + kCellCount + 1];
    }
    WriteAll(file(), bytes);
  }

  const std::string key_ = std::filesystem::path(state()).parent_path() / "master.key";
};

TEST_F(StoreRenewal, MakesEverybodyEnrolAgainUnderANewKey) {
  const std::string before = testing::ReadAll(key_);
  const Result<Renewal> renewal = Renew();
  ASSERT_TRUE(renewal.ok()) << renewal.error().message;
  EXPECT_EQ(renewal->accounts, 2U);
  EXPECT_FALSE(renewal->some_unknown);
  EXPECT_NE(testing::ReadAll(key_), before);
  EXPECT_EQ(testing::ReadAll(key_ + renewal->suffix), before);
  EXPECT_TRUE(std::filesystem::exists(file() + renewal->suffix));
  EXPECT_FALSE(std::filesystem::exists(file() + ".renewed"));
  EXPECT_FALSE(std::filesystem::exists(NewKeyPath(key_)));
  const auto store = OpenRenewed();
  ExpectMarked(*store, ada_);
  ExpectMarked(*store, {"bob", 1001});
  ExpectClosedAndRequired(*store);
  EXPECT_EQ(store->ReadEvents({})->events.size(), 3U);
}

TEST_F(StoreRenewal, NeedsNeitherTheOldKeyNorTheOldStore) {
  std::filesystem::remove(key_);
  std::filesystem::remove(file());
  const Result<Renewal> renewal = Renew();
  ASSERT_TRUE(renewal.ok()) << renewal.error().message;
  EXPECT_TRUE(renewal->some_unknown);
  ExpectClosedAndRequired(*OpenRenewed());
}

TEST_F(StoreRenewal, RequiresEverybodyWhereTheOldStoreCannotBeRead) {
  WriteAll(file(), std::string(65536, 'x'));
  ASSERT_TRUE(Renew().ok());
  ExpectClosedAndRequired(*OpenRenewed());
}

TEST_F(StoreRenewal, KnowsWhoStandsInTheLogOfAKilledProcess) {
  Open();
  ASSERT_TRUE(Put(store(), MakeAccount("eve", 1002)).ok());
  const std::string database = testing::ReadAll(file());
  const std::string log = testing::ReadAll(file() + "-wal");
  Close();
  WriteAll(file(), database);
  WriteAll(file() + "-wal", log);
  ASSERT_TRUE(Renew().ok());
  ExpectMarked(*OpenRenewed(), {"eve", 1002});
}

TEST_F(StoreRenewal, FindsNamesThatOnlyOneTreeKept) {
  const std::string whole = testing::ReadAll(file());
  const std::vector<std::vector<std::string>> cases = {
      {"account_uid", "account_flags"}, {"account", "account_flags"}, {"account", "account_uid"}};
  for (const std::vector<std::string>& lost : cases) {
    WriteAll(file(), whole);
    LoseLastRowOf(lost);
    const Result<Renewal> renewal = Renew();
    ASSERT_TRUE(renewal.ok());
    EXPECT_EQ(renewal->accounts, 2U) << lost[0];
    EXPECT_TRUE(renewal->some_unknown);
    // That of the flags has no uids.
    const Result<LoadedAccount> bob = testing::Load(*OpenRenewed(), {"bob", {}});
    ASSERT_TRUE(bob.ok() && bob->account) << lost[0];
    EXPECT_TRUE(bob->account->must_enrol);
  }
}

TEST_F(StoreRenewal, SaysThatThereMayBeMoreWhereRowsAreGoneWithoutATrace) {
  LoseLastRowOf({"account", "account_uid", "account_flags"});
  const Result<Renewal> renewal = Renew();
  ASSERT_TRUE(renewal.ok());
  EXPECT_EQ(renewal->accounts, 1U);
  EXPECT_TRUE(renewal->some_unknown);
  ExpectClosedAndRequired(*OpenRenewed());
}

TEST_F(StoreRenewal, BeginsAnewWhereAnEarlierOneWroteHalfADraft) {
  WriteAll(file() + ".renewed", "half");
  WriteAll(NewKeyPath(key_), "half");
  std::filesystem::remove(key_);
  ASSERT_TRUE(Renew().ok());
  ExpectMarked(*OpenRenewed(), ada_);
}

// The store came into its place, the key did not.
TEST_F(StoreRenewal, FinishesAnEarlierOneAndStillSaysWhatThatDidNotKnow) {
  LoseLastRowOf({"account"});
  const Result<Renewal> first = Renew();
  ASSERT_TRUE(first.ok());
  const std::string key = testing::ReadAll(key_);
  std::filesystem::rename(key_, NewKeyPath(key_));
  std::filesystem::rename(key_ + first->suffix, key_);
  const Result<Renewal> second = RenewStore(state(), key_, kNow + std::chrono::hours(1));
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_EQ(second->suffix, first->suffix);
  EXPECT_EQ(second->accounts, 2U);
  EXPECT_TRUE(second->some_unknown);
  EXPECT_EQ(testing::ReadAll(key_), key);
  ExpectMarked(*OpenRenewed(), ada_);
}

// What was enrolled since must be marked, too.
TEST_F(StoreRenewal, BeginsAnewWhereTheOldStoreIsStillInItsPlace) {
  const std::string old_store = testing::ReadAll(file());
  const Result<Renewal> first = Renew();
  ASSERT_TRUE(first.ok());
  std::filesystem::rename(key_, NewKeyPath(key_));
  std::filesystem::rename(file(), file() + ".renewed");
  std::filesystem::rename(file() + first->suffix, file());
  ASSERT_EQ(testing::ReadAll(file()), old_store);
  Open();
  ASSERT_TRUE(Put(store(), MakeAccount("eve", 1002)).ok());
  Close();
  ASSERT_TRUE(Renew().ok());
  ExpectMarked(*OpenRenewed(), {"eve", 1002});
}

TEST_F(StoreRenewal, KeepsTheFilesOfTwoRenewalsInOneSecond) {
  const Result<Renewal> first = Renew();
  const Result<Renewal> second = Renew();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->suffix, second->suffix);
  EXPECT_TRUE(std::filesystem::exists(file() + first->suffix));
  EXPECT_TRUE(std::filesystem::exists(key_ + second->suffix));
}

TEST_F(StoreRenewal, KeepsTheOldFilesPrivateWhateverTheyWere) {
  for (const std::string& path : {key_, file()}) {
    std::filesystem::permissions(path, std::filesystem::perms(0644));
  }
  const Result<Renewal> renewal = Renew();
  ASSERT_TRUE(renewal.ok());
  for (const std::string& path : {key_, file()}) {
    EXPECT_EQ(std::filesystem::status(path + renewal->suffix).permissions(),
              std::filesystem::perms(0600));
  }
}

TEST_F(StoreRenewal, LeavesAllInPlaceWhereNoNewKeyCanBeMade) {
  const std::string before = testing::ReadAll(key_);
  std::filesystem::create_directory(NewKeyPath(key_));  // in the new key's way
  const Result<Renewal> renewal = Renew();
  ASSERT_FALSE(renewal.ok());
  EXPECT_EQ(testing::ReadAll(key_), before);
  Open();
  EXPECT_EQ(testing::Failures(store(), ada_), 0);
}

// Its names cannot be told here, and it is not damaged.
TEST_F(StoreRenewal, RefusesAStoreOfANewerVersionAndChangesNothing) {
  std::string bytes = testing::ReadAll(file());
  constexpr std::size_t kUserVersion = 63;  // its last byte, https://sqlite.org/fileformat.html
  bytes[kUserVersion] = static_cast<char>(kSchemaVersion + 1);
  const std::string key = testing::ReadAll(key_);
  // In its place, and where an interrupted renewal has moved it away already.
  for (const std::string& place : {file(), file() + ".renewed"}) {
    std::filesystem::remove(file());
    WriteAll(place, bytes);
    const Result<Renewal> renewal = Renew();
    ASSERT_FALSE(renewal.ok()) << place;
    EXPECT_NE(renewal.error().message.find("a newer sparekey"), std::string::npos);
    EXPECT_EQ(testing::ReadAll(place), bytes);
    EXPECT_EQ(testing::ReadAll(key_), key);
    EXPECT_FALSE(std::filesystem::exists(NewKeyPath(key_)));
  }
}

TEST_F(StoreRenewal, RefusesAStoreThatIsInUse) {
  Open();
  const Result<Renewal> renewal = Renew();
  ASSERT_FALSE(renewal.ok());
  EXPECT_EQ(renewal.error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace sparekey
