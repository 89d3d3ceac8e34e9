// SPDX-License-Identifier: Apache-2.0
// The module's line to sparekeyd: one connection, and one time limit over all requests of a call.
#pragma once

#include <security/pam_modules.h>

#include <chrono>
#include <optional>
#include <string_view>

#include "core/result.h"
#include "pam/messages.h"
#include "pam/options.h"
#include "service/client.h"

namespace sparekey::pam {

class Link {
 public:
  Link(const pam_handle_t* pamh, const Options& options);

  // The answer's body where the status is 200 to 299, else an error: kNotFound for 404, kBusy for
  // 429, kUnavailable for everything else and when the time is used up. Logs what went wrong.
  Result<SecretBytes> Call(std::string_view method, std::string_view target, RequestBody& body);
  Result<SecretBytes> Delete(std::string_view target);
  // POST whose answer is a login's.
  Result<LoginReply> Post(std::string_view target, RequestBody& body);

 private:
  Result<SecretBytes> Send(std::string_view method, std::string_view target, std::string_view body);

  const pam_handle_t* pamh_;
  ApiClient client_;
  std::chrono::milliseconds left_;
};

}  // namespace sparekey::pam
