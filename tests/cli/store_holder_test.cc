// SPDX-License-Identifier: Apache-2.0
#include "cli/store_holder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "core/sqlite_store.h"
#include "tests/support/processes.h"
#include "tests/support/program.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using testing::TestFolder;

// A process that holds a real store.
class Holder {
 public:
  explicit Holder(const std::string& folder) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    pid_ = CheckedFork();
    if (pid_ == 0) {
      auto store = OpenSqliteStore(folder, std::move(*MasterKey::Load(folder + "/master.key")));
      const char held = store.ok() ? '1' : '0';
      if (write(ready[1], &held, 1) == 1) pause();
      _exit(1);
    }
    char held = '0';
    EXPECT_EQ(read(ready[0], &held, 1), 1);
    EXPECT_EQ(held, '1');
    close(ready[0]);
    close(ready[1]);
  }
  ~Holder() {
    CheckedKill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  void Stop() const {
    CheckedKill(pid_, SIGSTOP);
    int status = 0;
    waitpid(pid_, &status, WUNTRACED);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

class StoreHolderTest : public ::testing::Test {
 protected:
  StoreHolderTest() {
    const std::string key = folder_ / "master.key";
    EXPECT_TRUE(MasterKey::Create(key).ok());
    EXPECT_TRUE(CreateSqliteStore(folder_.path(), *MasterKey::Load(key)).ok());
  }
  TestFolder folder_;
};

TEST_F(StoreHolderTest, IsShownWithPidExecutableAndState) {
  const Holder holder(folder_.path());
  ASSERT_EQ(FindStoreOwner(folder_.path()), holder.pid());
  holder.Stop();
  const std::string text = DescribeHolder(holder.pid());
  EXPECT_THAT(text, HasSubstr("process " + std::to_string(holder.pid())));
  EXPECT_THAT(text, HasSubstr("cli_test"));
  EXPECT_THAT(text, HasSubstr("stopped"));
}

TEST_F(StoreHolderTest, IsEndedEvenWhenItIsStopped) {
  const Holder holder(folder_.path());
  holder.Stop();
  ASSERT_TRUE(EndHolder(folder_.path(), holder.pid()).ok());
  EXPECT_FALSE(FindStoreOwner(folder_.path()).has_value());
}

TEST_F(StoreHolderTest, IsLeftAloneWhenItDoesNotHoldTheStoreAnyMore) {
  const Holder holder(folder_.path());
  const TestFolder other;
  ASSERT_TRUE(EndHolder(other.path(), holder.pid()).ok());
  EXPECT_EQ(FindStoreOwner(folder_.path()), holder.pid());
}

TEST_F(StoreHolderTest, OutOfSightCannotBeEnded) {
  EXPECT_FALSE(EndHolder(folder_.path(), 0).ok());
}

TEST_F(StoreHolderTest, MakesNoRoomWhereThereIsSome) {
  EXPECT_FALSE(MakeRoomOnFullDisk(folder_.path()));
  EXPECT_EQ(access((folder_ / kReserveFile).c_str(), F_OK), 0);
}

}  // namespace
}  // namespace sparekey
