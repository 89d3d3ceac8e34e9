// SPDX-License-Identifier: Apache-2.0
// A disk that fails at any operation, a process that ends at any moment.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/core/faulty_disk.h"
#include "tests/core/store_fixture.h"
#include "tests/support/processes.h"

namespace sparekey {
namespace {

using testing::CountingUp;
using testing::Disk;
using testing::DiskFault;
using testing::Failures;
using testing::LookingAt;
using testing::Put;
using testing::RunOne;
using testing::TempFolder;
using testing::TestKey;

class StoreFaults : public testing::StoreTest {
 protected:
  StoreFaults() { Open(); }  // on the faulty disk
  ~StoreFaults() override { Disk().Heal(); }

  // What is on the disk now, read as after the end of this process.
  int FailuresOnDisk() const {
    const TempFolder copy;
    const std::string state = copy / "state";
    std::filesystem::copy(this->state(), state, std::filesystem::copy_options::recursive);
    std::filesystem::permissions(state, std::filesystem::perms::owner_all);
    Result<std::unique_ptr<Store>> store = OpenSqliteStore(state, TestKey());
    EXPECT_TRUE(store.ok()) << store.error().message;
    return store ? Failures(**store, ada_) : -1;
  }

  // The store is closed then, its folder as after a kill in the middle of much work.
  void LeaveALongLog() {
    const std::string copy = long_log_ / "state";
    if (!std::filesystem::exists(copy)) {
      for (int i = 0; i < kLongLog; ++i) ASSERT_EQ(CountUp(kCrowd), kCrowd);
      std::filesystem::copy(state(), copy, std::filesystem::copy_options::recursive);
    }
    Close();
    std::filesystem::remove_all(state());
    std::filesystem::copy(copy, state(), std::filesystem::copy_options::recursive);
    std::filesystem::permissions(state(), std::filesystem::perms::owner_all);
    ASSERT_GT(std::filesystem::file_size(file() + "-wal"), kLongLog * 4096U);
  }

  // `count` works at once; how many were acknowledged.
  int CountUp(int count) {
    std::vector<Work> works;
    for (int i = 0; i < count; ++i) works.push_back(CountingUp(ada_));
    store().Run(works);
    int acknowledged = 0;
    for (const Work& work : works) acknowledged += work.status ? 1 : 0;
    return acknowledged;
  }

