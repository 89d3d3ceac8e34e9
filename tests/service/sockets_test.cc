// SPDX-License-Identifier: Apache-2.0
#include "service/sockets.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/processes.h"
#include "tests/support/raw_http.h"
#include "tests/support/temp_folder.h"

namespace sparekey {
namespace {

using testing::HasSubstr;

class OpenSocketsTest : public testing::Test {
 protected:
  Result<Sockets> Open() { return OpenSockets(pam_, api_); }
  std::string ErrorOfOpen() {
    const auto sockets = Open();
    return sockets ? "no error" : sockets.error().message;
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }
  static bool CanConnect(const std::string& path) { return RawClient().Connect(path); }
  std::size_t FileCount() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_.path()),
                      std::filesystem::directory_iterator()));
  }

  TempFolder folder_;
  std::string pam_ = folder_.File("pam.sock");
  std::string api_ = folder_.File("api.sock");
};

TEST_F(OpenSocketsTest, MakesBothWithTheirModesWhateverTheUmask) {
  for (const mode_t mask : {0U, 022U, 077U}) {
    const mode_t before = umask(mask);
    const auto sockets = Open();
    umask(before);
    ASSERT_TRUE(sockets) << sockets.error().message;
    EXPECT_FALSE(sockets->are_systemds());
    EXPECT_EQ(ModeOf(pam_), 0600U);
    EXPECT_EQ(ModeOf(api_), 0666U);
    EXPECT_TRUE(CanConnect(pam_));
    EXPECT_TRUE(CanConnect(api_));
    EXPECT_EQ(FileCount(), 2U);
  }
}

TEST_F(OpenSocketsTest, RemovesItsFilesAtTheEnd) {
  { const auto sockets = Open(); }
  EXPECT_EQ(FileCount(), 0U);
}

TEST_F(OpenSocketsTest, LeavesAFileThatIsSomebodyElsesByNow) {
  {
    const auto sockets = Open();
    ASSERT_TRUE(sockets);
    std::filesystem::remove(api_);
    folder_.Write("api.sock", "not ours");
  }
  EXPECT_TRUE(std::filesystem::exists(api_));
  EXPECT_FALSE(std::filesystem::exists(pam_));
}

