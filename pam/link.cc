// SPDX-License-Identifier: Apache-2.0
#include "pam/link.h"

#include <syslog.h>

#include <algorithm>

#include "pam/conversation.h"
#include "pam/text.h"

namespace sparekey::pam {
namespace {

ErrorCode CodeOfStatus(int status) {
  if (status == 404) return ErrorCode::kNotFound;
  return status == 429 ? ErrorCode::kBusy : ErrorCode::kUnavailable;
}

}  // namespace

Link::Link(const pam_handle_t* pamh, const Options& options)
    : pamh_(pamh), client_(std::string(options.socket)), left_(options.timeout) {}

Result<SecretBytes> Link::Send(std::string_view method, std::string_view target,
                               std::string_view body) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  auto reply = client_.Call(method, target, body, left_);
  left_ -= std::min(left_, std::chrono::ceil<std::chrono::milliseconds>(Clock::now() - start));
  if (!reply) {
    Log(pamh_, LOG_ERR, "cannot decide: " + Escaped(reply.error().message));
    return Error{ErrorCode::kUnavailable, ""};
  }
  if (reply->status >= 300) {
    Log(pamh_, LOG_ERR,
        "cannot decide: sparekeyd answers " + std::to_string(reply->status) + " " +
            Escaped(ParseProblemCode(reply->body.ExposeText())));
    return Error{CodeOfStatus(reply->status), ""};
  }
  return std::move(reply->body);
}

Result<SecretBytes> Link::Call(std::string_view method, std::string_view target,
                               RequestBody& body) {
  const auto text = body.Finish();
  if (!text) return Error{ErrorCode::kInvalid, ""};
  return Send(method, target, *text);
}

Result<SecretBytes> Link::Delete(std::string_view target) { return Send("DELETE", target, ""); }

Result<LoginReply> Link::Post(std::string_view target, RequestBody& body) {
  auto text = Call("POST", target, body);
  if (!text) return text.error();
  auto reply = ParseLoginReply(text->ExposeText());
  if (reply) return *std::move(reply);
  Log(pamh_, LOG_ERR, "cannot decide: sparekeyd's answer is not understood");
  return Error{ErrorCode::kUnavailable, ""};
}

}  // namespace sparekey::pam
