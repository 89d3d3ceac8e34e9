// SPDX-License-Identifier: Apache-2.0
#include "cli/secret_folder.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/accounts.h"
#include "tests/support/program.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;

class SecretFolderTest : public ::testing::Test {
 protected:
  SecretFolder Open() {
    auto folder = SecretFolder::Open(path_, ".txt");
    EXPECT_TRUE(folder) << folder.error().message;
    return std::move(*folder);
  }
  static SecretBytes UriOf(const std::string& account) {
    return FormatOtpauth(testing::MakeAuthenticator(), "nas", account);
  }
  mode_t ModeOf(const std::string& file) const {
    struct stat info {};
    EXPECT_EQ(stat(file.c_str(), &info), 0) << file;
    return info.st_mode & 07777;
  }
  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + '/' + name) << text;
  }

  testing::TestFolder place_;
  const std::string path_ = place_ / "out";
};

TEST_F(SecretFolderTest, IsMadeForNobodyElse) {
  Open();
  EXPECT_EQ(ModeOf(path_), 0700U);
  Open();  // the second time, too
}

TEST_F(SecretFolderTest, IsRefusedWhereOthersMayLookIn) {
  ASSERT_EQ(mkdir(path_.c_str(), 0750), 0);
  const auto folder = SecretFolder::Open(path_, ".txt");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, ErrorCode::kNotAllowed);
  EXPECT_THAT(folder.error().message, HasSubstr("chmod 700"));
}

TEST_F(SecretFolderTest, IsNoFileNoLinkAndInNoMissingFolder) {
  std::ofstream(place_ / "file") << "";
  const SecretFolder real = Open();
  ASSERT_EQ(symlink(path_.c_str(), (place_ / "link").c_str()), 0);
  for (const std::string& path : {place_ / "file", place_ / "link", place_ / "missing/out"}) {
    EXPECT_FALSE(SecretFolder::Open(path, ".txt")) << path;
  }
}

TEST_F(SecretFolderTest, KeepsAUriAsOneLineOfAPrivateFile) {
  const SecretFolder folder = Open();
  EXPECT_FALSE(folder.LoadUri("ada")->has_value());
  ASSERT_TRUE(folder.StoreUri("ada", UriOf("ada")));
  EXPECT_EQ(ModeOf(path_ + "/ada.otpauth"), 0600U);
  const std::string text = testing::ReadWholeFile(path_ + "/ada.otpauth");
  EXPECT_EQ(text, std::string(UriOf("ada").ExposeText()) + "\n");
  const auto uri = folder.LoadUri("ada");
  ASSERT_TRUE(uri && *uri);
  EXPECT_EQ((*uri)->authenticator.secret.ExposeText(), "12345678901234567890");
  folder.RemoveUri("ada");
  EXPECT_FALSE(folder.LoadUri("ada")->has_value());
}

TEST_F(SecretFolderTest, TakesAFileThatACrashLeftUnfinishedAsNone) {
  const SecretFolder folder = Open();
  const std::string whole(UriOf("ada").ExposeText());
  for (const std::string& text : {std::string(), whole.substr(0, 30), std::string(64, '\0')}) {
    Put("ada.otpauth", text);
    const auto uri = folder.LoadUri("ada");
    ASSERT_TRUE(uri);
    EXPECT_FALSE(uri->has_value());
    ASSERT_TRUE(folder.StoreUri("ada", UriOf("ada")));
    EXPECT_TRUE(folder.LoadUri("ada")->has_value());
    EXPECT_EQ(ModeOf(path_ + "/ada.otpauth"), 0600U);
  }
}

TEST_F(SecretFolderTest, RefusesAFileThatIsSomethingElse) {
  const SecretFolder folder = Open();
  Put("ada.otpauth", "my notes\n");
  Put("bob.otpauth", std::string(UriOf("ada").ExposeText()) + "\n");
  ASSERT_EQ(symlink("/etc/passwd", (path_ + "/eve.otpauth").c_str()), 0);
  ASSERT_EQ(mkfifo((path_ + "/mia.otpauth").c_str(), 0600), 0);
  for (const std::string account : {"ada", "bob", "eve", "mia"}) {
    EXPECT_FALSE(folder.LoadUri(account)) << account;
  }
}

TEST_F(SecretFolderTest, NamesFilesSoThatNoTwoAccountsShareOneAndNoneIsHidden) {
  EXPECT_EQ(FileNameOf("ada@example.com"), "ada@example.com");
  EXPECT_EQ(FileNameOf(".ada"), "%2Eada");
  EXPECT_EQ(FileNameOf("%2Eada"), "%252Eada");
  EXPECT_EQ(FileNameOf("a.d%a"), "a.d%25a");
  EXPECT_EQ(FileNameOf("../ada"), "%2E.%2Fada");
}

TEST_F(SecretFolderTest, ShowsASheetThatIsPromisedByAnEmptyFile) {
  const SecretFolder folder = Open();
  EXPECT_EQ(*folder.LookAtSheet("ada"), SheetFile::kNone);
  ASSERT_TRUE(folder.PromiseSheet("ada"));
  EXPECT_EQ(*folder.LookAtSheet("ada"), SheetFile::kEmpty);
  ASSERT_TRUE(folder.StoreSheet("ada", SecretBytes(std::string_view("codes"))));
  EXPECT_EQ(*folder.LookAtSheet("ada"), SheetFile::kFull);
  EXPECT_EQ(testing::ReadWholeFile(path_ + "/ada.txt"), "codes");
  EXPECT_EQ(ModeOf(path_ + "/ada.txt"), 0600U);
  EXPECT_TRUE(folder.Sync());
}

TEST_F(SecretFolderTest, TakesAPromiseBackButNeverASheet) {
  const SecretFolder folder = Open();
  ASSERT_TRUE(folder.PromiseSheet("ada"));
  folder.RemovePromise("ada");
  EXPECT_EQ(*folder.LookAtSheet("ada"), SheetFile::kNone);
  ASSERT_TRUE(folder.StoreSheet("ada", SecretBytes(std::string_view("codes"))));
  folder.RemovePromise("ada");
  EXPECT_EQ(*folder.LookAtSheet("ada"), SheetFile::kFull);
  EXPECT_FALSE(folder.PromiseSheet("ada"));  // never in the place of something
}

}  // namespace
}  // namespace sparekey
