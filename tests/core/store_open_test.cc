// SPDX-License-Identifier: Apache-2.0
// What a store is refused for before anything in it is believed.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/core/store_fixture.h"
#include "tests/support/processes.h"
#include "tests/support/store_file.h"

namespace sparekey {
namespace {

using testing::Failures;
using testing::ReadAll;
using testing::TempFolder;
using testing::TestKey;
using testing::WriteAll;

class OpenStore : public testing::StoreTest {
 protected:
  OpenStore() { Close(); }

  Error OpenError(const std::string& state, MasterKey key = TestKey()) {
    const Result<std::unique_ptr<Store>> store = OpenSqliteStore(state, std::move(key));
    EXPECT_FALSE(store.ok());
    return store ? Error{ErrorCode::kInvalid, ""} : store.error();
  }
  Error OpenError() { return OpenError(state()); }

  void Sql(const std::string& sql) { testing::EditStoreFile(file(), sql); }
};

TEST_F(OpenStore, OpensWhatWasClosed) {
  Open();
  EXPECT_EQ(Failures(store(), ada_), 0);
}

TEST_F(OpenStore, RefusesAMissingFolderAndAMissingStore) {
  EXPECT_EQ(OpenError(state() + "/missing").code, ErrorCode::kNotFound);
  std::filesystem::remove(file());
  EXPECT_EQ(OpenError().code, ErrorCode::kNotFound);
  EXPECT_NE(OpenError().message.find(file()), std::string::npos);
  EXPECT_NE(OpenError().message.find("sparekey init"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(OpenStore, RefusesAFolderThatOthersMayEnter) {
  for (const mode_t mode : {0755, 0750, 0701, 0770}) {
    ASSERT_EQ(::chmod(state().c_str(), mode), 0);
    EXPECT_EQ(OpenError().code, ErrorCode::kNotAllowed) << std::oct << mode;
    EXPECT_NE(OpenError().message.find("chmod 0700 " + state()), std::string::npos);
  }
}

TEST_F(OpenStore, RefusesASymbolicLinkToTheFolder) {
  const TempFolder other;
  const std::string link = other / "link";
  std::filesystem::create_directory_symlink(state(), link);
  EXPECT_EQ(OpenError(link).code, ErrorCode::kNotAllowed);
  EXPECT_EQ(OpenError(link + "/").code, ErrorCode::kNotAllowed);
}

TEST_F(OpenStore, RefusesFilesThatOthersMayReadOrThatAreLinks) {
  for (const char* name : {kStoreFile, kLockFile, kReserveFile}) {
    const std::string path = state() + "/" + name;
    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    EXPECT_EQ(OpenError().code, ErrorCode::kNotAllowed) << name;
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    std::filesystem::rename(path, path + ".real");
    std::filesystem::create_symlink(path + ".real", path);
    EXPECT_EQ(OpenError().code, ErrorCode::kNotAllowed) << name;
    std::filesystem::rename(path + ".real", path);
  }
  Open();
}

TEST_F(OpenStore, RefusesAnotherOwnersFolderAndFiles) {
  if (::geteuid() != 0) {
    EXPECT_EQ(OpenError("/").code, ErrorCode::kNotAllowed);  // root's
    return;
  }
  for (const std::string& path : {state(), file()}) {
    ASSERT_EQ(::chown(path.c_str(), 12345, 0), 0);
    EXPECT_EQ(OpenError().code, ErrorCode::kNotAllowed);
    ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  }
}

TEST_F(OpenStore, RefusesAKeyThatDoesNotFit) {
  const Error error = OpenError(state(), TestKey(2));
  EXPECT_EQ(error.code, ErrorCode::kDamaged);
  EXPECT_NE(error.message.find("key"), std::string::npos);
  Open();
  EXPECT_EQ(Failures(store(), ada_), 0);
}

TEST_F(OpenStore, RefusesWhatIsNoDatabase) {
  for (const std::string& content :
       {std::string(), std::string("x"), std::string(100'000, 'x'), ReadAll(file()).substr(0, 50),
        ReadAll(file()).substr(0, 4096)}) {
    WriteAll(file(), content);
    EXPECT_EQ(OpenError().code, ErrorCode::kDamaged) << content.size();
  }
}

TEST_F(OpenStore, RefusesSomebodyElsesDatabase) {
  std::filesystem::remove(file());
  Sql("CREATE TABLE account(name TEXT)");
  ASSERT_EQ(::chmod(file().c_str(), 0600), 0);
  const std::string before = ReadAll(file());
  EXPECT_EQ(OpenError().code, ErrorCode::kDamaged);
  EXPECT_EQ(ReadAll(file()), before);
}

TEST_F(OpenStore, RefusesANewerSchemaAndLeavesItAsItIs) {
  const std::string newer = std::to_string(kSchemaVersion + 1);
  Sql("PRAGMA user_version=" + newer);
  const std::string before = ReadAll(file());
  const Error error = OpenError();
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_NE(error.message.find("schema " + newer), std::string::npos);
  EXPECT_NE(error.message.find("a newer sparekey"), std::string::npos);
  EXPECT_EQ(ReadAll(file()), before);
}

TEST_F(OpenStore, RefusesTablesThatAreNotItsOwn) {
  for (const char* sql :
       {"DROP INDEX account_uid", "CREATE TABLE more(x)",
        "CREATE TRIGGER t AFTER UPDATE ON account BEGIN DELETE FROM event; END"}) {
    const std::string before = ReadAll(file());
    Sql(sql);
    EXPECT_EQ(OpenError().code, ErrorCode::kDamaged) << sql;
    std::filesystem::remove(file() + "-wal");
    WriteAll(file(), before);
  }
  Open();
}

TEST_F(OpenStore, RefusesAStoreWithoutItsSystemSettingsOrCheckValue) {
  for (const char* row : {"system", "policy", "key_check"}) {
    const std::string before = ReadAll(file());
    Sql("DELETE FROM state WHERE name='" + std::string(row) + "'");
    EXPECT_EQ(OpenError().code, ErrorCode::kDamaged) << row;
    std::filesystem::remove(file() + "-wal");
    WriteAll(file(), before);
  }
  Open();
}

TEST_F(OpenStore, RefusesASecondOwnerInThisProcess) {
  Open();
  const Error error = OpenError();
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_NE(error.message.find(std::to_string(::getpid())), std::string::npos);
  EXPECT_EQ(FindStoreOwner(state()), ::getpid());
  EXPECT_EQ(OpenError().code, ErrorCode::kConflict);  // the look did not give the lock up
  Close();
  EXPECT_FALSE(FindStoreOwner(state()));
  Open();
}

TEST_F(OpenStore, RefusesASecondOwnerAndNamesTheFirst) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = CheckedFork();
  if (child == 0) {
    const Result<std::unique_ptr<Store>> store = OpenSqliteStore(state(), TestKey());
    const char answer = store ? 'y' : 'n';
    (void)!::write(ready[1], &answer, 1);
    for (;;) ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  const Error error = OpenError();
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_NE(error.message.find("process " + std::to_string(child)), std::string::npos);
  EXPECT_EQ(FindStoreOwner(state()), child);
  CheckedKill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_FALSE(FindStoreOwner(state()));
  Open();
  EXPECT_EQ(Failures(store(), ada_), 0);
}

TEST_F(OpenStore, MakesTheReserveAnewAfterItWasGivenUp) {
  const std::string reserve = state() + "/" + kReserveFile;
  EXPECT_EQ(std::filesystem::file_size(reserve), 1U << 20);
  std::filesystem::remove(reserve);
  Open();
  EXPECT_EQ(std::filesystem::file_size(reserve), 1U << 20);
}

TEST(CreateStore, MakesAPrivateFolderAndPrivateFiles) {
  const TempFolder folder;
  const mode_t before = ::umask(0);
  const Status status = CreateSqliteStore(folder / "state", TestKey());
  ::umask(before);
  ASSERT_TRUE(status.ok()) << status.error().message;
  struct stat info {};
  ASSERT_EQ(::stat((folder / "state").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700U);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "state")) {
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0600U) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 3);
}

TEST(CreateStore, NeverTouchesAStoreThatExists) {
  const TempFolder folder;
  ASSERT_TRUE(CreateSqliteStore(folder / "state", TestKey()).ok());
  const std::string before = ReadAll(folder / "state" + "/sparekey.db");
  const Status again = CreateSqliteStore(folder / "state", TestKey(2));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  EXPECT_EQ(ReadAll(folder / "state" + "/sparekey.db"), before);
  EXPECT_TRUE(OpenSqliteStore(folder / "state", TestKey()).ok());
}

TEST(CreateStore, FinishesWhereAnEarlierCreationWasCutOff) {
  const TempFolder folder;
  ASSERT_TRUE(CreateSqliteStore(folder / "state", TestKey()).ok());
  std::filesystem::rename(folder / "state" + "/sparekey.db", folder / "state" + "/sparekey.db.new");
  ASSERT_TRUE(CreateSqliteStore(folder / "state", TestKey()).ok());
  EXPECT_TRUE(OpenSqliteStore(folder / "state", TestKey()).ok());
  EXPECT_FALSE(std::filesystem::exists(folder / "state" + "/sparekey.db.new"));
}

TEST(CreateStore, RefusesAFolderThatIsNotItsOwn) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "open");
  ASSERT_EQ(::chmod((folder / "open").c_str(), 0755), 0);
  EXPECT_EQ(CreateSqliteStore(folder / "open", TestKey()).error().code, ErrorCode::kNotAllowed);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "open"));
  EXPECT_EQ(CreateSqliteStore(folder / "a" + "/b", TestKey()).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace sparekey
