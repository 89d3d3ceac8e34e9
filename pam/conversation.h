// SPDX-License-Identifier: Apache-2.0
// PAM's conversation with the person, one message a call: every application understands that.
#pragma once

#include <security/pam_modules.h>

#include <string>

#include "core/result.h"
#include "core/secret.h"

namespace sparekey::pam {

class Conversation {
 public:
  // `silent` (PAM_SILENT): texts are not shown; questions are asked all the same.
  Conversation(pam_handle_t* pamh, bool silent) : pamh_(pamh), silent_(silent) {}

  // The application's copy of the reply is wiped. An error: aborted, or nobody to ask.
  Result<SecretBytes> Ask(const std::string& prompt, bool echo) const;
  void Say(const std::string& text, bool is_error) const;

 private:
  Result<SecretBytes> Exchange(int style, const std::string& text) const;

  pam_handle_t* pamh_;
  bool silent_;
};

// LOG_AUTHPRIV through pam_syslog(3). `text` must not hold what was typed; foreign parts Escaped().
void Log(const pam_handle_t* pamh, int priority, const std::string& text);

}  // namespace sparekey::pam
