// SPDX-License-Identifier: Apache-2.0
// Rows and pages that were changed behind the store's back.
#include <sqlite3.h>

#include <filesystem>

#include "tests/core/store_fixture.h"
#include "tests/support/store_file.h"

namespace sparekey {
namespace {

using testing::CountingUp;
using testing::Failures;
using testing::KeyOf;
using testing::kNow;
using testing::Load;
using testing::MakeAccount;
using testing::Put;
using testing::ReadAll;
using testing::RunOne;
using testing::TestKey;
using testing::WriteAll;

class DamagedStore : public testing::StoreTest {
 protected:
  void Edit(const std::string& sql) {
    Close();
    EXPECT_GT(testing::EditStoreFile(file(), sql), 0);
    Open();
  }

  void ExpectDamaged(const AccountKey& key) {
    const Result<LoadedAccount> loaded = Load(store(), key);
    ASSERT_FALSE(loaded.ok()) << key.name;
    EXPECT_EQ(loaded.error().code, ErrorCode::kDamaged);
  }
};

TEST_F(DamagedStore, RefusesARecordUnderAnotherName) {
  Edit("UPDATE account SET name='eve'");
  ExpectDamaged({"eve", 1000});
}

TEST_F(DamagedStore, RefusesARecordWithAnotherUid) {
  for (const char* uid : {"1001", "NULL", "4294968296", "-1"}) {
    Edit("UPDATE account SET uid=" + std::string(uid));
    ExpectDamaged(ada_);
  }
}

TEST_F(DamagedStore, RefusesARecordWithOtherFlags) {
  Edit("UPDATE account SET flags=flags|4");
  ExpectDamaged(ada_);
}

TEST_F(DamagedStore, RefusesRecordsThatWereSwapped) {
  Account bob = MakeAccount("bob", 1001);
  ASSERT_TRUE(Put(store(), bob).ok());
  Edit(
      "CREATE TEMP TABLE old AS SELECT * FROM account; UPDATE account SET record="
      "(SELECT record FROM old WHERE old.name<>account.name)");
  ExpectDamaged(ada_);
  ExpectDamaged(KeyOf(bob));
}

TEST_F(DamagedStore, RefusesAStateValueInAnotherRow) {
  Edit("UPDATE account SET record=(SELECT value FROM state WHERE name='system')");
  ExpectDamaged(ada_);
  Close();
  testing::EditStoreFile(
      file(),
      "UPDATE state SET value=(SELECT value FROM state WHERE name='policy') WHERE name='system'");
  EXPECT_FALSE(OpenSqliteStore(state(), TestKey()).ok());
}

TEST_F(DamagedStore, ShowsEventsThatWereMovedAsDamagedBesideTheOthers) {
  const auto append = [&] {
    ASSERT_TRUE(RunOne(store(), {{},
                                 [](Records&) -> Result<Changes> {
                                   Changes changes;
                                   Event event;
                                   event.account = "ada";
                                   event.time = kNow;
                                   changes.events = {event, event};
                                   return changes;
                                 }})
                    .ok());
  };
  for (const std::string sql :
       {"UPDATE event SET id=id+1", "UPDATE event SET time=time-1",
        "UPDATE event SET account='bob'", "UPDATE event SET time=9223372036854775807",
        "UPDATE event SET body=zeroblob(60)"}) {
    Edit("DELETE FROM event; UPDATE account SET uid=uid");
    append();
    ASSERT_TRUE(store().ReadEvents({}).ok());
    Edit(sql + " WHERE id=(SELECT max(id) FROM event)");
    const Result<EventPage> events = store().ReadEvents({});
    ASSERT_TRUE(events.ok()) << sql;
    ASSERT_EQ(events->events.size(), 2U);
    EXPECT_TRUE(events->events[0].damaged) << sql;
    EXPECT_EQ(events->events[0].account, "");
    EXPECT_FALSE(events->events[1].damaged) << sql;
    EXPECT_EQ(events->events[1].account, "ada");
  }
}

TEST_F(DamagedStore, ListsADamagedRecordByNameBesideTheOthers) {
  ASSERT_TRUE(Put(store(), MakeAccount("bob", 1001)).ok());
  ASSERT_TRUE(Put(store(), MakeAccount("eve", 1002)).ok());
  Edit("UPDATE account SET record=zeroblob(100) WHERE name='bob'");
  const Result<AccountPage> page = store().ListAccounts("", 10);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->accounts.size(), 3U);
  EXPECT_TRUE(page->accounts[0].account);
  EXPECT_EQ(page->accounts[1].name, "bob");
  EXPECT_FALSE(page->accounts[1].account);
  EXPECT_TRUE(page->accounts[2].account);
  EXPECT_EQ(page->nameless, 0U);
}

TEST_F(DamagedStore, CountsRecordsWhoseNameIsDamagedOverAllPages) {
  for (const std::string name : {"bob", "eve", "kim", "zoe"}) {
    ASSERT_TRUE(Put(store(), MakeAccount(name, static_cast<uid_t>(name[0]))).ok());
  }
  Edit(
      "UPDATE account SET name=CAST(x'ff' || name AS TEXT) WHERE name IN ('ada', 'kim');"
      "UPDATE account SET name='b/b' WHERE name='bob'");
  std::uint64_t nameless = 0;
  std::vector<std::string> names;
  std::string after;
  for (std::size_t listed = 1; listed > 0; after = names.back()) {
    const Result<AccountPage> page = store().ListAccounts(after, 1);
    ASSERT_TRUE(page.ok());
    listed = page->accounts.size();
    if (listed > 0) names.push_back(page->accounts[0].name);
    nameless += page->nameless;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"eve", "zoe"}));
  EXPECT_EQ(nameless, 3U);
}

