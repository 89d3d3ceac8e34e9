// SPDX-License-Identifier: Apache-2.0
#include "core/sqlite_store.h"

#include <gmock/gmock.h>

#include <stdexcept>
#include <tuple>

#include "tests/core/store_fixture.h"

namespace sparekey {
namespace {

using testing::ChangesOf;
using testing::CountingUp;
using ::testing::ElementsAre;
using testing::Failures;
using testing::KeyOf;
using testing::kNow;
using testing::Load;
using testing::LookingAt;
using testing::MakeAccount;
using testing::Put;
using testing::Putting;
using testing::RunOne;

using SqliteStore = testing::StoreTest;

TEST_F(SqliteStore, GivesBackWhatWasStoredBeforeItWasClosed) {
  Account bob = MakeAccount("bob", 1001);
  bob.otp_failures = 3;
  bob.gate = GateClosure{kNow, "closed"};
  ASSERT_TRUE(Put(store(), bob).ok());
  Open();
  const Result<LoadedAccount> loaded = Load(store(), KeyOf(bob));
  ASSERT_TRUE(loaded.ok());
  ASSERT_TRUE(loaded->account);
  EXPECT_EQ(loaded->account->name, "bob");
  EXPECT_EQ(loaded->account->uid, 1001U);
  EXPECT_EQ(loaded->account->otp_failures, 3);
  EXPECT_EQ(loaded->account->gate->reason, "closed");
  EXPECT_EQ(loaded->account->authenticators[0].secret.ExposeText(), "12345678901234567890");
  EXPECT_FALSE(loaded->uid_taken);
}

TEST_F(SqliteStore, StoresNoSecretInTheClear) {
  Close();
  EXPECT_EQ(testing::ReadAll(file()).find("12345678901234567890"), std::string::npos);
}

TEST_F(SqliteStore, KnowsThatAnAccountIsUnknown) {
  const Result<LoadedAccount> loaded = Load(store(), {"carl", 1002});
  ASSERT_TRUE(loaded.ok());
  EXPECT_FALSE(loaded->account);
  EXPECT_FALSE(loaded->uid_taken);
}

TEST_F(SqliteStore, TellsWhoHasTheUidOfAnUnknownName) {
  const Result<LoadedAccount> loaded = Load(store(), {"eve", 1000});
  ASSERT_TRUE(loaded.ok());
  EXPECT_FALSE(loaded->account);
  EXPECT_EQ(loaded->uid_taken, "ada");
}

TEST_F(SqliteStore, GivesARecordWhoseUidHasChangedAndWhoHasTheNewOne) {
  ASSERT_TRUE(Put(store(), MakeAccount("bob", 1001)).ok());
  const Result<LoadedAccount> loaded = Load(store(), {"ada", 1001});
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->account->uid, 1000U);
  EXPECT_EQ(loaded->uid_taken, "bob");
}

TEST_F(SqliteStore, HandsAUidOnWhenBothRecordsChange) {
  const AccountKey new_name{"eve", 1000};
  const Status status =
      RunOne(store(), {{{"ada", 1000}, new_name}, [](Records& records) -> Result<Changes> {
                         records.accounts[0].account->uid = kNoUid;
                         records.accounts[1].account = MakeAccount("eve", 1000);
                         return ChangesOf({1, 0});
                       }});
  ASSERT_TRUE(status.ok()) << status.error().message;
  Open();
  EXPECT_EQ(Load(store(), new_name)->account->name, "eve");
  EXPECT_EQ(Load(store(), {"ada", 1000})->account->uid, kNoUid);
  EXPECT_EQ(Load(store(), {"ada", 1000})->uid_taken, "eve");
}

TEST_F(SqliteStore, SwapsTheUidsOfTwoAccounts) {
  ASSERT_TRUE(Put(store(), MakeAccount("bob", 1001)).ok());
  const Status status = RunOne(
      store(), {{{"ada", 1000}, {"bob", 1001}}, [](Records& records) -> Result<Changes> {
                  std::swap(records.accounts[0].account->uid, records.accounts[1].account->uid);
                  return ChangesOf({0, 1});
                }});
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(Load(store(), {"ada", 1001})->account->uid, 1001U);
  EXPECT_EQ(Load(store(), {"bob", 1000})->account->uid, 1000U);
}

TEST_F(SqliteStore, KeepsAnyNumberOfRecordsWithoutAUid) {
  for (const char* name : {"x", "y", "z"}) {
    ASSERT_TRUE(Put(store(), MakeAccount(name, kNoUid)).ok());
    EXPECT_TRUE(Load(store(), {name, std::nullopt})->account);
  }
}

TEST_F(SqliteStore, RefusesAUidThatAnotherRecordHas) {
  const Status status =
      RunOne(store(), {{{"eve", std::nullopt}}, [](Records& records) -> Result<Changes> {
                         records.accounts[0].account = MakeAccount("eve", 1000);
                         return ChangesOf({0});
                       }});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kConflict);
  EXPECT_EQ(Failures(store(), ada_), 0);
}

