// SPDX-License-Identifier: Apache-2.0
// A disk that is full: a tmpfs of 4 MiB, and a limit on the size of files.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/core/renewed_store.h"
#include "tests/support/processes.h"
#include "tests/support/store_file.h"

namespace sparekey {
namespace {

using testing::MakeAccount;
using testing::RunOne;
using testing::TempFolder;
using testing::TestKey;

// Runs `check` in a child with its own mounts and limits; its result is the child's.
template <typename Check>
void InChild(const Check& check) {
  const pid_t child = CheckedFork();
  if (child == 0) ::_exit(check() ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

bool Holds(bool claim, const char* what) {
  if (!claim) ::dprintf(STDERR_FILENO, "does not hold: %s\n", what);
  return claim;
}
#define HOLDS(claim) \
  if (!Holds(claim, #claim)) return false

Work AddingAccount(int number) {
  return testing::Putting(
      MakeAccount("user" + std::to_string(number), 5000 + static_cast<uid_t>(number)));
}

// Adds accounts until the disk is full, makes room, goes on.
template <typename MakeRoom>
bool SurvivesAFullDisk(const std::string& state, const MakeRoom& make_room) {
  HOLDS(CreateSqliteStore(state, TestKey()).ok());
  Result<std::unique_ptr<Store>> store = OpenSqliteStore(state, TestKey());
  HOLDS(store.ok());
  int added = 0;
  Status status = Ok();
  for (; status && added < 100'000; added += status ? 1 : 0) {
    status = RunOne(**store, AddingAccount(added));
  }
  HOLDS(!status.ok());
  HOLDS(status.error().code == ErrorCode::kUnavailable);
  HOLDS(status.error().message == "the disk that holds " + state + " is full");
  (*store)->Idle();
  make_room();
  for (int i = 0; i < 10; ++i) HOLDS(RunOne(**store, AddingAccount(added++)).ok());
  store = OpenSqliteStore(state + "/none", TestKey());  // closes it
  store = OpenSqliteStore(state, TestKey());
  HOLDS(store.ok());
  return Holds((*store)->CountAccounts()->active == static_cast<std::uint64_t>(added),
               "everything acknowledged is there");
}

void FillDisk(const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  const std::string piece(4096, 'x');
  while (file.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) {
  }
}

// A new key and a new store, first with no space at all, then with the reserve's.
bool RenewsOnAFullDisk(const std::string& folder) {
  constexpr int kAccounts = 200;
  const std::string state = folder + "/state", key = folder + "/key";
  HOLDS(CreateSqliteStore(state, TestKey()).ok());
  HOLDS(MasterKey::Create(key).ok());
  std::vector<Work> works;
  for (int i = 0; i < kAccounts; ++i) works.push_back(AddingAccount(i));
  (*OpenSqliteStore(state, TestKey()))->Run(works);
  FillDisk(folder + "/filler");
  const std::string old_key = testing::ReadAll(key);
  const std::string old_store = testing::ReadAll(state + "/" + kStoreFile);
  HOLDS(!RenewStore(state, key, testing::kNow).ok());
  HOLDS(testing::ReadAll(key) == old_key);
  HOLDS(testing::ReadAll(state + "/" + kStoreFile) == old_store);
  std::filesystem::remove(state + "/" + kReserveFile);
  const Result<Renewal> renewal = RenewStore(state, key, testing::kNow);
  HOLDS(renewal.ok());
  HOLDS(renewal->accounts == kAccounts && !renewal->some_unknown);
  const auto store = testing::OpenRenewed(state, key);
  HOLDS(store && testing::IsClosedAndRequired(*store));
  for (int i = 0; i < kAccounts; ++i) {
    HOLDS(testing::IsMarked(*store, {"user" + std::to_string(i), 5000 + static_cast<uid_t>(i)}));
  }
  return true;
}

// No room for the index of the newest schema.
bool ServesAnOlderStoreOnAFullDisk(const std::string& folder) {
  const std::string state = folder + "/state", file = state + "/" + kStoreFile;
  HOLDS(CreateSqliteStore(state, TestKey()).ok());
  HOLDS(RunOne(**OpenSqliteStore(state, TestKey()), AddingAccount(1)).ok());
  Work events{{}, [](Records&) -> Result<Changes> {
                Changes changes;
                changes.events.resize(5000);
                for (Event& event : changes.events) event.account = "user1";
                return changes;
              }};
  HOLDS(RunOne(**OpenSqliteStore(state, TestKey()), std::move(events)).ok());
  testing::EditStoreFile(file,
                         "DROP INDEX event_block; CREATE INDEX event_account ON event(account);"
                         "PRAGMA user_version=2");
  FillDisk(folder + "/filler");
  const auto look = [&](std::size_t wanted) {
    auto store = OpenSqliteStore(state, TestKey());
    HOLDS(Holds(store.ok(), store ? "" : store.error().message.c_str()));
    EventQuery query;
    query.account = "user1";
    query.limit = 10;
    HOLDS((*store)->ReadEvents(query)->events.size() == wanted);
    return Holds(testing::Load(**store, {"user1", 5001}).ok(), "the account is there");
  };
  HOLDS(look(10));
  std::filesystem::remove(folder + "/filler");
  HOLDS(look(10));
  HOLDS(testing::ReadAll(file)[63] == kSchemaVersion);
  return true;
}

TEST(StoreOnAFullDisk, GoesOnWithTheSchemaThatItHas) {
  const TempFolder folder;
  InChild([&] {
    HOLDS(::unshare(CLONE_NEWNS) == 0);  // needs root
    HOLDS(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    HOLDS(::mount("none", folder.path().c_str(), "tmpfs", 0, "size=4m") == 0);
    return ServesAnOlderStoreOnAFullDisk(folder.path());
  });
}

TEST(StoreOnAFullDisk, IsMadeAnewUnderANewKeyWithTheReserve) {
  const TempFolder folder;
  InChild([&] {
    HOLDS(::unshare(CLONE_NEWNS) == 0);  // needs root
    HOLDS(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    HOLDS(::mount("none", folder.path().c_str(), "tmpfs", 0, "size=4m") == 0);
    return RenewsOnAFullDisk(folder.path());
  });
}

TEST(StoreOnAFullDisk, KeepsWhatItAcknowledgedAndGoesOnWithTheReserve) {
  const TempFolder folder;
  InChild([&] {
    HOLDS(::unshare(CLONE_NEWNS) == 0);  // needs root
    HOLDS(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    HOLDS(::mount("none", folder.path().c_str(), "tmpfs", 0, "size=4m") == 0);
    const std::string state = folder / "state";
    return SurvivesAFullDisk(state, [&] { std::filesystem::remove(state + "/" + kReserveFile); });
  });
}

TEST(StoreUnderAFileSizeLimit, KeepsWhatItAcknowledgedAndGoesOnWithoutIt) {
  const TempFolder folder;
  InChild([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit before = [] {
      rlimit limit{};
      ::getrlimit(RLIMIT_FSIZE, &limit);
      return limit;
    }();
    const rlimit small{2 << 20, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    return SurvivesAFullDisk(folder / "state", [&] { ::setrlimit(RLIMIT_FSIZE, &before); });
  });
}

}  // namespace
}  // namespace sparekey
