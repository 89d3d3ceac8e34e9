// SPDX-License-Identifier: Apache-2.0
#include "core/seal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/core/store_fixture.h"

namespace sparekey {
namespace {

using testing::ReadAll;
using testing::TempFolder;
using testing::TestKey;
using testing::WriteAll;

std::span<const std::uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(Seal, OpensWhatItSealed) {
  const MasterKey key = TestKey();
  for (const std::string& plain : {std::string(), std::string("a"), std::string(1000, 'x')}) {
    const auto sealed = key.Seal(Bytes(plain), "row");
    EXPECT_EQ(sealed.size(), plain.size() + kSealOverheadBytes);
    const Result<SecretBytes> opened = key.Open(sealed, "row");
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened->ExposeText(), plain);
  }
}

TEST(Seal, NeverSealsTheSameWayTwice) {
  const MasterKey key = TestKey();
  EXPECT_NE(key.Seal(Bytes("secret"), "row"), key.Seal(Bytes("secret"), "row"));
}

TEST(Seal, HidesThePlainText) {
  const auto sealed = TestKey().Seal(Bytes("12345678901234567890"), "row");
  const std::string text(sealed.begin(), sealed.end());
  EXPECT_EQ(text.find("1234"), std::string::npos);
}

TEST(Seal, RefusesAnotherContextOrKey) {
  const MasterKey key = TestKey();
  const auto sealed = key.Seal(Bytes("secret"), "row 1");
  for (const char* context : {"row 2", "row 1 ", "row ", ""}) {
    const Result<SecretBytes> opened = key.Open(sealed, context);
    ASSERT_FALSE(opened.ok()) << context;
    EXPECT_EQ(opened.error().code, ErrorCode::kDamaged);
  }
  EXPECT_FALSE(TestKey(2).Open(sealed, "row 1").ok());
}

TEST(Seal, RefusesEveryFlippedBitAndEveryTruncation) {
  const MasterKey key = TestKey();
  const auto sealed = key.Seal(Bytes("secret"), "row");
  for (std::size_t i = 0; i < sealed.size() * 8; ++i) {
    auto flipped = sealed;
    flipped[i / 8] = static_cast<std::uint8_t>(flipped[i / 8] ^ (1U << (i % 8)));
    EXPECT_FALSE(key.Open(flipped, "row").ok()) << i;
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(key.Open(std::span(sealed).first(size), "row").ok()) << size;
  }
  auto longer = sealed;
  longer.push_back(0);
  EXPECT_FALSE(key.Open(longer, "row").ok());
}

TEST(DeriveKey, DiffersByPurposeIdAndMasterKey) {
  const MasterKey key = TestKey();
  const auto text = [](const SecretBytes& secret) { return std::string(secret.ExposeText()); };
  const std::string codes = text(key.Derive(1, "codes"));
  EXPECT_EQ(codes.size(), 32U);
  EXPECT_EQ(codes, text(key.Derive(1, "codes")));
  EXPECT_NE(codes, text(key.Derive(2, "codes")));
  EXPECT_NE(codes, text(key.Derive(1, "other")));
  EXPECT_NE(codes, text(TestKey(2).Derive(1, "codes")));
}

class MasterKeyFile : public ::testing::Test {
 protected:
  Error LoadError() const {
    const Result<MasterKey> key = MasterKey::Load(path_);
    EXPECT_FALSE(key.ok());
    return key ? Error{ErrorCode::kInvalid, ""} : key.error();
  }

  TempFolder folder_;
  const std::string path_ = folder_ / "master.key";
};

TEST_F(MasterKeyFile, IsCreatedPrivateAndRandomAndLoadsAgain) {
  ASSERT_TRUE(MasterKey::Create(path_).ok());
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  EXPECT_EQ(ReadAll(path_).size(), kMasterKeyBytes);
  ASSERT_TRUE(MasterKey::Create(folder_ / "other.key").ok());
  EXPECT_NE(ReadAll(path_), ReadAll(folder_ / "other.key"));
  const Result<MasterKey> key = MasterKey::Load(path_);
  const Result<MasterKey> again = MasterKey::Load(path_);
  ASSERT_TRUE(key.ok() && again.ok());
  EXPECT_TRUE(again->Open(key->Seal(Bytes("secret"), "row"), "row").ok());
}

TEST_F(MasterKeyFile, IsNeverOverwritten) {
  ASSERT_TRUE(MasterKey::Create(path_).ok());
  const std::string before = ReadAll(path_);
  const Status again = MasterKey::Create(path_);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  EXPECT_EQ(ReadAll(path_), before);
}

TEST_F(MasterKeyFile, IsRefusedWhereItIsMissing) {
  EXPECT_EQ(LoadError().code, ErrorCode::kNotFound);
  EXPECT_NE(LoadError().message.find(path_), std::string::npos);
}

TEST_F(MasterKeyFile, IsRefusedWithAnyModeBeyond0600) {
  ASSERT_TRUE(MasterKey::Create(path_).ok());
  for (const mode_t mode : {0644, 0640, 0604, 0660, 0700, 0610, 04600}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    EXPECT_EQ(LoadError().code, ErrorCode::kNotAllowed) << std::oct << mode;
    EXPECT_NE(LoadError().message.find("chmod 0600 " + path_), std::string::npos);
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(MasterKey::Load(path_).ok());
}

TEST_F(MasterKeyFile, IsRefusedAsASymbolicLinkAFolderOrAFifo) {
  const std::string real = folder_ / "real.key";
  ASSERT_TRUE(MasterKey::Create(real).ok());
  std::filesystem::create_symlink(real, path_);
  EXPECT_EQ(LoadError().code, ErrorCode::kNotAllowed);
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_EQ(LoadError().code, ErrorCode::kNotAllowed);
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(LoadError().code, ErrorCode::kNotAllowed);
}

TEST_F(MasterKeyFile, IsRefusedWithAnyOtherSize) {
  for (const std::size_t size : {0, 1, 31, 33, 64}) {
    WriteAll(path_, std::string(size, 'k'));
    ASSERT_EQ(::chmod(path_.c_str(), 0600), 0);
    EXPECT_EQ(LoadError().code, ErrorCode::kDamaged) << size;
  }
}

TEST_F(MasterKeyFile, IsRefusedFromAnotherOwner) {
  if (::geteuid() == 0) {
    ASSERT_TRUE(MasterKey::Create(path_).ok());
    ASSERT_EQ(::chown(path_.c_str(), 12345, 0), 0);
    EXPECT_EQ(LoadError().code, ErrorCode::kNotAllowed);
  } else {
    const Result<MasterKey> key = MasterKey::Load("/etc/passwd");  // root's
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().code, ErrorCode::kNotAllowed);
  }
}

TEST_F(MasterKeyFile, LeavesNothingBehindWhereItCannotBeCreated) {
  const Status status = MasterKey::Create(folder_ / "missing" + "/master.key");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace sparekey
