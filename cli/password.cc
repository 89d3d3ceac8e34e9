// SPDX-License-Identifier: Apache-2.0
#include "cli/password.h"

#include <security/pam_appl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "cli/prompt.h"
#include "cli/text.h"
#include "core/account.h"

namespace sparekey {
namespace {

constexpr int kTries = 3;

void FreeReplies(pam_response* replies, int count) {
  for (int i = 0; i < count; ++i) {
    if (replies[i].resp == nullptr) continue;
    Wipe(std::span<char>(replies[i].resp, std::strlen(replies[i].resp)));
    std::free(replies[i].resp);
  }
  std::free(replies);
}

// PAM takes the reply over and frees it.
bool Reply(const pam_message& message, pam_response& reply) {
  const std::string text = Escape(message.msg == nullptr ? "" : message.msg);
  if (message.msg_style == PAM_ERROR_MSG || message.msg_style == PAM_TEXT_INFO) {
    Say(text);
    return true;
  }
  const Echo echo = message.msg_style == PAM_PROMPT_ECHO_ON ? Echo::kOn : Echo::kOff;
  const auto typed = ReadAnswer(text, echo);
  if (!typed || typed->size() >= PAM_MAX_RESP_SIZE) return false;
  reply.resp = strndup(typed->ExposeText().data(), typed->size());
  if (typed->empty()) reply.resp = strdup("");
  return reply.resp != nullptr;
}

// `gave_up` (bool): set where the person gives no answer, since modules tell that as any failure.
int Converse(int count, const pam_message** messages, pam_response** replies,
             void* gave_up) noexcept {
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  auto* made = static_cast<pam_response*>(
      std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  if (made == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    bool replied = false;
    try {
      replied = Reply(*messages[i], made[i]);
    } catch (...) {
    }
    if (replied) continue;
    FreeReplies(made, count);
    *static_cast<bool*>(gave_up) = true;
    return PAM_CONV_ERR;
  }
  *replies = made;
  return PAM_SUCCESS;
}

PasswordChange NotSet(const std::string& account, const std::string& why, bool given_up = false) {
  return {
      Error{ErrorCode::kUnavailable, "the password of " + account + " could not be set: " + why},
      given_up};
}

}  // namespace

std::optional<uid_t> FindLocalUid(const std::string& account, const std::string& passwd_file) {
  if (!IsAccountName(account)) return std::nullopt;
  std::ifstream file(passwd_file);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(account + ':')) continue;
    const std::size_t second = line.find(':', account.size() + 1);
    if (second == std::string::npos) continue;
    uid_t uid = 0;
    const char* digits = line.data() + second + 1;
    const auto [end, error] = std::from_chars(digits, line.data() + line.size(), uid);
    if (error == std::errc() && end != digits && *end == ':') return uid;
  }
  return std::nullopt;
}

PasswordChange SetPassword(const std::string& account, const char* confdir) {
  bool gave_up = false;
  const pam_conv conversation{Converse, &gave_up};
  pam_handle_t* handle = nullptr;
  int status = confdir == nullptr
                   ? pam_start("passwd", account.c_str(), &conversation, &handle)
                   : pam_start_confdir("passwd", account.c_str(), &conversation, confdir, &handle);
  if (status != PAM_SUCCESS) return NotSet(account, "PAM does not start");
  std::string why;
  for (int tries = 0; tries < kTries; ++tries) {
    status = pam_chauthtok(handle, 0);
    if (status == PAM_SUCCESS) break;
    why = Escape(pam_strerror(handle, status));
    if (gave_up || status == PAM_ABORT) break;
    if (tries + 1 < kTries) Say(why);
  }
  pam_end(handle, status);
  return status == PAM_SUCCESS ? PasswordChange{} : NotSet(account, why, gave_up);
}

PasswordChange SetPasswordByProgram(const std::string& account) {
  const pid_t child = fork();
  if (child < 0) return NotSet(account, std::strerror(errno));
  if (child == 0) {
    (void)std::signal(SIGPIPE, SIG_DFL);
    umask(022);
    execl("/usr/bin/passwd", "passwd", account.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return NotSet(account, std::strerror(errno));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return NotSet(account, "the mounted system's passwd failed", WIFSIGNALED(status));
}

}  // namespace sparekey
