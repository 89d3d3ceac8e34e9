// SPDX-License-Identifier: Apache-2.0
// The module inside a program that runs out of memory or descriptors: it denies, or passes whom
// sparekeyd lets in; the program lives, and nothing stays behind.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <latch>
#include <thread>
#include <vector>

#include "tests/pam/pam_login.h"
#include "tests/pam/scripted_logins.h"
#include "tests/support/failing_memory.h"
#include "tests/support/processes.h"

namespace sparekey {
namespace {

using testing::FailMyMemoryAt;
using testing::HealMyMemory;
using testing::HoldBackMemoryFaults;

constexpr char kRecovered[] =
    R"({"login":"L-1","say":[{"text":"8 backup codes are left.","style":"info"}],)"
    R"("verdict":"accept","reason":"recovered","codes_left":8})";

int Answer(int count, const pam_message** messages, pam_response** responses, void*) {
  HoldBackMemoryFaults(true);
  auto* const replies = static_cast<pam_response*>(
      std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  for (int i = 0; i < count; ++i) {
    const int style = messages[i]->msg_style;
    if (style != PAM_PROMPT_ECHO_OFF && style != PAM_PROMPT_ECHO_ON) continue;
    const bool code = std::strstr(messages[i]->msg, "One-time") != nullptr;
    replies[i].resp = strdup(code ? "123456" : "K7QM-9TXR-4HWD-P2VN");
  }
  *responses = replies;
  HoldBackMemoryFaults(false);
  return PAM_SUCCESS;
}

std::size_t CountDescriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

// What a child that logs in found out.
enum Outcome { kPassed, kDenied, kUnlistedCode, kLeftDescriptors, kCrashedOrHung };

bool IsListed(int code) {
  return code == PAM_SUCCESS || code == PAM_AUTH_ERR || code == PAM_AUTHINFO_UNAVAIL ||
         code == PAM_PERM_DENIED || code == PAM_MAXTRIES || code == PAM_IGNORE;
}

// auth and account as sshd calls them; `harm` is done before and `heal` after. The module's own
// codes come out, since it stands alone in its stack.
template <typename Harm, typename Heal>
Outcome LogInHarmed(const std::string& folder, const Harm& harm, const Heal& heal) {
  pam_handle_t* handle = nullptr;
  const pam_conv conversation{Answer, nullptr};
  const auto before = CountDescriptors();
  if (pam_start_confdir("test", "anna", &conversation, folder.c_str(), &handle) != PAM_SUCCESS) {
    return kCrashedOrHung;
  }
  harm();
  const int auth = pam_authenticate(handle, 0);
  const int account = pam_acct_mgmt(handle, 0);
  pam_open_session(handle, 0);
  pam_close_session(handle, 0);
  heal();
  pam_end(handle, PAM_SUCCESS);
  if (CountDescriptors() != before) return kLeftDescriptors;
  // PAM_BUF_ERR and the like are libpam's own, which has no memory either.
  const bool own = auth == PAM_BUF_ERR || auth == PAM_SYSTEM_ERR || auth == PAM_ABORT;
  if (!IsListed(auth) && !own) return kUnlistedCode;
  return auth == PAM_SUCCESS && account == PAM_SUCCESS ? kPassed : kDenied;
}

// In a process of its own, as sshd's child: its end shows what the module did to it.
template <typename Work>
Outcome InChild(const Work& work, bool& hit) {
  const pid_t child = CheckedFork();
  if (child == 0) {
    alarm(20);
    bool harmed = false;
    const Outcome outcome = work(harmed);
    _exit(static_cast<int>(outcome) + (harmed ? 16 : 0));
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status)) return kCrashedOrHung;
  hit = WEXITSTATUS(status) >= 16;
  return static_cast<Outcome>(WEXITSTATUS(status) % 16);
}

class Scarcity : public ::testing::Test {
 protected:
  // One sparekeyd for many logins: `conversation` again and again, then what the account phase and
  // the sessions hear.
  void Serve(std::vector<std::string> conversation) {
    daemon_.reset();
    daemon_ = std::make_unique<FakeDaemon>(
        socket_, [conversation, next = std::size_t{0}](const auto& request) mutable {
          if (request.target == "/v1/logins") next = 0;
          if (request.target.starts_with("/v1/logins")) {
            return FakeDaemon::Json(200, conversation[std::min(next++, conversation.size() - 1)]);
          }
          if (request.target == "/v1/access") return FakeDaemon::Json(200, kAccess);
          return FakeDaemon::Json(request.method == "DELETE" ? 204 : 201,
                                  request.method == "DELETE" ? "" : R"({"session":"S-1"})");
        });
  }

  static constexpr char kAccess[] = R"({"verdict":"accept","reason":"accepted","say":[]})";