TEST_F(SqliteStore, KeepsSystemAndPolicy) {
  const Status status = RunOne(store(), {{}, [](Records& records) -> Result<Changes> {
                                           records.system.gate = GateClosure{kNow, "closed"};
                                           records.policy.lockout_otp_attempts = 7;
                                           Changes changes;
                                           changes.system = changes.policy = true;
                                           return changes;
                                         }});
  ASSERT_TRUE(status.ok());
  for (int round = 0; round < 2; ++round) {
    SystemState system;
    Policy policy;
    ASSERT_TRUE(RunOne(store(), {{},
                                 [&](Records& records) -> Result<Changes> {
                                   system = records.system;
                                   policy = records.policy;
                                   return Changes{};
                                 }})
                    .ok());
    EXPECT_EQ(system.gate->reason, "closed");
    EXPECT_EQ(policy.lockout_otp_attempts, 7);
    Open();
  }
}

TEST_F(SqliteStore, WritesOnlyWhatTheStepNamed) {
  ASSERT_TRUE(RunOne(store(), {{ada_},
                               [](Records& records) -> Result<Changes> {
                                 records.accounts[0].account->otp_failures = 9;
                                 records.system.gate = GateClosure{kNow, "closed"};
                                 records.policy.enabled = false;
                                 return Changes{};
                               }})
                  .ok());
  EXPECT_EQ(Failures(store(), ada_), 0);
  ASSERT_TRUE(RunOne(store(), {{},
                               [](Records& records) -> Result<Changes> {
                                 EXPECT_FALSE(records.system.gate);
                                 EXPECT_TRUE(records.policy.enabled);
                                 return Changes{};
                               }})
                  .ok());
}

TEST_F(SqliteStore, ShowsEachWorkTheOutcomeOfThoseBefore) {
  int first = -1;
  int last = -1;
  std::vector<Work> works;
  works.push_back(LookingAt(ada_, first));
  for (int i = 0; i < 10; ++i) works.push_back(CountingUp(ada_));
  works.push_back(LookingAt(ada_, last));
  store().Run(works);
  for (const Work& work : works) EXPECT_TRUE(work.status.ok());
  EXPECT_EQ(first, 0);
  EXPECT_EQ(last, 10);
  Open();
  EXPECT_EQ(Failures(store(), ada_), 10);
}

// Who reads "damaged" is told to replace the record.
TEST_F(SqliteStore, CallsNoRecordDamagedWhereADecisionThrows) {
  const auto status_of = [this](const Step& step) {
    return RunOne(store(), {{ada_}, step}).error().code;
  };
  EXPECT_EQ(status_of([](Records&) -> Result<Changes> { throw std::bad_alloc(); }),
            ErrorCode::kUnavailable);
  EXPECT_EQ(status_of([](Records&) -> Result<Changes> { throw std::runtime_error("boom"); }),
            ErrorCode::kUnavailable);
  EXPECT_TRUE(RunOne(store(), CountingUp(ada_)).ok());
}

