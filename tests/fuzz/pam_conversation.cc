// SPDX-License-Identifier: Apache-2.0
// A whole login through libpam and the module, against a scripted sparekeyd and a scripted person.
// Records of the input (ended by 0x1e) begin with a letter: o options, u account, h remote host,
// A an answer of the person, R a reply's body, S status and body, H raw bytes instead of HTTP.
#include <dlfcn.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/pam/pam_login.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
namespace {

void CheckLog(const char* format, va_list arguments) {
  std::array<char, 8192> line{};
  const int size = vsnprintf(line.data(), line.size(), format, arguments);
  if (size < 0 || size > 4000) std::abort();
  for (const char* c = line.data(); *c != '\0'; ++c) {
    if (*c < ' ' || *c == '\x7f') std::abort();  // one line of ASCII
  }
}

}  // namespace

// This program is its own log: libpam finds its syslog(3) here.
#define SINK extern "C" __attribute__((visibility("default")))
SINK void syslog(int, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  CheckLog(format, arguments);
  va_end(arguments);
}
SINK void __syslog_chk(int, int, const char* format, ...) {  // NOLINT: libc's name
  va_list arguments;
  va_start(arguments, format);
  CheckLog(format, arguments);
  va_end(arguments);
}

namespace {

using sparekey::FakeDaemon;

constexpr std::array<const char*, 10> kOptions{"",
                                               "debug",
                                               "ask_first",
                                               "unenrolled=skip",
                                               "unenrolled=deny",
                                               "no_recovery echo_code",
                                               "use_first_pass",
                                               "try_first_pass code_digits=8",
                                               "forward_pass first_factor=none",
                                               "door=web prompt=Code:"};

struct Script {
  std::size_t options = 0;
  std::string user = "anna", host;
  std::deque<std::optional<std::string>> answers;
  std::vector<FakeDaemon::Reply> replies;
  bool may_pass = false;  // some reply says so
};

void AddReply(Script& script, int status, const std::string& body) {
  script.replies.push_back(FakeDaemon::Json(status, body));
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object() || status >= 300) return;
  const auto verdict = json.find("verdict");
  if (verdict == json.end() || !verdict->is_string()) return;
  const bool skipped =
      script.options == 3 && json.value("reason", nlohmann::json()) == "not_enrolled";
  script.may_pass = script.may_pass || *verdict == "accept" || skipped;
}

void AddRaw(Script& script, const std::string& bytes) {
  script.replies.push_back({{bytes}, {}, true});
  // Whoever speaks HTTP well enough may accept.
  script.may_pass = script.may_pass || bytes.find("verdict") != std::string::npos ||
                    bytes.find("\\u") != std::string::npos;
}

void AddRecord(Script& script, char kind, std::string text) {
  const auto end = text.find('\0');
  if (kind == 'o' && !text.empty()) {
    script.options = static_cast<unsigned char>(text[0]) % kOptions.size();
  } else if (kind == 'u') {
    script.user = text.substr(0, end);
  } else if (kind == 'h') {
    script.host = text.substr(0, end);
  } else if (kind == 'A') {
    script.answers.emplace_back(text.substr(0, end));
  } else if (kind == 'R') {
    AddReply(script, 200, text);
  } else if (kind == 'S') {
    AddReply(script, 100 + std::atoi(text.substr(0, 3).c_str()) % 500,
             text.substr(std::min<std::size_t>(4, text.size())));
  } else if (kind == 'H') {
    AddRaw(script, text);
  }
}

Script ReadScript(std::string_view input) {
  Script script;
  for (int records = 0; !input.empty() && records < 32; ++records) {
    const auto end = std::min(input.find('\x1e'), input.size());
    if (end > 0) AddRecord(script, input[0], std::string(input.substr(1, end - 1)));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  return script;
}

const std::string& Services(const std::string& socket) {
  static sparekey::PamServices services("auth required pam_deny.so");
  static const bool written = [&] {
    for (std::size_t i = 0; i < kOptions.size(); ++i) {
      services.Write(std::to_string(i),
                     "auth required $first password=the-password123456\n"
                     "auth required $sparekey socket=" +
                         socket + " " + kOptions.at(i) +
                         "\naccount required $sparekey door=ssh socket=" + socket +
                         "\nsession required $sparekey door=ssh socket=" + socket);
    }
    return true;
  }();
  (void)written;
  return services.path();
}

void CheckCode(int code, std::initializer_list<int> possible, bool may_pass) {
  for (const int one : possible) {
    if (one != code) continue;
    if (code == PAM_SUCCESS && !may_pass) std::abort();
    return;
  }
  std::abort();
}

}  // namespace

// libpam unloads the module after each login; the counts of what it ran must stay.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  if (dlopen(PAM_SPAREKEY, RTLD_NOW | RTLD_NODELETE) == nullptr) std::abort();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sparekey::TemporaryFolder folder;
  static const std::string socket = folder / "pam.sock";
  Script script = ReadScript({reinterpret_cast<const char*>(data), size});
  std::size_t next = 0;
  const FakeDaemon daemon(socket, [&](const auto&) {
    return next < script.replies.size() ? script.replies[next++] : FakeDaemon::HangUp();
  });
  sparekey::PamLogin login(Services(socket), script.user, std::to_string(script.options));
  login.Item(PAM_RHOST, script.host).Answers(script.answers);
  // After a first factor that passed, PAM_IGNORE of the module leaves PAM_SUCCESS.
  CheckCode(login.Authenticate(), {PAM_SUCCESS, PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL, PAM_MAXTRIES},
            script.may_pass);
  CheckCode(login.Account(), {PAM_SUCCESS, PAM_PERM_DENIED, PAM_AUTHINFO_UNAVAIL}, script.may_pass);
  CheckCode(login.OpenSession(), {PAM_SUCCESS}, true);
  CheckCode(login.CloseSession(), {PAM_SUCCESS}, true);
  return 0;
}
