// SPDX-License-Identifier: Apache-2.0
// A PAM module for tests. Options: `password=TEXT` or `ask` sets PAM_AUTHTOK as a module above
// pam_sparekey.so does, `env=NAME=VALUE` PAM's environment, as sshd does; `show` tells by a text
// what PAM_AUTHTOK the modules above left. `expect=TEXT` asks for a password and compares it;
// `again` and `aloud` ask once more, hidden and not; `info` says something; `user=NAME` makes it
// another's login; `print=TEXT` writes to standard output; `facts=FILE` writes down what this
// process is; `pid=FILE` who it is; `hang` never returns. `account=N`: what the account phase says.
#include <dirent.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#define TEST_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

int Expect(pam_handle_t* pamh, const std::string& password) {
  const char* typed = nullptr;
  const int status = pam_get_authtok(pamh, PAM_AUTHTOK, &typed, "Password: ");
  if (status != PAM_SUCCESS) return status;
  return password == typed ? PAM_SUCCESS : PAM_AUTH_ERR;
}

int AskAgain(pam_handle_t* pamh, int style) {
  char* answer = nullptr;
  const int status = pam_prompt(pamh, style, &answer, "And now? ");
  std::free(answer);
  return status;
}

std::string TextItem(pam_handle_t* pamh, int item) {
  const void* text = nullptr;
  pam_get_item(pamh, item, &text);
  return text == nullptr ? "" : static_cast<const char*>(text);
}

int WriteFacts(pam_handle_t* pamh, const std::string& path) {
  std::string text;
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return PAM_SYSTEM_ERR;
  while (const dirent* entry = readdir(folder)) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != dirfd(folder)) text += "fd " + std::to_string(fd) + "\n";
  }
  closedir(folder);
  for (char** word = environ; *word != nullptr; ++word) text += "env " + std::string(*word) + "\n";
  rlimit core{1, 1};
  getrlimit(RLIMIT_CORE, &core);
  int death = 0;
  prctl(PR_GET_PDEATHSIG, &death);
  text += "own session " + std::to_string(getsid(0) == getpid()) + "\n";
  text += "dumpable " + std::to_string(prctl(PR_GET_DUMPABLE)) + "\n";
  text += "core " + std::to_string(core.rlim_cur) + "\n";
  text += "dies with parent " + std::to_string(death) + "\n";
  text += "user " + TextItem(pamh, PAM_USER) + "\n";
  text += "service " + TextItem(pamh, PAM_SERVICE) + "\n";
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("sqlite") != std::string::npos) text += "maps sqlite\n";
  }
  std::ofstream(path) << text;
  return PAM_SUCCESS;
}

int Apply(pam_handle_t* pamh, std::string_view word) {
  const auto equals = word.find('=');
  const std::string value(equals == std::string_view::npos ? "" : word.substr(equals + 1));
  if (word.starts_with("password=")) return pam_set_item(pamh, PAM_AUTHTOK, value.c_str());
  if (word.starts_with("env=")) return pam_putenv(pamh, value.c_str());
  if (word.starts_with("expect=")) return Expect(pamh, value);
  if (word.starts_with("user=")) return pam_set_item(pamh, PAM_USER, value.c_str());
  if (word.starts_with("facts=")) return WriteFacts(pamh, value);
  if (word.starts_with("account=")) return PAM_SUCCESS;
  if (word.starts_with("pid=")) return (std::ofstream(value) << getpid()).flush(), PAM_SUCCESS;
  if (word.starts_with("print=")) {
    const std::string line = value + "\n";
    return write(STDOUT_FILENO, line.data(), line.size()) > 0 ? PAM_SUCCESS : PAM_SYSTEM_ERR;
  }
  if (word == "again") return AskAgain(pamh, PAM_PROMPT_ECHO_OFF);
  if (word == "aloud") return AskAgain(pamh, PAM_PROMPT_ECHO_ON);
  if (word == "info") return pam_info(pamh, "your password is old");
  while (word == "hang") pause();
  const char* text = nullptr;
  if (word == "ask") return pam_get_authtok(pamh, PAM_AUTHTOK, &text, "Password: ");
  const void* item = nullptr;
  pam_get_item(pamh, PAM_AUTHTOK, &item);
  return pam_info(pamh, "authtok=%s", item == nullptr ? "" : static_cast<const char*>(item));
}

}  // namespace

TEST_EXPORT int pam_sm_authenticate(pam_handle_t* pamh, int, int argc, const char** argv) {
  for (int i = 0; i < argc; ++i) {
    const int status = Apply(pamh, argv[i]);
    if (status == PAM_AUTH_ERR || status == PAM_CONV_ERR) return status;
    if (status != PAM_SUCCESS) return PAM_SERVICE_ERR;
  }
  return PAM_SUCCESS;
}

TEST_EXPORT int pam_sm_setcred(pam_handle_t*, int, int, const char**) { return PAM_SUCCESS; }
TEST_EXPORT int pam_sm_acct_mgmt(pam_handle_t*, int, int argc, const char** argv) {
  for (int i = 0; i < argc; ++i) {
    if (std::strncmp(argv[i], "account=", 8) == 0) return std::atoi(argv[i] + 8);
  }
  return PAM_SUCCESS;
}
TEST_EXPORT int pam_sm_open_session(pam_handle_t*, int, int, const char**) { return PAM_SUCCESS; }
TEST_EXPORT int pam_sm_close_session(pam_handle_t*, int, int, const char**) { return PAM_SUCCESS; }