TEST_F(SqliteStore, LeavesOutAFailingStepInTheMiddle) {
  const Step failing[] = {
      [](Records&) -> Result<Changes> {
        return Error{ErrorCode::kConflict, "already so"};
      },
      [](Records&) -> Result<Changes> { throw std::runtime_error("boom"); },
      [](Records&) -> Result<Changes> { throw 7; },
      [](Records& records) -> Result<Changes> {  // impossible
        records.accounts[0].account->authenticators[0].digits = 99;
        return ChangesOf({0});
      },
      [](Records& records) -> Result<Changes> {  // renamed
        records.accounts[0].account->name = "eve";
        return ChangesOf({0});
      },
      [](Records& records) -> Result<Changes> {  // no record
        records.accounts[0].account.reset();
        return ChangesOf({0});
      },
      [](Records& records) -> Result<Changes> {
        records.accounts.resize(3);
        return ChangesOf({2});
      },
      [](Records&) -> Result<Changes> { return ChangesOf({1}); },
      [](Records&) -> Result<Changes> {
        return ChangesOf({0, 0});
      },
      [](Records& records) -> Result<Changes> {
        records.policy.codes_required = 5;
        records.policy.codes_count = 2;
        Changes changes = ChangesOf({0});
        changes.policy = true;
        return changes;
      },
  };
  int expected = 0;
  for (const Step& step : failing) {
    std::vector<Work> works;
    works.push_back(CountingUp(ada_));
    works.push_back({{ada_}, [&step](Records& records) -> Result<Changes> {
                       records.accounts[0].account->otp_failures = 1000;
                       return step(records);
                     }});
    works.push_back(CountingUp(ada_));
    store().Run(works);
    EXPECT_TRUE(works[0].status.ok());
    EXPECT_FALSE(works[1].status.ok());
    EXPECT_TRUE(works[2].status.ok());
    EXPECT_EQ(Failures(store(), ada_), expected += 2);
  }
}

TEST_F(SqliteStore, RefusesNamesThatAreNone) {
  for (const std::string& name : {std::string(), std::string("a b"), std::string("../x"),
                                  std::string("n\0l", 3), std::string(257, 'n')}) {
    const Status status = Put(store(), MakeAccount(name, 2000));
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    EXPECT_FALSE(Load(store(), {name, 2000})->account);
  }
}

TEST_F(SqliteStore, ListsAccountsByName) {
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(
        Put(store(), MakeAccount("user" + std::to_string(100 + i), 2000 + static_cast<uid_t>(i)))
            .ok());
  }
  std::vector<std::string> names;
  std::string after;
  for (;;) {
    const auto page = store().ListAccounts(after, 10);
    ASSERT_TRUE(page.ok());
    if (page->accounts.empty()) break;
    EXPECT_LE(page->accounts.size(), 10U);
    for (const ListedAccount& listed : page->accounts) {
      ASSERT_TRUE(listed.account);
      names.push_back(listed.account->name);
    }
    after = names.back();
  }
  EXPECT_EQ(names.size(), 26U);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(names.front(), "ada");
}

TEST_F(SqliteStore, CountsAccountsByTheirState) {
  Account none = MakeAccount("none", 1);
  none.authenticators.clear();
  Account pending = MakeAccount("pending", 2);
  pending.pending = PendingEnrolment{std::move(pending.authenticators[0]), {}, kNow, false};
  pending.authenticators.clear();
  Account locked = MakeAccount("locked", 3);
  locked.locked = kNow;
  Account super_locked = MakeAccount("super", 4);
  super_locked.super_locked = kNow;
  for (const Account* account : {&none, &pending, &locked, &super_locked}) {
    ASSERT_TRUE(Put(store(), *account).ok());
  }
  const Result<AccountCounts> counts = store().CountAccounts();
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ(counts->none, 1U);
  EXPECT_EQ(counts->pending, 1U);
  EXPECT_EQ(counts->active, 3U);
  EXPECT_EQ(counts->locked, 1U);
  EXPECT_EQ(counts->super_locked, 1U);
  locked.locked.reset();
  ASSERT_TRUE(Put(store(), locked).ok());
  EXPECT_EQ(store().CountAccounts()->locked, 0U);
}