  static constexpr int kLongLog = 300, kCrowd = 16;  // commits, works in each
  bool installed_ = (Disk().Heal(), true);
  TempFolder long_log_;
};

TEST_F(StoreFaults, MakesManyWorksDurableWithOneSync) {
  ASSERT_EQ(CountUp(1), 1);
  const int syncs = Disk().log_syncs;
  EXPECT_EQ(CountUp(64), 64);
  EXPECT_EQ(Disk().log_syncs, syncs + 1);
  EXPECT_EQ(FailuresOnDisk(), 65);
}

TEST_F(StoreFaults, WritesNothingForWorksThatChangeNothing) {
  ASSERT_EQ(CountUp(1), 1);
  const int writes = Disk().log_writes;
  const int syncs = Disk().log_syncs;
  int failures = 0;
  std::vector<Work> works;
  for (int i = 0; i < 10; ++i) works.push_back(LookingAt(ada_, failures));
  store().Run(works);
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(Disk().log_writes, writes);
  EXPECT_EQ(Disk().log_syncs, syncs);
}

TEST_F(StoreFaults, MovesItsLogOnlyOnceItsWorksAreAnswered) {
  const int syncs = Disk().file_syncs;
  while (Disk().log_writes < 2000 && Disk().file_syncs == syncs) {
    ASSERT_EQ(CountUp(1), 1);
    ASSERT_EQ(Disk().file_syncs, syncs);
    store().Tidy();
  }
  EXPECT_GT(Disk().file_syncs, syncs);
}

TEST_F(StoreFaults, MovesItsLogInTimeWhereNobodyTidies) {
  const int syncs = Disk().file_syncs;
  for (int i = 0; i < 400; ++i) ASSERT_EQ(CountUp(1), 1);
  EXPECT_GT(Disk().file_syncs, syncs);
  EXPECT_EQ(FailuresOnDisk(), 400);
}

TEST_F(StoreFaults, OpensWithALongLogAndMovesItLater) {
  LeaveALongLog();
  const int syncs = Disk().file_syncs;
  Open();
  EXPECT_EQ(Disk().file_syncs, syncs);
  EXPECT_EQ(CountUp(1), 1);
  store().Tidy();
  EXPECT_EQ(Disk().file_syncs, syncs + 1);
  EXPECT_EQ(Failures(store(), ada_), kLongLog * kCrowd + 1);
}

TEST_F(StoreFaults, CutsAFailedCommitOffALongLog) {
  LeaveALongLog();
  Open();
  Disk().FailAt(DiskFault::kSync, 1);
  EXPECT_EQ(CountUp(1), 0);
  EXPECT_EQ(Disk().faults_seen, 1);
  Disk().Heal();
  EXPECT_EQ(FailuresOnDisk(), kLongLog * kCrowd);
  EXPECT_EQ(CountUp(1), 1);
  EXPECT_EQ(FailuresOnDisk(), kLongLog * kCrowd + 1);
}

TEST_F(StoreFaults, ChangesOnePageForALoginThatLeavesTheStateAsItIs) {
  ASSERT_EQ(CountUp(1), 1);
  const int writes = Disk().log_writes;
  ASSERT_EQ(CountUp(1), 1);
  EXPECT_EQ(Disk().log_writes, writes + 2);  // a frame is its header and a page
}

TEST_F(StoreFaults, MovesTheLogOnlyWhenItIsIdle) {
  const int syncs = Disk().file_syncs;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(CountUp(1), 1);
  EXPECT_EQ(Disk().file_syncs, syncs);
  store().Idle();
  EXPECT_EQ(Disk().file_syncs, syncs + 1);
  store().Idle();
  EXPECT_EQ(Disk().file_syncs, syncs + 1);
}

TEST_F(StoreFaults, KeepsTheSizeOfTheLogInNormalWork) {
  for (int i = 0; i < 100; ++i) ASSERT_EQ(CountUp(1), 1);
  store().Idle();
  const auto size = std::filesystem::file_size(file() + "-wal");
  EXPECT_GT(size, 100U * 4096);
  for (int i = 0; i < 90; ++i) ASSERT_EQ(CountUp(1), 1);
  EXPECT_EQ(std::filesystem::file_size(file() + "-wal"), size);
  EXPECT_EQ(FailuresOnDisk(), 190);
}

struct FaultCase {
  const char* name;
  DiskFault fault;
  int length;
};

class EveryFault : public StoreFaults, public ::testing::WithParamInterface<FaultCase> {};

// The promise: an acknowledged work is on the disk, one that got an error never happened, and the
// store goes on by itself when the fault is gone.
TEST_P(EveryFault, LosesNothingAcknowledgedAndKeepsNothingRefused) {
  int expected = 0;
  int seen = 1;
  for (int at = 1; seen > 0 && at < 200; ++at) {
    Disk().FailAt(GetParam().fault, at, GetParam().length);
    for (int i = 0; i < 4; ++i) expected += CountUp(3);
    store().Idle();
    seen = Disk().faults_seen;
    Disk().Heal();
    ASSERT_EQ(FailuresOnDisk(), expected) << "fault at operation " << at;
    ASSERT_EQ(Failures(store(), ada_), expected) << "fault at operation " << at;
    ASSERT_EQ(CountUp(1), 1) << "fault at operation " << at;
    ++expected;
    if (at % 3 == 0) Open();
  }
  EXPECT_EQ(seen, 0);
}

TEST_P(EveryFault, LosesNothingWhereALongLogIsOpened) {
  int seen = 1;
  for (int at = 1; seen > 0 && at < 1000; ++at) {
    LeaveALongLog();
    Disk().FailAt(GetParam().fault, at, GetParam().length);
    const Result<std::unique_ptr<Store>> store = OpenSqliteStore(state(), TestKey());
    int expected = kLongLog * kCrowd;
    if (store.ok() && RunOne(**store, CountingUp(ada_)).ok()) ++expected;
    seen = Disk().faults_seen;
    Disk().Heal();
    ASSERT_EQ(FailuresOnDisk(), expected) << "fault " << at;
  }
  EXPECT_EQ(seen, 0);
}

INSTANTIATE_TEST_SUITE_P(StoreFaults, EveryFault,
                         ::testing::Values(FaultCase{"Full", DiskFault::kFull, 1},
                                           FaultCase{"FullForLong", DiskFault::kFull, 20},
                                           FaultCase{"Write", DiskFault::kWrite, 1},
                                           FaultCase{"Writes", DiskFault::kWrite, 7},
                                           FaultCase{"Sync", DiskFault::kSync, 1},
                                           FaultCase{"Syncs", DiskFault::kSync, 5},
                                           FaultCase{"Read", DiskFault::kRead, 1},
                                           FaultCase{"Reads", DiskFault::kRead, 3},
                                           FaultCase{"Truncate", DiskFault::kTruncate, 1}),
                         [](const auto& test) { return test.param.name; });

TEST_F(StoreFaults, GivesEveryWorkOfABatchTheErrorWhenTheCommitFails) {
  ASSERT_EQ(CountUp(1), 1);
  int failures = 0;
  std::vector<Work> works;
  works.push_back(LookingAt(ada_, failures));  // saw only what is durable
  works.push_back(CountingUp(ada_));
  works.push_back(LookingAt(ada_, failures));
  works.push_back(CountingUp(ada_));
  Disk().FailAt(DiskFault::kSync, 1);
  store().Run(works);
  EXPECT_TRUE(works[0].status.ok());
  for (std::size_t i = 1; i < works.size(); ++i) {
    ASSERT_FALSE(works[i].status.ok());
    EXPECT_EQ(works[i].status.error().code, ErrorCode::kUnavailable);
  }
  EXPECT_EQ(Failures(store(), ada_), 1);
}

TEST_F(StoreFaults, NamesTheDiskThatIsFull) {
  Disk().FailAt(DiskFault::kFull, 1, 1000);
  const Status status = RunOne(store(), CountingUp(ada_));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(status.error().message, "the disk that holds " + state() + " is full");
}

TEST_F(StoreFaults, GoesOnInTheLogItHasWhereTheDiskIsFull) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(CountUp(1), 1);
  const rlimit now{std::filesystem::file_size(file() + "-wal"), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &now), 0);
  int acknowledged = 0;
  for (int i = 0; i < 100; ++i) acknowledged += CountUp(1);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_DFL);
  EXPECT_GE(acknowledged, 90);
  EXPECT_EQ(FailuresOnDisk(), 20 + acknowledged);
}