TEST_F(DamagedStore, ReplacesADamagedRecordOnlyForAWorkThatSaysSo) {
  ASSERT_TRUE(Put(store(), MakeAccount("bob", 1001)).ok());
  for (const char* damage : {"record=zeroblob(100)", "flags=8", "uid=77", "uid=NULL"}) {
    Edit("UPDATE account SET " + std::string(damage) + " WHERE name='ada'");
    EXPECT_FALSE(Put(store(), MakeAccount()).ok()) << damage;
    Work replacing = testing::Putting(MakeAccount());
    replacing.replaces_damaged = true;
    EXPECT_TRUE(RunOne(store(), std::move(replacing)).ok()) << damage;
    Open();
    const Result<LoadedAccount> ada = Load(store(), ada_);
    ASSERT_TRUE(ada.ok()) << damage;
    EXPECT_EQ(ada->account->uid, 1000U);
    EXPECT_TRUE(Load(store(), {"bob", 1001}).ok());
    EXPECT_EQ(store().CountAccounts()->active, 2U);
  }
}

TEST_F(DamagedStore, TakesTheUidFromADamagedRecordThatHoldsIt) {
  Edit("UPDATE account SET name=CAST(x'ff' || name AS TEXT)");
  const std::string holder =
      "\xff"
      "ada";
  const Result<LoadedAccount> unknown = Load(store(), ada_);
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown->uid_taken, holder);
  Work work{{ada_, {holder, std::nullopt}},
            [](Records& records) -> Result<Changes> {
              EXPECT_FALSE(records.accounts[0].damaged);
              EXPECT_TRUE(records.accounts[1].damaged);
              records.accounts[0].account = MakeAccount();
              return testing::ChangesOf({0, 1});
            },
            Ok(),
            true};
  const Status status = RunOne(store(), std::move(work));
  ASSERT_TRUE(status.ok()) << status.error().message;
  const Result<LoadedAccount> ada = Load(store(), ada_);
  ASSERT_TRUE(ada.ok());
  EXPECT_TRUE(ada->account);
  EXPECT_FALSE(ada->uid_taken);
  EXPECT_FALSE(Load(store(), {holder, std::nullopt}).ok());
}

TEST_F(DamagedStore, RefusesARecordWithAnyByteFlippedZeroedOrCutOff) {
  Close();
  const std::string whole = ReadAll(file());
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &database), SQLITE_OK);
  sqlite3_stmt* row = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(database, "SELECT record FROM account", -1, &row, nullptr),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_step(row), SQLITE_ROW);
  const std::string record(static_cast<const char*>(sqlite3_column_blob(row, 0)),
                           static_cast<std::size_t>(sqlite3_column_bytes(row, 0)));
  sqlite3_finalize(row);
  sqlite3_close(database);
  const std::size_t start = whole.find(record);
  ASSERT_NE(start, std::string::npos);
  for (std::size_t i = 0; i < record.size(); ++i) {
    for (const bool zero : {false, true}) {
      if (zero && record[i] == 0) continue;
      std::string damaged = whole;
      char& byte = damaged[start + i];
      byte = static_cast<char>(zero ? 0 : byte ^ (1 << (i % 8)));
      Close();
      WriteAll(file(), damaged);
      Open();
      ExpectDamaged(ada_);
    }
  }
  Close();
  WriteAll(file(), whole);
  Open();
  for (std::size_t size = 0; size < record.size(); size += 23) {
    Edit("UPDATE account SET record=substr(record,1," + std::to_string(size) + ")");
    ExpectDamaged(ada_);
    Close();
    WriteAll(file(), whole);
    Open();
  }
}

TEST_F(DamagedStore, DeniesTheDamagedAccountAndServesTheOthersInTheSameBatch) {
  const AccountKey bob{"bob", 1001};
  ASSERT_TRUE(Put(store(), MakeAccount("bob", 1001)).ok());
  Edit("UPDATE account SET flags=8 WHERE name='ada'");
  std::vector<Work> works;
  for (const AccountKey& key : {bob, ada_, bob}) works.push_back(CountingUp(key));
  store().Run(works);
  EXPECT_TRUE(works[0].status.ok());
  EXPECT_FALSE(works[1].status.ok());
  EXPECT_TRUE(works[2].status.ok());
  EXPECT_EQ(Failures(store(), bob), 2);
}

