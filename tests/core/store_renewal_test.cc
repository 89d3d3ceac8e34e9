// SPDX-License-Identifier: Apache-2.0
// A lost key, a store beyond repair: everybody enrols again, and nobody gets in with less.
#include "core/store_renewal.h"

#include <filesystem>

#include "tests/core/store_fixture.h"

namespace sparekey {
namespace {

using testing::KeyOf;
using testing::kNow;
using testing::Load;
using testing::MakeAccount;
using testing::Put;
using testing::RunOne;
using testing::WriteAll;

class StoreRenewal : public testing::StoreTest {
 protected:
  StoreRenewal() {
    EXPECT_TRUE(MasterKey::Create(key_).ok());  // another than the store's
    EXPECT_TRUE(Put(store(), MakeAccount("bob", 1001)).ok());
    Close();
  }

  Result<Renewal> Renew() { return RenewStore(state(), key_, kNow); }

  // The renewed store, under the renewed key.
  std::unique_ptr<Store> OpenRenewed() {
    Result<MasterKey> key = MasterKey::Load(key_);
    EXPECT_TRUE(key.ok());
    Result<std::unique_ptr<Store>> store = OpenSqliteStore(state(), std::move(*key));
    EXPECT_TRUE(store.ok()) << store.error().message;
    return std::move(*store);
  }

  static void ExpectClosedAndRequiredFor(Store& store, RequiredFor required) {
    EXPECT_TRUE(RunOne(store, {{},
                               [&](Records& records) -> Result<Changes> {
                                 EXPECT_TRUE(records.system.gate);
                                 EXPECT_EQ(records.policy.required_for, required);
                                 return Changes{};
                               }})
                    .ok());
  }

  static void ExpectMarked(Store& store, const AccountKey& key) {
    const Result<LoadedAccount> loaded = Load(store, key);
    ASSERT_TRUE(loaded.ok() && loaded->account) << key.name;
    EXPECT_TRUE(loaded->account->must_enrol);
    EXPECT_EQ(loaded->account->enrolment(), Enrolment::kNone);
    EXPECT_FALSE(loaded->account->sheet);
    EXPECT_EQ(loaded->account->uid, *key.uid);
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
  EXPECT_FALSE(std::filesystem::exists(state() + "/renewal"));
  const auto store = OpenRenewed();
  ExpectMarked(*store, ada_);
  ExpectMarked(*store, {"bob", 1001});
  ExpectClosedAndRequiredFor(*store, RequiredFor::kEnrolled);
  EXPECT_EQ(store->ReadEvents({})->size(), 3U);
}

TEST_F(StoreRenewal, NeedsNeitherTheOldKeyNorTheOldStore) {
  std::filesystem::remove(key_);
  std::filesystem::remove(file());
  const Result<Renewal> renewal = Renew();
  ASSERT_TRUE(renewal.ok()) << renewal.error().message;
  EXPECT_TRUE(renewal->some_unknown);
  ExpectClosedAndRequiredFor(*OpenRenewed(), RequiredFor::kEveryone);
}

TEST_F(StoreRenewal, RequiresEverybodyWhereTheOldStoreCannotBeRead) {
  WriteAll(file(), std::string(65536, 'x'));
  ASSERT_TRUE(Renew().ok());
  ExpectClosedAndRequiredFor(*OpenRenewed(), RequiredFor::kEveryone);
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

TEST_F(StoreRenewal, GoesOnWhereAnEarlierOneStopped) {
  std::filesystem::create_directory(state() + "/renewal");
  WriteAll(state() + "/renewal/sparekey.db", "half");
  WriteAll(key_ + ".new", "half");
  std::filesystem::remove(key_);
  ASSERT_TRUE(Renew().ok());
  ExpectMarked(*OpenRenewed(), ada_);
}

TEST_F(StoreRenewal, RefusesAStoreThatIsInUse) {
  Open();
  const Result<Renewal> renewal = Renew();
  ASSERT_FALSE(renewal.ok());
  EXPECT_EQ(renewal.error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace sparekey
