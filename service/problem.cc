// SPDX-License-Identifier: Apache-2.0
// RFC 9457 answers (service/http_server.h), apart from the server so that use cases need not link
// it.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "service/http_server.h"

namespace sparekey {
namespace {

struct Kind {
  int status;
  std::string_view title, code;
};

Kind ToKind(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return {400, "Invalid request", "invalid"};
    case ErrorCode::kNotFound:
      return {404, "Not found", "not_found"};
    case ErrorCode::kConflict:
      return {409, "Conflict", "conflict"};
    case ErrorCode::kNotAllowed:
      return {403, "Not allowed", "not_allowed"};
    case ErrorCode::kUnavailable:
      return {503, "Unavailable", "unavailable"};
    case ErrorCode::kBusy:
      return {429, "Busy", "busy"};
    case ErrorCode::kClock:
      return {503, "System clock wrong", "clock"};
    case ErrorCode::kDamaged:
      break;
  }
  return {500, "Damaged", "damaged"};
}

std::string_view CodeFor(int status) {
  switch (status) {
    case 403:
      return "not_allowed";
    case 404:
      return "not_found";
    case 409:
      return "conflict";
    case 429:
      return "busy";
    default:
      return status >= 500 ? "unavailable" : "invalid";
  }
}

HttpResponse Make(int status, std::string_view title, std::string_view detail,
                  std::string_view code) {
  const nlohmann::json body = {{"type", "about:blank"},
                               {"title", title},
                               {"status", status},
                               {"detail", detail},
                               {"code", code}};
  // A detail may quote what somebody sent: never throw over its bytes.
  const std::string text = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return {status, SecretBytes(std::string_view(text)), "application/problem+json"};
}

}  // namespace

HttpResponse Problem(int status, std::string_view title, std::string_view detail) {
  return Make(status, title, detail, CodeFor(status));
}

std::string_view ProblemCode(ErrorCode code) { return ToKind(code).code; }

HttpResponse Problem(const Error& error) {
  const Kind kind = ToKind(error.code);
  return Make(kind.status, kind.title, error.message, kind.code);
}

}  // namespace sparekey
