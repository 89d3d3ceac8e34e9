// SPDX-License-Identifier: Apache-2.0
#include "pam/door.h"

#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

#include "core/local_console.h"

namespace sparekey::pam {
namespace {

using std::string_view_literals::operator""sv;  // for words whose length is known

constexpr std::array kNames{"ssh"sv, "web"sv, "console"sv, "other"sv};

}  // namespace

std::string_view DoorName(Door door) { return kNames.at(static_cast<std::size_t>(door)); }

std::optional<Door> ParseDoor(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames.at(i)) return static_cast<Door>(i);
  }
  return std::nullopt;
}

std::string ReadItem(pam_handle_t* pamh, int item) {
  const void* text = nullptr;
  if (pam_get_item(pamh, item, &text) != PAM_SUCCESS || text == nullptr) return "";
  return static_cast<const char*>(text);
}

bool RunsSshServer() {
  const auto process = RealProc().ReadProcess(getpid());
  return process && IsSshServer(process->executable);
}

namespace {

// Cold: away from the code of the many logins, with all that it calls.
[[gnu::cold]] bool MayBeAtConsole(const PamFacts& facts, std::optional<Door> named,
                                  std::string_view config) {
  ConsoleConfig console = LoadConsoleConfig(std::string(config));
  if (named) console.services.push_back(facts.service);
  return IsConsoleLogin(RealProc(), console, getpid(), facts);
}

}  // namespace

bool IsAtConsole(pam_handle_t* pamh, std::optional<Door> named, std::string_view config) {
  if (named && *named != Door::kConsole) return false;
  std::string rhost = ReadItem(pamh, PAM_RHOST);
  std::string tty = ReadItem(pamh, PAM_TTY);
  const uid_t root = 0;
  if (!rhost.empty() || tty == "ssh"sv || geteuid() != root) return false;
  return MayBeAtConsole({ReadItem(pamh, PAM_SERVICE), std::move(rhost), std::move(tty), root},
                        named, config);
}

Door FindDoor(pam_handle_t* pamh, std::optional<Door> named) {
  if (named && *named != Door::kConsole) return *named;
  return ReadItem(pamh, PAM_TTY) == "ssh"sv || RunsSshServer() ? Door::kSsh : Door::kOther;
}

}  // namespace sparekey::pam
