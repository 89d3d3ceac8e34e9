// SPDX-License-Identifier: Apache-2.0
// A login leaves nothing behind in the program that calls PAM.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>

#include "tests/pam/pam_login.h"
#include "tests/pam/scripted_logins.h"

namespace sparekey {
namespace {

std::size_t CountEntries(const char* folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

std::array<struct sigaction, 64> ReadSignalHandlers() {
  std::array<struct sigaction, 64> handlers{};
  for (int number = 1; number < 64; ++number) {
    sigaction(number, nullptr, &handlers.at(static_cast<std::size_t>(number)));
  }
  return handlers;
}

TEST(Module, LeavesNoThreadHandlerChildOrDescriptorAfterALogin) {
  const TemporaryFolder folder;
  const std::string socket = folder / "pam.sock";
  const FakeDaemon daemon(socket, [](const FakeDaemon::Request& request) {
    return FakeDaemon::Json(200, request.target == "/v1/logins"     ? kAskCode
                                 : request.target == "/v1/sessions" ? R"({"session":"S"})"
                                                                    : kAccepted);
  });
  const PamServices services("auth required $first password=pw\nauth required $sparekey socket=" +
                             socket + "\naccount required $sparekey socket=" + socket +
                             "\nsession required $sparekey socket=" + socket);
  const auto login = [&] {
    PamLogin session(services.path(), "anna");
    session.Item(PAM_TTY, "ssh").Answers({"123456"});
    EXPECT_EQ(session.Authenticate(), PAM_SUCCESS);
    EXPECT_EQ(session.Account(), PAM_SUCCESS);
    EXPECT_EQ(session.OpenSession(), PAM_SUCCESS);
    EXPECT_EQ(session.CloseSession(), PAM_SUCCESS);
    // The scripted sparekeyd's own threads and connections are not counted: it is one process.
    return ReadSignalHandlers();
  };
  const auto before = ReadSignalHandlers();
  const auto after = login();
  for (std::size_t number = 1; number < 64; ++number) {
    EXPECT_EQ(before.at(number).sa_handler, after.at(number).sa_handler) << number;
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child was left behind";
}

TEST(Module, LeavesNoDescriptorOrThreadWhenNobodyAnswers) {
  const PamServices services(
      "auth required $sparekey socket=/nonexistent/pam.sock\n"
      "account required $sparekey socket=/nonexistent/pam.sock\n"
      "session required $sparekey socket=/nonexistent/pam.sock");
  const auto login = [&] {
    PamLogin session(services.path(), "anna");
    session.Item(PAM_TTY, "ssh");
    EXPECT_EQ(session.Authenticate(), PAM_AUTHINFO_UNAVAIL);
    EXPECT_EQ(session.Account(), PAM_AUTHINFO_UNAVAIL);
    EXPECT_EQ(session.OpenSession(), PAM_SUCCESS);
  };
  login();
  const auto descriptors = CountEntries("/proc/self/fd");
  const auto threads = CountEntries("/proc/self/task");
  for (int i = 0; i < 20; ++i) login();
  EXPECT_EQ(CountEntries("/proc/self/fd"), descriptors);
  EXPECT_EQ(CountEntries("/proc/self/task"), threads);
}

// Takes the descriptors away while the module asks, and gives them back when it says why.
int StarveOfDescriptors(int, const pam_message** messages, pam_response** responses, void* limit) {
  const bool asks = messages[0]->msg_style == PAM_PROMPT_ECHO_OFF;
  auto& usual = *static_cast<rlimit*>(limit);
  const rlimit none{0, usual.rlim_max};
  setrlimit(RLIMIT_NOFILE, asks ? &none : &usual);
  *responses = static_cast<pam_response*>(std::calloc(1, sizeof(pam_response)));
  if (asks) (*responses)->resp = strdup("123456");
  return PAM_SUCCESS;
}

TEST(Module, CannotDecideWithoutDescriptors) {
  const TemporaryFolder folder;
  const std::string socket = folder / "pam.sock";
  const FakeDaemon daemon(socket, InTurn({kAccepted}));
  const PamServices services(
      "auth required $first password=pw\nauth required $sparekey ask_first socket=" + socket);
  rlimit usual{};
  getrlimit(RLIMIT_NOFILE, &usual);
  const pam_conv conversation{StarveOfDescriptors, &usual};
  pam_handle_t* handle = nullptr;
  ASSERT_EQ(pam_start_confdir("test", "anna", &conversation, services.path().c_str(), &handle),
            PAM_SUCCESS);
  EXPECT_EQ(pam_authenticate(handle, 0), PAM_AUTHINFO_UNAVAIL);
  setrlimit(RLIMIT_NOFILE, &usual);
  pam_end(handle, PAM_SUCCESS);
  EXPECT_TRUE(daemon.requests().empty());
}

}  // namespace
}  // namespace sparekey