TEST_F(SqliteStore, GoesOnCountingWhatItHasCountedOnce) {
  ASSERT_EQ(store().CountAccounts()->active, 1U);
  for (int i = 0; i < 30; ++i) {
    Account account =
        MakeAccount("user" + std::to_string(i % 10), 2000 + static_cast<uid_t>(i) % 10);
    if (i % 3 == 0) account.locked = kNow;
    if (i % 4 == 0) account.super_locked = account.locked = kNow;
    if (i % 5 == 0) account.authenticators.clear();
    ASSERT_TRUE(Put(store(), account).ok());
    ASSERT_FALSE(RunOne(store(), {{ada_},
                                  [](Records& records) -> Result<Changes> {
                                    records.accounts[0].account->locked = kNow;
                                    return Error{ErrorCode::kConflict, "no"};
                                  }})
                     .ok());
    const AccountCounts gone_on = *store().CountAccounts();
    if (i % 7 != 0) continue;
    Open();
    const AccountCounts anew = *store().CountAccounts();
    EXPECT_EQ(std::tie(gone_on.none, gone_on.active, gone_on.locked, gone_on.super_locked),
              std::tie(anew.none, anew.active, anew.locked, anew.super_locked));
  }
}

TEST_F(SqliteStore, ListsTheAccountsWhoseGateIsClosed) {
  for (const std::string name : {"zoe", "ada", "bob"}) {
    Account account = MakeAccount(name, static_cast<uid_t>(name[0]));
    if (name != "bob") account.gate = GateClosure{kNow, "test"};
    if (name == "zoe") account.super_locked = account.locked = kNow;
    ASSERT_TRUE(Put(store(), account).ok());
  }
  EXPECT_THAT(*store().ListClosedGates(), ::testing::ElementsAre("ada", "zoe"));
}

TEST_F(SqliteStore, MovesItsLogInSmallPiecesWhereWorksComeOneByOne) {
  store().Idle();
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(RunOne(store(), CountingUp(ada_)).ok());
  constexpr std::uintmax_t kFrame = 4096 + 24;
  EXPECT_LT(std::filesystem::file_size(file() + "-wal"), 160 * kFrame);
  EXPECT_EQ(Failures(store(), ada_), 400);
}

TEST_F(SqliteStore, MovesItsLogNotForAFewWorksAloneAmongManyAtOnce) {
  const auto run = [&](int commits, int works_a_commit) {
    for (int i = 0; i < commits; ++i) {
      std::vector<Work> works;
      for (int k = 0; k < works_a_commit; ++k) works.push_back(CountingUp(ada_));
      store().Run(works);
      for (const Work& work : works) ASSERT_TRUE(work.status.ok());
    }
  };
  store().Idle();
  run(600, 16);
  run(20, 1);
  run(300, 16);  // would be written over what was moved
  constexpr std::uintmax_t kFrame = 4096 + 24;
  EXPECT_GT(std::filesystem::file_size(file() + "-wal"), 900 * kFrame);
}

TEST_F(SqliteStore, NeedsAtMost600BytesAnAccount) {
  constexpr int kAccounts = 3000;
  std::vector<Work> works;
  for (int i = 0; i < kAccounts; ++i) {
    // In no order, as names come.
    works.push_back(Putting(MakeAccount("user" + std::to_string(i * 7919 % kAccounts),
                                        10'000 + static_cast<uid_t>(i))));
  }
  store().Run(works);
  for (const Work& work : works) ASSERT_TRUE(work.status.ok());
  Close();
  const std::size_t bytes = testing::ReadAll(file()).size() / kAccounts;
  RecordProperty("bytes_an_account", static_cast<int>(bytes));
  EXPECT_LE(bytes, 600U);
}

}  // namespace
}  // namespace sparekey
