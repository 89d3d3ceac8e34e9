// SPDX-License-Identifier: Apache-2.0
#include "pam/proof.h"

#include <syslog.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/utf8.h"
#include "pam/conversation.h"
#include "pam/text.h"

namespace sparekey::pam {
namespace {

constexpr std::size_t kMaxName = 256;

extern "C" void FreeText(pam_handle_t*, void* text, int) { std::free(text); }

bool IsPossibleName(const std::string& name) {
  const bool plain = std::ranges::none_of(
      name, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f' || c == '/'; });
  return !name.empty() && name.size() <= kMaxName && plain && IsUtf8(name);
}

}  // namespace

bool KeepText(pam_handle_t* pamh, const char* name, const std::string& text) {
  auto* const copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) return false;
  std::memcpy(copy, text.c_str(), text.size() + 1);
  if (pam_set_data(pamh, name, copy, FreeText) == PAM_SUCCESS) return true;
  std::free(copy);
  return false;
}

std::string ReadKeptText(const pam_handle_t* pamh, const char* name) {
  const void* text = nullptr;
  if (pam_get_data(pamh, name, &text) != PAM_SUCCESS || text == nullptr) return "";
  return static_cast<const char*>(text);
}

std::string ReadAccount(pam_handle_t* pamh) {
  const char* user = nullptr;
  if (pam_get_user(pamh, &user, nullptr) != PAM_SUCCESS || user == nullptr) return "";
  std::string name = user;
  if (IsPossibleName(name)) return name;
  Log(pamh, LOG_NOTICE, "denied: not an account's name: \"" + Escaped(name) + "\"");
  return "";
}

}  // namespace sparekey::pam