TEST_F(OpenSocketsTest, GivesUpTheDescriptorsThatAreTaken) {
  auto sockets = Open();
  ASSERT_TRUE(sockets);
  const int pam = sockets->TakePam();
  const int api = sockets->TakeApi();
  EXPECT_EQ(sockets->TakePam(), -1);
  EXPECT_NE(fcntl(pam, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(fcntl(api, F_GETFD) & FD_CLOEXEC, 0);
  close(pam);
  close(api);
}

TEST_F(OpenSocketsTest, ReplacesWhatADeadProcessLeft) {
  const pid_t child = CheckedFork();
  if (child == 0) {
    auto sockets = Open();
    _exit(sockets ? 0 : 1);  // without its destructor
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(FileCount(), 2U);
  EXPECT_FALSE(CanConnect(api_));
  const auto sockets = Open();
  ASSERT_TRUE(sockets) << sockets.error().message;
  EXPECT_TRUE(CanConnect(api_));
}

TEST_F(OpenSocketsTest, RefusesWhereALiveProcessListens) {
  auto first = Open();
  ASSERT_TRUE(first);
  EXPECT_THAT(ErrorOfOpen(), HasSubstr("another process listens here already"));
  EXPECT_TRUE(CanConnect(pam_));
  EXPECT_TRUE(CanConnect(api_));
}

TEST_F(OpenSocketsTest, LeavesNothingWhereTheSecondCannotBeMade) {
  folder_.Write("api.sock", "a file");
  EXPECT_THAT(ErrorOfOpen(), HasSubstr("is not a socket"));
  EXPECT_EQ(FileCount(), 1U);
}

TEST_F(OpenSocketsTest, RefusesFilesFoldersAndSymlinksInItsPlace) {
  const TempFolder elsewhere;
  for (const std::string& path : {pam_, api_}) {
    std::filesystem::create_symlink(elsewhere.File("x"), path);
    EXPECT_THAT(ErrorOfOpen(), HasSubstr("is not a socket"));
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    EXPECT_THAT(ErrorOfOpen(), HasSubstr("is not a socket"));
    std::filesystem::remove(path);
  }
}

TEST_F(OpenSocketsTest, RefusesFoldersThatOthersMayWriteTo) {
  ASSERT_EQ(chmod(folder_.path().c_str(), 0777), 0);
  EXPECT_THAT(ErrorOfOpen(), HasSubstr("others may write to the socket's folder"));
  ASSERT_EQ(chmod(folder_.path().c_str(), 01777), 0);
  EXPECT_EQ(ErrorOfOpen(), "no error");
}

TEST_F(OpenSocketsTest, MakesTheFolderThatIsMissingWhateverTheUmask) {
  for (const mode_t mask : {0U, 077U}) {
    const std::string folder = folder_.File("run");
    pam_ = folder + "/pam.sock";
    api_ = folder + "/api.sock";
    const mode_t before = umask(mask);
    EXPECT_EQ(ErrorOfOpen(), "no error");
    umask(before);
    EXPECT_EQ(ModeOf(folder), 0755U);
    std::filesystem::remove_all(folder);
  }
}

TEST_F(OpenSocketsTest, MakesNoFolderWhereOthersMayWrite) {
  ASSERT_EQ(chmod(folder_.path().c_str(), 0777), 0);
  pam_ = folder_.File("run/pam.sock");
  EXPECT_THAT(ErrorOfOpen(), HasSubstr("others may write to the socket's folder"));
  EXPECT_EQ(FileCount(), 0U);
}

TEST_F(OpenSocketsTest, FollowsNoLinkToMakeItsFolder) {
  const TempFolder elsewhere;
  std::filesystem::create_symlink(elsewhere.File("run"), folder_.File("run"));
  pam_ = folder_.File("run/pam.sock");
  EXPECT_THAT(ErrorOfOpen(), HasSubstr("No such file or directory"));
  EXPECT_FALSE(std::filesystem::exists(elsewhere.File("run")));
}

TEST_F(OpenSocketsTest, SaysThatAPathIsTooLongOrItsFolderMissing) {
  api_ = folder_.File(std::string(120, 'x'));
  EXPECT_THAT(ErrorOfOpen(), HasSubstr("too long"));
  api_ = folder_.File("no/such/folder/api.sock");
  EXPECT_THAT(ErrorOfOpen(), HasSubstr("No such file or directory"));
  EXPECT_EQ(FileCount(), 0U);
}

// As systemd passes them: from descriptor 3 on, named in LISTEN_FDNAMES, in a child.
struct Passed {
  std::string name, path;
  mode_t mode;
  bool listens = true;
};

std::string OpenPassed(const std::vector<Passed>& passed, const std::string& pam,
                       const std::string& api) {
  int channel[2];
  if (pipe2(channel, O_CLOEXEC) != 0) return "no pipe";
  const pid_t child = CheckedFork();
  if (child == 0) {
    const int report = fcntl(channel[1], F_DUPFD_CLOEXEC, 100);
    std::string names;
    for (std::size_t i = 0; i < passed.size(); ++i) {
      const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      passed[i].path.copy(address.sun_path, sizeof address.sun_path - 1);
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
      chmod(passed[i].path.c_str(), passed[i].mode);
      if (passed[i].listens) listen(fd, 1);
      dup2(fcntl(fd, F_DUPFD, 50), 3 + static_cast<int>(i));
      if (fd >= 3 + static_cast<int>(passed.size())) close(fd);
      names += (i == 0 ? "" : ":") + passed[i].name;
    }
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", std::to_string(passed.size()).c_str(), 1);
    setenv("LISTEN_FDNAMES", names.c_str(), 1);
    std::string said;
    {
      auto sockets = OpenSockets(pam, api);
      said = sockets ? "ok" : sockets.error().message;
      if (sockets && !sockets->are_systemds()) said = "not systemd's";
      if (std::getenv("LISTEN_FDS") != nullptr) said += ", and the environment is left";
    }
    if (write(report, said.data(), said.size()) < 0) _exit(1);
    _exit(0);
  }
  close(channel[1]);
  char text[512];
  std::string said;
  for (ssize_t bytes; (bytes = read(channel[0], text, sizeof text)) > 0;) {
    said.append(text, static_cast<std::size_t>(bytes));
  }
  close(channel[0]);
  waitpid(child, nullptr, 0);
  return said;
}

TEST_F(OpenSocketsTest, TakesSystemdsSocketsByNameAndLeavesTheirFiles) {
  EXPECT_EQ(OpenPassed({{"api", api_, 0666}, {"pam", pam_, 0600}}, pam_, api_), "ok");
  EXPECT_EQ(FileCount(), 2U);
}

TEST_F(OpenSocketsTest, RefusesSystemdsSocketsThatAreNotAsConfigured) {
  EXPECT_THAT(OpenPassed({{"api", api_, 0666}}, pam_, api_), HasSubstr("no socket named pam"));
  std::filesystem::remove(api_);
  EXPECT_THAT(OpenPassed({{"sparekeyd.socket", api_, 0666}}, pam_, api_),
              HasSubstr("no socket named pam"));
  std::filesystem::remove(api_);
  EXPECT_THAT(OpenPassed({{"api", api_, 0666}, {"pam", pam_, 0666}}, pam_, api_),
              HasSubstr("must have mode 0600"));
  std::filesystem::remove(api_);
  std::filesystem::remove(pam_);
  EXPECT_THAT(OpenPassed({{"api", api_, 0666}, {"pam", folder_.File("x"), 0600}}, pam_, api_),
              HasSubstr("systemd's socket is at " + folder_.File("x")));
  std::filesystem::remove(api_);
  EXPECT_THAT(OpenPassed({{"api", api_, 0666, false}, {"pam", pam_, 0600}}, pam_, api_),
              HasSubstr("something else than a listening Unix socket"));
}

}  // namespace
}  // namespace sparekey
