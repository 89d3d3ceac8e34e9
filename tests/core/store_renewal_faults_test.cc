// SPDX-License-Identifier: Apache-2.0
// A renewal on a disk that fails at any operation of SQLite's, the last one of all included: moving
// the log into the file.
#include "tests/core/faulty_disk.h"
#include "tests/core/renewed_store.h"

namespace sparekey {
namespace {

using testing::Disk;
using testing::DiskFault;
using testing::kNow;

class RenewalOnAFaultyDisk : public testing::StoreTest {
 protected:
  RenewalOnAFaultyDisk() {
    Close();
    EXPECT_TRUE(MasterKey::Create(key_).ok());
  }
  ~RenewalOnAFaultyDisk() override { Disk().Heal(); }

  void ExpectRenewed(const Renewal& renewal) {
    const auto store = testing::OpenRenewed(state(), key_);
    ASSERT_TRUE(store);
    testing::ExpectClosedAndRequired(*store);
    EXPECT_TRUE(renewal.some_unknown || testing::IsMarked(*store, ada_));
  }

  const std::string key_ = std::filesystem::path(state()).parent_path() / "master.key";
  bool installed_ = (Disk().Heal(), true);
};

class EveryFaultOfARenewal : public RenewalOnAFaultyDisk,
                             public ::testing::WithParamInterface<DiskFault> {};

TEST_P(EveryFaultOfARenewal, MakesAWholeStoreOrLeavesTheOldOne) {
  int seen = 1;
  int failed = 0;
  for (int at = 1; seen > 0 && at < 300 && !HasFailure(); ++at) {
    SCOPED_TRACE(at);
    const std::string old_store = testing::ReadAll(file());
    const std::string old_key = testing::ReadAll(key_);
    Disk().FailAt(GetParam(), at, 1000);
    const Result<Renewal> renewal = RenewStore(state(), key_, kNow);
    seen = Disk().faults_seen;
    Disk().Heal();
    if (renewal) {
      ExpectRenewed(*renewal);
      continue;
    }
    ++failed;
    EXPECT_EQ(testing::ReadAll(file()), old_store);
    EXPECT_EQ(testing::ReadAll(key_), old_key);
    EXPECT_FALSE(std::filesystem::exists(NewKeyPath(key_)));
    EXPECT_FALSE(std::filesystem::exists(file() + ".renewed"));
  }
  EXPECT_EQ(seen, 0);
  EXPECT_GT(failed, 0);
  std::printf("refused for %d faults\n", failed);
}

INSTANTIATE_TEST_SUITE_P(RenewalOnAFaultyDisk, EveryFaultOfARenewal,
                         ::testing::Values(DiskFault::kFull, DiskFault::kWrite, DiskFault::kSync),
                         [](const auto& test) {
                           return test.param == DiskFault::kFull    ? "Full"
                                  : test.param == DiskFault::kWrite ? "Write"
                                                                    : "Sync";
                         });

// Only the database file's own sync, which is the end of moving the log into it.
TEST_F(RenewalOnAFaultyDisk, IsRefusedWhereOnlyMovingTheLogFails) {
  int syncs = 0;
  {
    const int before = Disk().log_syncs + Disk().file_syncs;
    ASSERT_TRUE(RenewStore(state(), key_, kNow).ok());
    syncs = Disk().log_syncs + Disk().file_syncs - before;
  }
  const std::string old_key = testing::ReadAll(key_);
  Disk().FailAt(DiskFault::kSync, syncs);  // the last of them
  const Result<Renewal> renewal = RenewStore(state(), key_, kNow);
  EXPECT_EQ(Disk().faults_seen, 1);
  EXPECT_FALSE(renewal.ok());
  EXPECT_EQ(testing::ReadAll(key_), old_key);
}

// As far as SQLite tells its names, before anything is written.
TEST_F(RenewalOnAFaultyDisk, SaysThatThereMayBeMoreWhereTheOldStoreCannotBeRead) {
  int unknown = 0;
  for (int at = 1; at < 12 && !HasFailure(); ++at) {
    Disk().FailAt(DiskFault::kRead, at, 3);
    const Result<Renewal> renewal = RenewStore(state(), key_, kNow);
    Disk().Heal();
    if (!renewal) continue;
    unknown += renewal->some_unknown ? 1 : 0;
    ExpectRenewed(*renewal);
  }
  EXPECT_GT(unknown, 0);
}

}  // namespace
}  // namespace sparekey
