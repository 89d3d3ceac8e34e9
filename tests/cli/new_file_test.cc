// SPDX-License-Identifier: Apache-2.0
#include "cli/new_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/program.h"

namespace sparekey {
namespace {

using testing::ReadWholeFile;
using testing::TestFolder;

TEST(NewFile, IsPrivateAndHoldsTheContentWhenFinished) {
  const TestFolder folder;
  const mode_t before = umask(0);
  auto file = NewFile::Create(folder / "codes.txt");
  umask(before);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->Finish("secret\n").ok());
  struct stat facts {};
  ASSERT_EQ(stat((folder / "codes.txt").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600U);
  EXPECT_EQ(ReadWholeFile(folder / "codes.txt"), "secret\n");
}

TEST(NewFile, NeverOverwritesAFileOrFollowsALink) {
  const TestFolder folder;
  std::ofstream(folder / "old.txt") << "old";
  ASSERT_EQ(symlink((folder / "target").c_str(), (folder / "link.txt").c_str()), 0);
  for (const char* name : {"old.txt", "link.txt"}) {
    const auto file = NewFile::Create(folder / name);
    ASSERT_FALSE(file.ok()) << name;
    EXPECT_EQ(file.error().code, ErrorCode::kConflict);
  }
  EXPECT_EQ(ReadWholeFile(folder / "old.txt"), "old");
  EXPECT_FALSE(std::filesystem::exists(folder / "target"));
}

TEST(NewFile, LeavesNothingBehindUnlessFinished) {
  const TestFolder folder;
  {
    const auto file = NewFile::Create(folder / "codes.txt");
    ASSERT_TRUE(file.ok());
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "codes.txt"));
}

TEST(NewFile, CallsAMissingFolderAnInvalidValue) {
  const TestFolder folder;
  const auto file = NewFile::Create(folder / "none/codes.txt");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::kInvalid);
}

TEST(NewFile, ReportsAFullDisk) {
  const TestFolder folder;
  auto file = NewFile::Create("/dev/full");
  ASSERT_FALSE(file.ok());  // exists already
  EXPECT_EQ(file.error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace sparekey
