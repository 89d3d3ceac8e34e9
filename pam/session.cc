// SPDX-License-Identifier: Apache-2.0
#include "pam/session.h"

#include "pam/link.h"
#include "pam/proof.h"
#include "pam/text.h"

namespace sparekey::pam {
namespace {

constexpr char kSession[] = "sparekey_session";

}  // namespace

void OpenSession(pam_handle_t* pamh, const Options& options) {
  if (FindDoor(pamh, options.door) != Door::kSsh) return;
  const std::string account = ReadAccount(pamh);
  if (account.empty()) return;
  RequestBody body;
  body.AddText("account", account);
  body.AddText("service", Escaped(ReadItem(pamh, PAM_SERVICE)));
  body.AddText("tty", Escaped(ReadItem(pamh, PAM_TTY)));
  body.AddText("remote_host", Escaped(ReadItem(pamh, PAM_RHOST)));
  const auto reply = Link(pamh, options).Call("POST", "/v1/sessions", body);
  if (!reply) return;
  if (const auto session = ParseSessionReply(reply->ExposeText())) {
    KeepText(pamh, kSession, *session);
  }
}

void CloseSession(pam_handle_t* pamh, const Options& options) {
  const std::string session = ReadKeptText(pamh, kSession);
  if (session.empty()) return;
  (void)Link(pamh, options).Delete("/v1/sessions/" + session);
  KeepText(pamh, kSession, "");
}

}  // namespace sparekey::pam
