// SPDX-License-Identifier: Apache-2.0
#include "cli/api.h"

#include <algorithm>

#include "cli/text.h"

namespace sparekey {
namespace {

const Json* Member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(key));
  return found == object.end() ? nullptr : &*found;
}

Failure FailureOfReply(int status, const Json& problem) {
  const std::string code = TextOf(problem, "code");
  std::string message = TextOf(problem, "detail");
  if (message.empty()) message = TextOf(problem, "title");
  if (message.empty()) message = "the service answered with HTTP status " + std::to_string(status);
  return {StatusOfApiError(code, status), code.empty() ? "http_" + std::to_string(status) : code,
          Escape(message)};
}

}  // namespace

void WipeJson(Json& value) {
  if (value.is_string()) {
    auto& text = value.get_ref<std::string&>();
    Wipe(std::span<char>(text));
  } else if (value.is_structured()) {
    for (Json& item : value) WipeJson(item);
  }
}

std::string TextOf(const Json& object, std::string_view key) {
  const Json* member = Member(object, key);
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

std::int64_t NumberOf(const Json& object, std::string_view key) {
  const Json* member = Member(object, key);
  return member != nullptr && member->is_number_integer() ? member->get<std::int64_t>() : 0;
}

bool FlagOf(const Json& object, std::string_view key) {
  const Json* member = Member(object, key);
  return member != nullptr && member->is_boolean() && member->get<bool>();
}

const Json& ListOf(const Json& object, std::string_view key) {
  static const Json none = Json::array();
  const Json* member = Member(object, key);
  return member != nullptr && member->is_array() ? *member : none;
}

const Json& ObjectOf(const Json& object, std::string_view key) {
  static const Json none = Json::object();
  const Json* member = Member(object, key);
  return member != nullptr && member->is_object() ? *member : none;
}

void SetSecret(Json& object, const std::string& key, const SecretBytes& secret) {
  Json& slot = object[key];
  slot = std::string();
  slot.get_ref<std::string&>().assign(secret.ExposeText());
}

Failure FailureOf(const Error& error) {
  return {StatusOf(error.code), std::string(NameOf(error.code)), Escape(error.message)};
}

Api::Api(std::string socket_path) : client_(std::move(socket_path)) {}

Answer Api::Get(const std::string& target, std::chrono::milliseconds deadline) {
  return Call("GET", target, "", deadline);
}

Answer Api::Send(std::string_view method, const std::string& target, const SecretJson& body,
                 std::chrono::milliseconds deadline) {
  if (body.Expose().is_null()) return Call(method, target, "", deadline);
  std::string text = body.Expose().dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
  Answer answer = Call(method, target, text, deadline);
  Wipe(std::span<char>(text));
  return answer;
}

Answer Api::Call(std::string_view method, const std::string& target, std::string_view body,
                 std::chrono::milliseconds deadline) {
  Answer answer;
  const Result<ApiReply> reply = client_.Call(method, target, body, deadline);
  if (!reply.ok()) {
    answer.failure = FailureOf(reply.error());
    answer.failure->answered = false;
    answer.failure->message += "; is sparekeyd running?";
    return answer;
  }
  return AnswerOf(reply->status, reply->body.ExposeText());
}

Answer AnswerOf(int status, std::string_view text) {
  Answer answer;
  answer.body = SecretJson(text.empty() ? Json() : Json::parse(text, nullptr, false));
  const Json& json = answer.body.Expose();
  if (status < 200 || status > 299) {
    answer.failure = FailureOfReply(status, json);
  } else if (!text.empty() && !json.is_object()) {
    answer.failure = Failure{ExitStatus::kUnreachable, "unavailable",
                             "the service's answer cannot be understood", true};
  }
  return answer;
}

std::string PercentEncode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       kPlain.find(c) != std::string_view::npos;
    if (plain) {
      encoded += c;
    } else {
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

std::string AccountTarget(std::string_view account, std::string_view below) {
  return "/v1/accounts/" + PercentEncode(account) + std::string(below);
}

}  // namespace sparekey
