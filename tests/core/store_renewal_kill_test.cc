// SPDX-License-Identifier: Apache-2.0
// SIGKILL before each change that a renewal makes on the disk. Takes some seconds.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/core/renewed_store.h"
#include "tests/support/processes.h"

namespace sparekey {
namespace {

using testing::ExpectMarked;
using testing::IsMarked;
using testing::kNow;
using testing::ReadAll;
using testing::TempFolder;

constexpr const char* kNames[] = {"ada", "bob", "eve"};

AccountKey KeyOfNumber(std::size_t i) { return {kNames[i], static_cast<uid_t>(1000 + i)}; }

bool ChangesADisk(std::uint64_t number) {
  switch (number) {
    case SYS_openat:
    case SYS_write:
    case SYS_pwrite64:
    case SYS_ftruncate:
    case SYS_fchmod:
    case SYS_fsync:
    case SYS_fdatasync:
#ifdef SYS_rename
    case SYS_rename:
    case SYS_unlink:
#endif
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_unlinkat:
      return true;
    default:
      return false;
  }
}

// Stops at the beginning or end of the child's next system call; false where it has ended.
bool NextStop(pid_t child, int& status) {
  EXPECT_EQ(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr), 0);
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSTOPPED(status);
}

// A renewal in a child that is killed at its change number `at`; false where it has fewer.
bool RenewAndKillAt(int at, const std::string& state, const std::string& key) {
  const pid_t child = CheckedFork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    ::_exit(RenewStore(state, key, kNow) ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
            0);
  int changes = 0;
  while (NextStop(child, status)) {
    __ptrace_syscall_info info{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !ChangesADisk(info.entry.nr)) continue;
    if (++changes < at) continue;
    CheckedKill(child, SIGKILL);
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return true;
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return false;
}

void Copy(const std::string& from, const std::string& to) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  std::filesystem::permissions(to + "/state", std::filesystem::perms::owner_all);
}

class StoreRenewalKilled : public ::testing::Test {
 protected:
  // A store as a killed service leaves it: eve stands in the log alone.
  StoreRenewalKilled() {
    const TempFolder made;
    const std::string state = made / "state";
    EXPECT_TRUE(MasterKey::Create(made / "key").ok());
    EXPECT_TRUE(CreateSqliteStore(state, *MasterKey::Load(made / "key")).ok());
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      const auto store = OpenSqliteStore(state, *MasterKey::Load(made / "key"));
      EXPECT_TRUE(testing::Put(**store, testing::MakeAccount(kNames[i], *KeyOfNumber(i).uid)).ok());
      if (i + 1 == std::size(kNames)) Copy(made.path(), before_);
    }
    EXPECT_GT(std::filesystem::file_size(before_ + "/state/sparekey.db-wal"), 0U);
  }

  // The store opens as it was, as it must become, or not at all.
  void CheckWhatIsThere(const std::string& folder) const {
    const TempFolder parent;
    const std::string copy = parent / "copy";
    Copy(folder, copy);
    Result<MasterKey> key = MasterKey::Load(copy + "/key");
    if (!key) return;
    const Result<std::unique_ptr<Store>> store = OpenSqliteStore(copy + "/state", std::move(*key));
    if (!store) return;
    const bool as_it_was = ReadAll(copy + "/key") == ReadAll(before_ + "/key");
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      const Result<LoadedAccount> loaded = testing::Load(**store, KeyOfNumber(i));
      ASSERT_TRUE(loaded && loaded->account) << kNames[i];
      EXPECT_EQ(loaded->account->must_enrol, !as_it_was);
    }
    EXPECT_NE(testing::IsClosedAndRequired(**store), as_it_was);
  }

  static void CheckRenewed(const std::string& folder) {
    const auto store = testing::OpenRenewed(folder + "/state", folder + "/key");
    ASSERT_TRUE(store);
    testing::ExpectClosedAndRequired(*store);
    for (std::size_t i = 0; i < std::size(kNames); ++i) ExpectMarked(*store, KeyOfNumber(i));
  }

  // The old files are all there, byte for byte and private, and drafts are not.
  void CheckKept(const std::string& folder) const {
    int kept = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      const std::string path = entry.path();
      EXPECT_EQ(entry.status().permissions(), std::filesystem::perms(0600)) << path;
      EXPECT_FALSE(path.ends_with(".new") || path.find(".renewed") != std::string::npos) << path;
      if (path.find(".old-") == std::string::npos) continue;
      for (const char* old : {"/key", "/state/sparekey.db", "/state/sparekey.db-wal"}) {
        kept += ReadAll(path) == ReadAll(before_ + old) ? 1 : 0;
      }
    }
    EXPECT_EQ(kept, 3);
  }

 private:
  const TempFolder folder_;

 protected:
  const std::string before_ = folder_ / "before";
};

TEST_F(StoreRenewalKilled, NeverLeavesAStoreWithLessAndIsFinishedByDoingItAgain) {
  int at = 0;
  for (bool killed = true; killed && !HasFailure();) {
    const TempFolder parent;
    const std::string folder = parent / "copy";
    Copy(before_, folder);
    killed = RenewAndKillAt(++at, folder + "/state", folder + "/key");
    SCOPED_TRACE(at);
    CheckWhatIsThere(folder);
    const Result<Renewal> again = RenewStore(folder + "/state", folder + "/key", kNow);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again->accounts, 3U);
    CheckRenewed(folder);
    CheckKept(folder);
  }
  EXPECT_GT(at, 30);  // it does make changes
  std::printf("killed before each of %d changes\n", at - 1);
}

}  // namespace
}  // namespace sparekey
