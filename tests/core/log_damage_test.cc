// SPDX-License-Identifier: Apache-2.0
// The write-ahead log that a killed process left behind, with every region of it bent, zeroed or
// cut off. SQLite believes the log up to the first frame that does not verify: what was done after
// it is lost (docs/threat-model.md says so), but nothing is ever made up, mixed or unknown.
#include <cstdio>
#include <filesystem>
#include <functional>

#include "tests/core/store_fixture.h"

namespace sparekey {
namespace {

using testing::KeyOf;
using testing::Load;
using testing::MakeAccount;
using testing::ReadAll;
using testing::RunOne;
using testing::TestKey;
using testing::WriteAll;

constexpr std::size_t kLogHeader = 32, kFrameHeader = 24, kFramePage = 4096;
constexpr int kAccounts = 8, kCommits = 12;

class DamagedLog : public testing::StoreTest {
 protected:
  // Accounts are in the database file; a dozen commits, each changing two accounts alike, in the
  // log.
  DamagedLog() {
    std::vector<Work> works;
    for (int i = 0; i < kAccounts; ++i) {
      accounts_.push_back(MakeAccount("user" + std::to_string(i), 2000 + static_cast<uid_t>(i)));
      works.push_back(testing::Putting(accounts_.back()));
    }
    store().Run(works);
    Open();  // moves the log
    for (int i = 0; i < kCommits; ++i) {
      EXPECT_TRUE(RunOne(store(), {{KeyOf(accounts_[0]), KeyOf(accounts_[1])}, CountUpBoth}).ok());
    }
    // As SIGKILL leaves them.
    database_ = ReadAll(file());
    log_ = ReadAll(file() + "-wal");
    Close();
  }
  ~DamagedLog() override { std::printf("%d damaged logs\n", damaged_); }

  static Result<Changes> CountUpBoth(Records& records) {
    for (LoadedAccount& loaded : records.accounts) ++loaded.account->otp_failures;
    return testing::ChangesOf({0, 1});
  }

  void PutFiles(const std::string& log) {
    WriteAll(file(), database_);
    WriteAll(file() + "-wal", log);
    std::filesystem::permissions(
        file() + "-wal", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }

  // The state is that after some commit, whole; and the store works on.
  void Check(const std::string& log, const std::string& what) {
    ++damaged_;
    PutFiles(log);
    Result<std::unique_ptr<Store>> store = OpenSqliteStore(state(), TestKey());
    ASSERT_TRUE(store.ok()) << what << ": " << store.error().message;
    int failures = -1;
    for (const Account& account : accounts_) {
      const Result<LoadedAccount> loaded = Load(**store, KeyOf(account));
      ASSERT_TRUE(loaded.ok()) << what << ": " << loaded.error().message;
      ASSERT_TRUE(loaded->account) << account.name << " is unknown: " << what;
      ASSERT_EQ(loaded->account->enrolment(), Enrolment::kActive) << what;
      if (account.name == "user0") failures = loaded->account->otp_failures;
      const int expected = account.name == "user0" || account.name == "user1" ? failures : 0;
      ASSERT_EQ(loaded->account->otp_failures, expected) << account.name << ": " << what;
    }
    ASSERT_LE(failures, kCommits) << what;
    ASSERT_TRUE(RunOne(**store, {{KeyOf(accounts_[0]), KeyOf(accounts_[1])}, CountUpBoth}).ok());
    store = OpenSqliteStore(state() + "/none", TestKey());  // closes it
    store = OpenSqliteStore(state(), TestKey());
    ASSERT_TRUE(store.ok()) << what;
    ASSERT_EQ(testing::Failures(**store, KeyOf(accounts_[1])), failures + 1) << what;
  }

  std::size_t Frames() const { return (log_.size() - kLogHeader) / (kFrameHeader + kFramePage); }

  std::vector<Account> accounts_;
  std::string database_, log_;
  int damaged_ = 0;
};

TEST_F(DamagedLog, IsReadWholeWhereItIsWhole) {
  ASSERT_GE(Frames(), static_cast<std::size_t>(kCommits));
  PutFiles(log_);
  Open();
  EXPECT_EQ(testing::Failures(store(), KeyOf(accounts_[0])), kCommits);
}

TEST_F(DamagedLog, IsBelievedUpToABitThatIsFlipped) {
  for (std::size_t at = 0; at < log_.size(); ++at) {
    const std::size_t in_frame =
        at < kLogHeader ? 0 : (at - kLogHeader) % (kFrameHeader + kFramePage);
    // All of the headers, a sample of the pages.
    if (in_frame > kFrameHeader && at % 509 != 0) continue;
    std::string log = log_;
    log[at] = static_cast<char>(log[at] ^ (1 << (at % 8)));
    ASSERT_NO_FATAL_FAILURE(Check(log, "flipped at " + std::to_string(at)));
  }
}

TEST_F(DamagedLog, IsBelievedUpToWhereItIsCutOff) {
  for (std::size_t size = 0; size < log_.size(); size += 1237) {
    ASSERT_NO_FATAL_FAILURE(Check(log_.substr(0, size), "cut at " + std::to_string(size)));
  }
}

TEST_F(DamagedLog, IsBelievedUpToAFrameThatIsZeroedOrAnother) {
  const std::size_t whole = kFrameHeader + kFramePage;
  for (std::size_t frame = 0; frame < Frames(); ++frame) {
    const std::size_t at = kLogHeader + frame * whole;
    std::string zeroed = log_;
    zeroed.replace(at, whole, whole, '\0');
    ASSERT_NO_FATAL_FAILURE(Check(zeroed, "zeroed frame " + std::to_string(frame)));
    std::string twice = log_;
    twice.replace(at, whole, log_, kLogHeader, whole);
    ASSERT_NO_FATAL_FAILURE(Check(twice, "first frame over frame " + std::to_string(frame)));
  }
  std::string header = log_;
  header.replace(0, kLogHeader, kLogHeader, '\0');
  ASSERT_NO_FATAL_FAILURE(Check(header, "zeroed header"));
}

}  // namespace
}  // namespace sparekey
