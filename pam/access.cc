// SPDX-License-Identifier: Apache-2.0
#include "pam/access.h"

#include <syslog.h>

#include "pam/conversation.h"
#include "pam/link.h"
#include "pam/login.h"
#include "pam/proof.h"
#include "pam/text.h"

namespace sparekey::pam {

int CheckAccess(pam_handle_t* pamh, bool silent, const Options& options) {
  const Door door = FindDoor(pamh, options.door);
  if (door != Door::kSsh && door != Door::kWeb) return PAM_IGNORE;
  const std::string account = ReadAccount(pamh);
  if (account.empty()) return PAM_PERM_DENIED;
  RequestBody body;
  body.AddText("account", account);
  body.AddText("service", Escaped(ReadItem(pamh, PAM_SERVICE)));
  body.AddText("door", DoorName(door));
  body.AddText("remote_host", Escaped(ReadItem(pamh, PAM_RHOST)));
  body.AddFlag("code_proven", ReadKeptText(pamh, kProvenAccount) == account);
  const auto reply = Link(pamh, options).Post("/v1/access", body);
  if (!reply || reply->verdict == Verdict::kNone) return PAM_AUTHINFO_UNAVAIL;
  const int code = CodeOf(*reply, options);
  if (code == PAM_IGNORE) return code;
  const Conversation conversation(pamh, silent);
  for (const auto& [text, is_error] : reply->say) conversation.Say(text, is_error);
  if (code != PAM_SUCCESS) {
    Log(pamh, LOG_NOTICE,
        "denied: account \"" + Escaped(account) + "\", door " + std::string(DoorName(door)) + ": " +
            Escaped(reply->reason));
    return PAM_PERM_DENIED;
  }
  return PAM_SUCCESS;
}

}  // namespace sparekey::pam
