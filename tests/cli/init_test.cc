// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/sqlite_store.h"
#include "tests/support/program.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using testing::ReadWholeFile;
using testing::RunProgram;
using testing::TestFolder;

class InitTest : public ::testing::Test {
 protected:
  testing::ProgramResult Init() const {
    return RunProgram({SPAREKEY_PROGRAM, "--state-dir", folder_ / "state", "init"});
  }
  TestFolder folder_;
  std::string key_ = folder_ / "state/master.key";
  std::string store_ = folder_ / "state/sparekey.db";
};

TEST_F(InitTest, CreatesKeyAndStoreThatFit) {
  const auto result = Init();
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(key_));
  struct stat facts {};
  ASSERT_EQ(stat((folder_ / "state").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0700U);
  EXPECT_TRUE(OpenSqliteStore(folder_ / "state", std::move(*MasterKey::Load(key_))).ok());
}

TEST_F(InitTest, MakesTheFolderOfAKeyThatTheConfigurationPutsElsewhere) {
  std::ofstream(folder_ / "sparekey.conf") << "master_key = " << folder_ / "etc/master.key"
                                           << "\nstate_dir = " << folder_ / "state" << '\n';
  const auto result = RunProgram({SPAREKEY_PROGRAM, "--config", folder_ / "sparekey.conf", "init"});
  ASSERT_EQ(result.status, 0) << result.err;
  struct stat facts {};
  ASSERT_EQ(stat((folder_ / "etc").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0755U);
  ASSERT_EQ(stat((folder_ / "etc/master.key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600U);
}

TEST_F(InitTest, ChangesNothingTheSecondTime) {
  ASSERT_EQ(Init().status, 0);
  const std::string key = ReadWholeFile(key_);
  const std::string store = ReadWholeFile(store_);
  const auto result = Init();
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("already set up"));
  EXPECT_EQ(ReadWholeFile(key_), key);
  EXPECT_EQ(ReadWholeFile(store_), store);
}

TEST_F(InitTest, NamesBothWhereOnlyOneIsThere) {
  ASSERT_EQ(Init().status, 0);
  for (const std::string& lost : {store_, key_}) {
    std::filesystem::rename(lost, folder_ / "away");
    const auto result = Init();
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr(key_));
    EXPECT_THAT(result.err, HasSubstr(store_));
    EXPECT_THAT(result.err, HasSubstr("backup"));
    EXPECT_FALSE(std::filesystem::exists(lost));
    std::filesystem::rename(folder_ / "away", lost);
  }
}

// In between there may be neither store nor key, but a draft that knows who must enrol.
TEST_F(InitTest, LeavesANewKeyToItsMakerThatIsNotFinished) {
  ASSERT_EQ(Init().status, 0);
  std::filesystem::rename(key_, key_ + ".new");
  std::filesystem::remove(store_);
  const auto result = Init();
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("--new-key"));
  EXPECT_FALSE(std::filesystem::exists(store_));
  EXPECT_FALSE(std::filesystem::exists(key_));
}

TEST_F(InitTest, LeavesNoKeyBehindWhereNoStoreCanBeMade) {
  std::filesystem::create_directory(folder_ / "state");
  std::filesystem::permissions(folder_ / "state", std::filesystem::perms::all);
  EXPECT_NE(Init().status, 0);
  EXPECT_FALSE(std::filesystem::exists(key_));
}

TEST_F(InitTest, PrintsOneJsonValue) {
  const auto result =
      RunProgram({SPAREKEY_PROGRAM, "--state-dir", folder_ / "state", "init", "--json"});
  const auto json = nlohmann::json::parse(result.out, nullptr, false);
  EXPECT_EQ(json["master_key"], key_);
  EXPECT_EQ(json["store"], store_);
}

}  // namespace
}  // namespace sparekey
