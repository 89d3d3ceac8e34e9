// SPDX-License-Identifier: Apache-2.0
// Looking at a store leaves everything as it is, and sees what a killed process left in the log.
#include "core/store_look.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "tests/core/store_fixture.h"
#include "tests/support/processes.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using testing::MakeAccount;
using testing::Put;
using testing::ReadAll;
using testing::TestKey;

namespace fs = std::filesystem;

class LookAtStore : public testing::StoreTest {
 protected:
  // As SIGKILL leaves it: eve stands in the log alone.
  void LeaveInTheLog() {
    Open();  // moves the log
    EXPECT_TRUE(Put(store(), MakeAccount("eve", 1001)).ok());
    const std::string database = ReadAll(file()), log = ReadAll(file() + "-wal");
    Close();
    testing::WriteAll(file(), database);
    testing::WriteAll(file() + "-wal", log);
    fs::permissions(file() + "-wal", fs::perms::owner_read | fs::perms::owner_write);
  }
  static Result<std::unique_ptr<StoreLook>> LookAt(const std::string& state) {
    return StoreLook::Open(state, TestKey());
  }
  static std::vector<std::string> Names(StoreLook& look) {
    std::vector<std::string> names;
    const auto page = look.rows().ListAccounts("", 10);
    for (const ListedAccount& listed : page->accounts) names.push_back(listed.name);
    return names;
  }
  // Damage that a whole check finds; it must come to its end.
  static std::vector<std::string> Damage(StoreLook& look) {
    std::vector<std::string> damage;
    std::optional<std::string> from = "";
    while (from) {
      auto piece = look.rows().Check(*from, PieceLimits{});
      EXPECT_TRUE(piece.ok());
      damage.insert(damage.end(), piece->damage.begin(), piece->damage.end());
      from = std::move(piece->next);
    }
    return damage;
  }
  // Every file with its content and its time.
  static std::map<std::string, std::pair<std::string, fs::file_time_type>> Everything(
      const std::string& folder) {
    std::map<std::string, std::pair<std::string, fs::file_time_type>> all;
    all["."] = {"", fs::last_write_time(folder)};
    for (const auto& file : fs::directory_iterator(folder)) {
      all[file.path().filename()] = {ReadAll(file.path()), file.last_write_time()};
    }
    return all;
  }
};

TEST_F(LookAtStore, SeesTheLogAndLeavesIt) {
  LeaveInTheLog();
  const auto before = Everything(state());
  {
    const auto look = LookAt(state());
    ASSERT_TRUE(look.ok()) << look.error().message;
    EXPECT_THAT(Names(**look), ::testing::ElementsAre("ada", "eve"));
    EXPECT_THAT(Damage(**look), ::testing::IsEmpty());
    EXPECT_TRUE((*look)->CheckUndisturbed().ok());
    EXPECT_EQ(Everything(state()), before);
  }
  EXPECT_EQ(Everything(state()), before);
}

TEST_F(LookAtStore, MakesNoFileThatIsMissing) {
  Close();
  for (const char* name : {kReserveFile, kLockFile}) fs::remove(state() + "/" + name);
  ASSERT_FALSE(fs::exists(file() + "-wal"));
  const auto before = Everything(state());
  {
    const auto look = LookAt(state());
    ASSERT_TRUE(look.ok()) << look.error().message;
    EXPECT_THAT(Names(**look), ::testing::ElementsAre("ada"));
    EXPECT_THAT(Damage(**look), ::testing::IsEmpty());
    EXPECT_TRUE((*look)->CheckUndisturbed().ok());
    EXPECT_EQ(Everything(state()), before);
  }
  EXPECT_EQ(Everything(state()), before);
}

TEST_F(LookAtStore, FindsItWhateverItsFolderIsCalled) {
  Close();
  const std::string odd = state() + " %41?mode=rw#x";
  fs::rename(state(), odd);
  EXPECT_TRUE(LookAt(odd).ok());
  fs::rename(odd, state());
  LeaveInTheLog();
  fs::rename(state(), odd);
  const auto look = LookAt(odd);
  ASSERT_TRUE(look.ok()) << look.error().message;
  EXPECT_THAT(Names(**look), ::testing::ElementsAre("ada", "eve"));
}

TEST_F(LookAtStore, FindsDamageOnBothWays) {
  for (const bool in_log : {false, true}) {
    if (in_log) LeaveInTheLog();
    Close();
    auto database = Database::Open(file());
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE((*database)->Execute("PRAGMA locking_mode=EXCLUSIVE").ok());
    ASSERT_TRUE((*database)->Execute("UPDATE account SET flags = 7 WHERE name='ada'").ok());
    if (!in_log) (*database)->MoveLogAtClose(true);
    database->reset();
    ASSERT_EQ(fs::exists(file() + "-wal"), in_log);
    const auto look = LookAt(state());
    ASSERT_TRUE(look.ok()) << look.error().message;
    EXPECT_THAT(Damage(**look), ::testing::ElementsAre(HasSubstr("ada")));
  }
}

TEST_F(LookAtStore, KeepsNobodyFromOpeningItAndTellsThat) {
  for (const bool in_log : {false, true}) {
    if (in_log) LeaveInTheLog();
    Close();
    const auto look = LookAt(state());
    ASSERT_TRUE(look.ok()) << look.error().message;
    std::array<int, 2> opened{}, close{};
    ASSERT_EQ(::pipe(opened.data()) + ::pipe(close.data()), 0);
    const pid_t child = CheckedFork();
    if (child == 0) {
      const auto store = OpenSqliteStore(state(), TestKey());
      const char done = store.ok() ? 'y' : 'n';
      char word = 0;
      ::_exit(::write(opened[1], &done, 1) == 1 && ::read(close[0], &word, 1) == 1 ? 0 : 1);
    }
    char done = 0;
    ASSERT_EQ(::read(opened[0], &done, 1), 1);
    EXPECT_EQ(done, 'y');
    EXPECT_EQ((*look)->CheckUndisturbed().error().code, ErrorCode::kConflict);
    const auto second = LookAt(state());
    EXPECT_THAT(second.error().message, HasSubstr("in use by process " + std::to_string(child)));
    ASSERT_EQ(::write(close[1], "x", 1), 1);
    ::waitpid(child, nullptr, 0);
    for (const int end : {opened[0], opened[1], close[0], close[1]}) ::close(end);
  }
}

TEST_F(LookAtStore, TellsThatItWasChangedMeanwhile) {
  Close();
  const auto look = LookAt(state());
  ASSERT_TRUE(look.ok());
  Open();
  EXPECT_TRUE(Put(store(), MakeAccount("eve", 1001)).ok());
  Close();
  EXPECT_THAT((*look)->CheckUndisturbed().error().message, HasSubstr("changed meanwhile"));
}

TEST_F(LookAtStore, RefusesWhatCannotBeOpened) {
  Close();
  EXPECT_EQ(StoreLook::Open(state(), TestKey(2)).error().code, ErrorCode::kDamaged);
  fs::permissions(file(), fs::perms::others_read, fs::perm_options::add);
  EXPECT_EQ(LookAt(state()).error().code, ErrorCode::kNotAllowed);
  fs::permissions(file(), fs::perms::others_read, fs::perm_options::remove);
  testing::WriteAll(file(), "no database, but of some length");
  const auto look = LookAt(state());
  EXPECT_EQ(look.error().code, ErrorCode::kDamaged);
  EXPECT_THAT(look.error().message, HasSubstr(file()));
  fs::remove(file());
  EXPECT_EQ(LookAt(state()).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace sparekey