  const TemporaryFolder folder_;
  const std::string socket_ = folder_ / "pam.sock";
  const PamServices services_{
      "auth required $sparekey first_factor=none door=ssh socket=" + socket_ +
      "\naccount required $sparekey first_factor=none door=ssh socket=" + socket_ +
      "\nsession required $sparekey socket=" + socket_};
  std::unique_ptr<FakeDaemon> daemon_;
};

struct Talk {
  const char* name;
  std::vector<std::string> replies;
  bool accepted;
};

std::vector<Talk> Talks() {
  return {{"accepted", {kAskCode, kAccepted}, true},
          {"recovered", {kAskCode, kAskTwoBackupCodes, kRecovered}, true},
          {"wrong", {kAskCode, Denied("wrong_code", "That code is wrong.")}, false},
          {"locked", {Denied("super_locked", "Logins are disabled.")}, false}};
}

TEST_F(Scarcity, TheModuleSurvivesEveryFailedAllocation) {
  constexpr int kMost = 500;
  int faults = 0;
  for (const Talk& talk : Talks()) {
    Serve(talk.replies);
    for (const long length : {1L, 1000000L}) {
      bool hit = true;
      for (int at = 1; hit && at <= kMost; ++at) {
        const Outcome outcome = InChild(
            [&](bool& harmed) {
              return LogInHarmed(
                  services_.path(), [&] { FailMyMemoryAt(at, length); },
                  [&] { harmed = HealMyMemory() > 0; });
            },
            hit);
        faults += hit ? 1 : 0;
        ASSERT_LE(outcome, kDenied) << talk.name << ": allocation " << at << ", " << length;
        const bool may_pass = talk.accepted;
        ASSERT_TRUE(may_pass || outcome == kDenied) << talk.name << ": allocation " << at;
        ASSERT_TRUE(!may_pass || hit || outcome == kPassed) << talk.name;
      }
      EXPECT_FALSE(hit) << talk.name << " needs more than " << kMost << " allocations";
    }
  }
  std::printf("%d failed allocations\n", faults);
  EXPECT_GT(faults, 100);
}

// It has room for what eight threads throw at once.
TEST_F(Scarcity, TheModuleKeepsNothingOfThreadsThatRanOutOfMemory) {
  constexpr int kThreads = 40, kAtOnce = 8;
  Serve({Denied("super_locked", "Logins are disabled.")});
  bool hit = true;
  const Outcome outcome = InChild(
      [&](bool& harmed) {
        // Otherwise each login would begin with a new one.
        if (dlopen(PAM_SPAREKEY, RTLD_NOW | RTLD_LOCAL) == nullptr) return kCrashedOrHung;
        const auto descriptors = CountDescriptors();
        std::atomic<int> harms = 0, denied = 0, over = 0;
        std::latch end(kThreads + 1);  // so that no two have one place
        std::vector<std::thread> threads;
        while (threads.size() < kThreads) {
          for (int i = 0; i < kAtOnce; ++i) {
            threads.emplace_back([&, i] {
              const Outcome one = LogInHarmed(
                  services_.path(), [&] { FailMyMemoryAt(2 + i, 1000); },
                  [&] { harms += HealMyMemory() > 0 ? 1 : 0; });
              // Which descriptors are whose is counted below.
              denied += one == kDenied || one == kLeftDescriptors ? 1 : 0;
              ++over;
              end.arrive_and_wait();
            });
          }
          while (over < static_cast<int>(threads.size())) std::this_thread::yield();
        }
        end.arrive_and_wait();
        for (std::thread& thread : threads) thread.join();
        harmed = harms == kThreads;
        if (CountDescriptors() != descriptors) return kLeftDescriptors;
        return denied == kThreads ? kDenied : kPassed;
      },
      hit);
  EXPECT_TRUE(hit);
  EXPECT_EQ(outcome, kDenied);
}

TEST_F(Scarcity, TheModuleDeniesWithoutDescriptorsAndLeavesNone) {
  int faults = 0;
  for (const Talk& talk : Talks()) {
    Serve(talk.replies);
    for (rlim_t free = 0; free < 12; ++free) {
      bool hit = false;
      const Outcome outcome = InChild(
          [&](bool& harmed) {
            rlimit limit{};
            getrlimit(RLIMIT_NOFILE, &limit);
            const rlim_t whole = limit.rlim_cur;
            return LogInHarmed(
                services_.path(),
                [&] {
                  const int next = dup(0);
                  close(next);
                  limit.rlim_cur = static_cast<rlim_t>(next) + free;
                  harmed = setrlimit(RLIMIT_NOFILE, &limit) == 0;
                },
                [&] {
                  limit.rlim_cur = whole;
                  setrlimit(RLIMIT_NOFILE, &limit);
                });
          },
          hit);
      ASSERT_TRUE(hit);
      ++faults;
      ASSERT_LE(outcome, kDenied) << talk.name << " with " << free << " descriptors";
      const bool must_be_denied = !talk.accepted || free == 0;
      EXPECT_TRUE(!must_be_denied || outcome == kDenied) << talk.name << ' ' << free;
      EXPECT_TRUE(must_be_denied || free < 8 || outcome == kPassed) << talk.name << ' ' << free;
    }
  }
  std::printf("%d logins without descriptors\n", faults);
}

}  // namespace
}  // namespace sparekey