TEST_F(StoreFaults, ForgetsSystemAndPolicyOfARolledBackBatch) {
  const auto close_gate = [](Records& records) -> Result<Changes> {
    records.system.gate = GateClosure{};
    records.policy.enabled = false;
    Changes changes;
    changes.system = changes.policy = true;
    return changes;
  };
  Disk().FailAt(DiskFault::kSync, 1);
  EXPECT_FALSE(RunOne(store(), {{}, close_gate}).ok());
  Disk().FailAt(DiskFault::kFull, 1);
  EXPECT_FALSE(RunOne(store(), {{}, close_gate}).ok());
  Disk().Heal();
  EXPECT_TRUE(RunOne(store(), {{},
                               [](Records& records) -> Result<Changes> {
                                 EXPECT_FALSE(records.system.gate);
                                 EXPECT_TRUE(records.policy.enabled);
                                 return Changes{};
                               }})
                  .ok());
}

TEST(StoreCreation, LeavesNothingBehindWhereTheDiskFailsAndWorksAfterwards) {
  for (const DiskFault fault : {DiskFault::kFull, DiskFault::kWrite, DiskFault::kSync}) {
    int seen = 1;
    for (int at = 1; seen > 0 && at < 200; at += 1 + at / 8) {
      const TempFolder folder;
      Disk().FailAt(fault, at, 1000);
      const Status status = CreateSqliteStore(folder / "state", TestKey());
      seen = Disk().faults_seen;
      Disk().Heal();
      if (status) continue;
      EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << at;
      ASSERT_TRUE(CreateSqliteStore(folder / "state", TestKey()).ok()) << at;
      ASSERT_TRUE(OpenSqliteStore(folder / "state", TestKey()).ok()) << at;
    }
    EXPECT_EQ(seen, 0);
  }
}

// Opens the store, counts up for ever and reports each commit; never returns.
[[noreturn]] void CountAndReport(const std::string& state, const AccountKey& key, int pipe) {
  Result<std::unique_ptr<Store>> store = OpenSqliteStore(state, TestKey());
  if (!store) ::_exit(1);
  for (int count = 1;; ++count) {
    if (!RunOne(**store, CountingUp(key))) ::_exit(2);
    if (count % 64 == 0) (*store)->Idle();
    const char done = 1;
    if (::write(pipe, &done, 1) != 1) ::_exit(3);
  }
}

TEST_F(StoreFaults, KeepsEverythingReportedOverKill9) {
  Close();
  int reported = 0;
  for (int round = 0; round < 20; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    const pid_t child = CheckedFork();
    if (child == 0) CountAndReport(state(), ada_, pipe[1]);
    ::close(pipe[1]);
    char done = 0;
    // At another moment of the commit each time.
    for (int i = 0; i < 5 + round * 7; ++i) ASSERT_EQ(::read(pipe[0], &done, 1), 1);
    reported += 5 + round * 7;
    std::this_thread::sleep_for(std::chrono::microseconds(round * 37));
    CheckedKill(child, SIGKILL);
    while (::read(pipe[0], &done, 1) == 1) ++reported;
    ::close(pipe[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    Open();  // needs nobody's help
    const int found = Failures(store(), ada_);
    EXPECT_GE(found, reported);
    EXPECT_LE(found, reported + 1);  // done, but killed before it could say so
    reported = found;
    Close();
  }
}

}  // namespace
}  // namespace sparekey
