// SPDX-License-Identifier: Apache-2.0
// What enrolling, adding and renewing share: the options of a new authenticator, showing its secret
// once, and proving it.
#pragma once

#include <optional>
#include <string>

#include "cli/context.h"
#include "cli/new_file.h"

namespace sparekey {

// Names the argument or option that has no possible value.
Status CheckNewAuthenticator(const Invocation& invocation);
Status CheckAuthenticatorOptions(const Invocation& invocation);
// The API's request; reads the secret (base32, or a whole otpauth:// URI) where --secret-stdin asks
// for it.
Result<SecretJson> RequestNewAuthenticator(const Invocation& invocation);

// Where the QR code goes: into a new .svg or .png file, or onto the terminal.
class QrOutput {
 public:
  static Result<QrOutput> Prepare(const std::optional<std::string>& path);
  Status Deliver(const std::string& uri, bool json);

 private:
  std::optional<NewFile> file_;
};

// Shows account, label, secret and URI (unless `json`), then the QR code. All text is shown even
// where the file fails, since the secret exists only here.
Status ShowNewAuthenticator(const Json& made, QrOutput& qr, bool json);

// After it was shown: asks for a code at once on a terminal, else says how to confirm. `done` is
// said when it is active.
int FinishNewAuthenticator(Context& context, Api& api, const Json& made, const std::string& done);

}  // namespace sparekey
