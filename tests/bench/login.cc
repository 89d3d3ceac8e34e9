// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/login.h"

#include <cstdlib>
#include <cstring>
#include <ctime>
#include <stdexcept>

namespace sparekey::bench {
namespace {

struct Person {
  const std::vector<std::string>& answers;
  const std::function<void()>& last;
  std::size_t next = 0;

  char* Answer() {
    if (next >= answers.size()) return nullptr;
    if (next + 1 == answers.size() && last) last();
    return strdup(answers[next++].c_str());
  }
};

int Converse(int count, const pam_message** messages, pam_response** responses, void* data) {
  auto& person = *static_cast<Person*>(data);
  auto* const replies = static_cast<pam_response*>(
      std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  if (replies == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    const int style = messages[i]->msg_style;
    if (style != PAM_PROMPT_ECHO_OFF && style != PAM_PROMPT_ECHO_ON) continue;
    replies[i].resp = person.Answer();
    if (replies[i].resp != nullptr) continue;
    for (int j = 0; j < i; ++j) std::free(replies[j].resp);
    std::free(replies);
    return PAM_CONV_ERR;
  }
  *responses = replies;
  return PAM_SUCCESS;
}

void NoDelay(int, unsigned, void*) {}

}  // namespace

std::uint64_t NanosecondsNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void PamStack::With(const Login& login, const std::function<void()>& last,
                    const std::function<int(pam_handle_t*)>& use) const {
  Person person{login.answers, last};
  const pam_conv conversation{Converse, &person};
  pam_handle_t* handle = nullptr;
  if (pam_start_confdir(service_.c_str(), login.account.c_str(), &conversation, folder_.c_str(),
                        &handle) != PAM_SUCCESS) {
    throw std::runtime_error("pam_start_confdir " + folder_);
  }
  pam_set_item(handle, PAM_FAIL_DELAY, reinterpret_cast<const void*>(NoDelay));
  pam_set_item(handle, PAM_TTY, "ssh");  // as sshd does
  if (!login.remote_host.empty()) pam_set_item(handle, PAM_RHOST, login.remote_host.c_str());
  pam_end(handle, use(handle));
}

}  // namespace sparekey::bench
