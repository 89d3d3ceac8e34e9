// SPDX-License-Identifier: Apache-2.0
#include "pam/conversation.h"

#include <security/pam_ext.h>

#include <cstdlib>
#include <cstring>

namespace sparekey::pam {
namespace {

Error Broken() { return Invalid("the conversation was aborted"); }

}  // namespace

Result<SecretBytes> Conversation::Exchange(int style, const std::string& text) const {
  const void* item = nullptr;
  if (pam_get_item(pamh_, PAM_CONV, &item) != PAM_SUCCESS || item == nullptr) return Broken();
  const auto* const conversation = static_cast<const pam_conv*>(item);
  if (conversation->conv == nullptr) return Broken();
  const pam_message message{style, text.c_str()};
  const pam_message* messages = &message;
  pam_response* response = nullptr;
  const int outcome = conversation->conv(1, &messages, &response, conversation->appdata_ptr);
  if (response == nullptr) {
    if (outcome == PAM_SUCCESS && style != PAM_PROMPT_ECHO_OFF && style != PAM_PROMPT_ECHO_ON) {
      return SecretBytes();
    }
    return Broken();
  }
  char* const text_reply = response->resp;
  const std::size_t length = text_reply == nullptr ? 0 : std::strlen(text_reply);
  SecretBytes reply(std::string_view(text_reply == nullptr ? "" : text_reply, length));
  Wipe(std::span(text_reply, length));
  std::free(text_reply);
  std::free(response);
  if (outcome != PAM_SUCCESS) return Broken();
  return reply;
}

Result<SecretBytes> Conversation::Ask(const std::string& prompt, bool echo) const {
  return Exchange(echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, prompt);
}

void Conversation::Say(const std::string& text, bool is_error) const {
  if (silent_) return;
  // A text that cannot be shown changes no verdict.
  (void)Exchange(is_error ? PAM_ERROR_MSG : PAM_TEXT_INFO, text);
}

void Log(const pam_handle_t* pamh, int priority, const std::string& text) {
  pam_syslog(pamh, priority, "%s", text.c_str());
}

}  // namespace sparekey::pam
