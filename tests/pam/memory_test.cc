// SPDX-License-Identifier: Apache-2.0
// What the module leaves in the memory of the program that loads it: nothing, and no secret.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/pam/pam_login.h"
#include "tests/pam/scripted_logins.h"
#include "tests/support/processes.h"

namespace sparekey {
namespace {

std::size_t CountDescriptors() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

std::size_t ReadResidentKib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  }
  return 0;
}

TEST(Module, LeavesNothingBehindAfterTenThousandLoads) {
  const auto load = [] {
    void* const module = dlopen(PAM_SPAREKEY, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(module, nullptr) << dlerror();
    ASSERT_NE(dlsym(module, "pam_sm_authenticate"), nullptr);
    ASSERT_EQ(dlclose(module), 0);
    ASSERT_EQ(dlopen(PAM_SPAREKEY, RTLD_NOW | RTLD_NOLOAD), nullptr) << "still loaded";
  };
  for (int i = 0; i < 100; ++i) load();
  const auto descriptors = CountDescriptors();
  const auto heap = mallinfo2().uordblks;
  const auto resident = ReadResidentKib();
  for (int i = 0; i < 10000; ++i) load();
  EXPECT_EQ(CountDescriptors(), descriptors);
  EXPECT_LT(mallinfo2().uordblks, heap + 4096);
  EXPECT_LT(ReadResidentKib(), resident + 1024);
}

// A secret that this program never has in its memory as it is.
class Hidden {
 public:
  explicit Hidden(unsigned seed) {
    for (int i = 0; i < kLength; ++i) {
      seed = seed * 1103515245 + 12345;
      masked_.push_back(static_cast<char>(('A' + (seed >> 16) % 26) ^ kMask));
    }
  }
  char* Reveal() const {
    auto* const text = static_cast<char*>(std::calloc(masked_.size() + 1, 1));
    for (std::size_t i = 0; i < masked_.size(); ++i)
      text[i] = static_cast<char>(masked_[i] ^ kMask);
    return text;
  }
  // Its end: free(3) writes over the beginning of a block.
  bool IsEndAt(const char* at) const {
    for (std::size_t i = masked_.size() - kSearched; i < masked_.size(); ++i) {
      if (*at++ != static_cast<char>(masked_[i] ^ kMask)) return false;
    }
    return true;
  }
  static constexpr std::size_t kSearched = 100;

 private:
  static constexpr char kMask = 0x15;
  // Blocks of this size are not given out again before the search is over.
  static constexpr int kLength = 200;
  std::vector<char> masked_;
};

// In every part of the memory that this process can write.
bool IsInMemory(const Hidden& secret) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const auto space = line.find(' ');
    if (line.compare(space + 1, 2, "rw") != 0) continue;
    const auto dash = line.find('-');
    const auto* at = reinterpret_cast<const char*>(std::stoul(line, nullptr, 16));
    const auto* const end =
        reinterpret_cast<const char*>(std::stoul(line.substr(dash + 1), nullptr, 16));
    for (; at + Hidden::kSearched <= end; ++at) {
      if (secret.IsEndAt(at)) return true;
    }
  }
  return false;
}

struct Person {
  const Hidden* password;
  const Hidden* code;
};

int Answer(int, const pam_message** messages, pam_response** responses, void* data) {
  const auto& person = *static_cast<const Person*>(data);
  const bool wants_code = std::string_view(messages[0]->msg).find("code") != std::string_view::npos;
  *responses = static_cast<pam_response*>(std::calloc(1, sizeof(pam_response)));
  (*responses)->resp = (wants_code ? person.code : person.password)->Reveal();
  return PAM_SUCCESS;
}

// A login in a process of its own, which then searches its memory. Exit status 0: nothing there.
int SearchAfterLogin(const std::string& folder, const Person& person) {
  const pid_t child = CheckedFork();
  if (child == 0) {
    pam_handle_t* handle = nullptr;
    const pam_conv conversation{Answer, const_cast<Person*>(&person)};
    pam_start_confdir("test", "anna", &conversation, folder.c_str(), &handle);
    if (pam_authenticate(handle, 0) != PAM_SUCCESS) _exit(1);
    if (IsInMemory(*person.code)) _exit(2);
    if (IsInMemory(*person.password)) _exit(3);
    // The search finds what is there.
    const char* const kept = person.code->Reveal();
    _exit(IsInMemory(*person.code) && kept != nullptr ? 0 : 4);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Module, WipesPasswordsAndCodes) {
  const TemporaryFolder folder;
  const std::string socket = folder / "pam.sock";
  unsigned seed = 1;
  for (const std::string options : {"", "ask_first"}) {
    const PamServices services(
        "auth required $first ask\nauth required $sparekey socket=" + socket + " " + options);
    const FakeDaemon daemon(socket, [](const FakeDaemon::Request& request) {
      return FakeDaemon::Json(
          200, request.body.find("answers") == std::string::npos ? kAskCode : kAccepted);
    });
    // New ones each time: the scripted sparekeyd keeps in this process what it was sent.
    const Hidden password(seed++);
    const Hidden code(seed++);
    EXPECT_EQ(SearchAfterLogin(services.path(), {&password, &code}), 0) << options;
  }
}

}  // namespace
}  // namespace sparekey