TEST_F(DamagedStore, NeverBelievesThatAnAccountIsUnknownWhenItsRowIsGoneFromOneTree) {
  // The row is taken out of the table, but not out of the index.
  Close();
  testing::EditStoreFile(
      file(),
      "PRAGMA writable_schema=ON; CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE"
      " name='account_uid'; DELETE FROM sqlite_schema WHERE name IN ('account_uid');");
  testing::EditStoreFile(
      file(),
      "DELETE FROM account; PRAGMA writable_schema=ON; INSERT INTO sqlite_schema SELECT * FROM "
      "kept;");
  testing::EditStoreFile(file(), "DROP TABLE kept");
  Result<std::unique_ptr<Store>> opened = OpenSqliteStore(state(), TestKey());
  // "unknown".
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const Result<LoadedAccount> loaded = Load(**opened, ada_);
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, ErrorCode::kDamaged);
}

TEST_F(DamagedStore, ServesTheOthersInABatchThatMetADamagedPage) {
  for (int i = 10; i < 60; ++i) {
    const std::string name = "user" + std::to_string(i);
    ASSERT_TRUE(Put(store(), MakeAccount(name, 2000 + static_cast<uid_t>(i))).ok());
  }
  Close();
  constexpr std::size_t kPage = 4096;
  constexpr char kLeafOfIndex = 0x0a;  // a table WITHOUT ROWID is one, too
  std::string bytes = ReadAll(file());
  for (std::size_t at = 0; at < bytes.size(); at += kPage) {
    const bool holds = bytes.substr(at, kPage).find("user40") != std::string::npos;
    if (holds && bytes[at] == kLeafOfIndex) bytes.replace(at, kPage, kPage, '\xee');
  }
  WriteAll(file(), bytes);
  Open();
  int failures = 0;
  std::vector<Work> works;
  works.push_back(CountingUp(ada_));
  works.push_back(testing::LookingAt({"user40", std::nullopt}, failures));
  works.push_back(CountingUp(ada_));
  works.push_back(testing::LookingAt({"user40", std::nullopt}, failures));
  store().Run(works);
  EXPECT_TRUE(works[0].status.ok()) << works[0].status.error().message;
  EXPECT_EQ(works[1].status.error().code, ErrorCode::kDamaged);
  EXPECT_TRUE(works[2].status.ok());
  EXPECT_EQ(works[3].status.error().code, ErrorCode::kDamaged);
  EXPECT_EQ(Failures(store(), ada_), 2);
}

class DamagedPages : public DamagedStore {
 protected:
  static constexpr int kAccounts = 60;
  static constexpr std::size_t kPage = 4096;

  DamagedPages() {
    std::vector<Work> works;
    for (int i = 0; i < kAccounts; ++i) {
      accounts_.push_back(MakeAccount("user" + std::to_string(i), 2000 + static_cast<uid_t>(i)));
      accounts_.back().otp_failures = i;
      works.push_back(testing::Putting(accounts_.back()));
    }
    store().Run(works);
    Close();
    whole_ = ReadAll(file());
  }

  // Every account is there as it was, or there is an error.
  void Check(const std::string& content, const std::string& what) {
    std::filesystem::remove(file() + "-wal");
    WriteAll(file(), content);
    const Result<std::unique_ptr<Store>> store = OpenSqliteStore(state(), TestKey());
    if (!store) return;
    for (const Account& account : accounts_) {
      const Result<LoadedAccount> loaded = Load(**store, KeyOf(account));
      if (!loaded) continue;
      ASSERT_TRUE(loaded->account) << account.name << ": " << what;
      ASSERT_EQ(loaded->account->otp_failures, account.otp_failures) << what;
      ASSERT_EQ(loaded->account->uid, account.uid) << what;
    }
  }

  std::vector<Account> accounts_;
  std::string whole_;
};

TEST_F(DamagedPages, NeverMakeAnAccountUnknownWhereABitIsFlipped) {
  ASSERT_GT(whole_.size(), 8 * kPage);
  for (std::size_t at = 0; at < whole_.size(); ++at) {
    // All of the pages' heads and cell pointers, a sample of the rest.
    if (at % kPage > 120 && at % 61 != 0) continue;
    std::string damaged = whole_;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    ASSERT_NO_FATAL_FAILURE(Check(damaged, "flipped at " + std::to_string(at)));
  }
}

TEST_F(DamagedPages, NeverMakeAnAccountUnknownWhereAPageIsLostOrMoved) {
  const std::size_t pages = whole_.size() / kPage;
  for (std::size_t a = 0; a < pages; ++a) {
    std::string zeroed = whole_;
    zeroed.replace(a * kPage, kPage, kPage, '\0');
    ASSERT_NO_FATAL_FAILURE(Check(zeroed, "zeroed page " + std::to_string(a)));
    ASSERT_NO_FATAL_FAILURE(
        Check(whole_.substr(0, a * kPage), "cut before page " + std::to_string(a)));
    for (std::size_t b = 0; b < pages; ++b) {
      std::string copied = whole_;
      copied.replace(a * kPage, kPage, whole_, b * kPage, kPage);
      ASSERT_NO_FATAL_FAILURE(
          Check(copied, "page " + std::to_string(b) + " over " + std::to_string(a)));
    }
  }
}

}  // namespace
}  // namespace sparekey
