// SPDX-License-Identifier: Apache-2.0
#include "service/first_factor_child.h"

#include <fcntl.h>
#include <security/pam_appl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "core/secret.h"

namespace sparekey {
namespace {

constexpr char kService[] = "sparekey";
constexpr int kFailed = 1;

struct Request {
  std::string name;
  SecretBytes password;
};

std::optional<Request> ReadRequest() {
  SecretBytes buffer(kMostFirstFactorBytes + 1);
  std::size_t length = 0;
  for (;;) {
    const auto room = buffer.Expose().subspan(length);
    const ssize_t got = read(STDIN_FILENO, room.data(), room.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
    if (length == buffer.size()) return std::nullopt;
  }
  const auto text = buffer.ExposeText().substr(0, length);
  const auto end = text.find('\0');
  if (end == 0 || end == std::string_view::npos) return std::nullopt;
  const auto password = text.substr(end + 1);
  if (password.find('\0') != std::string_view::npos || password.size() >= PAM_MAX_RESP_SIZE) {
    return std::nullopt;
  }
  return Request{std::string(text.substr(0, end)), SecretBytes(password)};
}

void FreeReplies(pam_response* replies, int count) {
  for (int i = 0; i < count; ++i) {
    if (replies[i].resp == nullptr) continue;
    Wipe(std::span<char>(replies[i].resp, std::strlen(replies[i].resp)));
    std::free(replies[i].resp);
  }
  std::free(replies);
}

// `password` (SecretBytes*) is given once, to a hidden prompt, and gone then. Texts go nowhere.
int Converse(int count, const pam_message** messages, pam_response** replies, void* password) {
  auto* secret = static_cast<SecretBytes*>(password);
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  auto* made = static_cast<pam_response*>(
      std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  if (made == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    const int style = messages[i]->msg_style;
    if (style == PAM_ERROR_MSG || style == PAM_TEXT_INFO) continue;
    if (style == PAM_PROMPT_ECHO_OFF && !secret->empty()) {
      made[i].resp = strndup(secret->ExposeText().data(), secret->size());
      *secret = SecretBytes();
    }
    if (made[i].resp != nullptr) continue;
    FreeReplies(made, count);
    return PAM_CONV_ERR;
  }
  *replies = made;
  return PAM_SUCCESS;
}

// A module may have made the name another's.
bool IsStill(pam_handle_t* pamh, const std::string& name) {
  const void* user = nullptr;
  return pam_get_item(pamh, PAM_USER, &user) == PAM_SUCCESS && user != nullptr &&
         name == static_cast<const char*>(user);
}

int AskPam(Request request, const char* confdir) {
  const pam_conv conversation{Converse, &request.password};
  pam_handle_t* pamh = nullptr;
  int status = confdir == nullptr ? pam_start(kService, request.name.c_str(), &conversation, &pamh)
                                  : pam_start_confdir(kService, request.name.c_str(), &conversation,
                                                      confdir, &pamh);
  if (status != PAM_SUCCESS) return status;
  // Whose program asks, for modules that write it into the log.
  (void)pam_set_item(pamh, PAM_RUSER, request.name.c_str());
  constexpr int kFlags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
  status = pam_authenticate(pamh, kFlags);
  if (status == PAM_SUCCESS) status = pam_acct_mgmt(pamh, kFlags);
  if (status == PAM_SUCCESS && !IsStill(pamh, request.name)) status = PAM_PERM_DENIED;
  pam_end(pamh, status);
  return status;
}

// What PAM says about password and account; the rest says that it could not tell.
std::string_view WordFor(int status) {
  switch (status) {
    case PAM_SUCCESS:
      return kFirstFactorAccepts;
    case PAM_AUTH_ERR:
    case PAM_USER_UNKNOWN:
    case PAM_MAXTRIES:
    case PAM_PERM_DENIED:
    case PAM_ACCT_EXPIRED:
    case PAM_NEW_AUTHTOK_REQD:
    case PAM_AUTHTOK_EXPIRED:
    case PAM_CRED_INSUFFICIENT:
      return kFirstFactorDenies;
    default:
      return "";
  }
}

// Ends with its parent, leaves no core file, and is what the kernel ends first for want of memory.
void Harden() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) {
    (void)!write(score, "500", 3);
    close(score);
  }
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

// PAM's modules and their programs get /dev/null for 0 and 1: nothing that they print is a verdict.
int TakeOutput() {
  const int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (out < 0 || null < 0) return -1;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (dup2(null, fd) < 0) return -1;
  }
  if (null > STDERR_FILENO) close(null);
  return out;
}

}  // namespace

int AnswerFirstFactor(const char* confdir) {
  Harden();
  auto request = ReadRequest();
  const int out = TakeOutput();
  if (!request || out < 0 || chdir("/") != 0) return kFailed;
  const std::string_view word = WordFor(AskPam(std::move(*request), confdir));
  const bool told = write(out, word.data(), word.size()) == static_cast<ssize_t>(word.size());
  return told && !word.empty() ? 0 : kFailed;
}

}  // namespace sparekey
