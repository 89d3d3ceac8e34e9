// SPDX-License-Identifier: Apache-2.0
// The API as the verbs use it: JSON in, JSON or a failure with its exit status out. JSON that held
// secrets is overwritten when it goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cli/exit_status.h"
#include "service/client.h"

namespace sparekey {

using Json = nlohmann::ordered_json;

// Overwrites every text in it.
void WipeJson(Json& value);

// Owns JSON that may hold secrets.
class SecretJson {
 public:
  SecretJson() = default;
  explicit SecretJson(Json value) : value_(std::move(value)) {}
  SecretJson(SecretJson&& other) noexcept { value_.swap(other.value_); }
  SecretJson& operator=(SecretJson&& other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  SecretJson(const SecretJson&) = delete;
  SecretJson& operator=(const SecretJson&) = delete;
  ~SecretJson() { WipeJson(value_); }

  Json& Expose() { return value_; }
  const Json& Expose() const { return value_; }

 private:
  Json value_;
};

// Members of an object; "" / 0 / false where absent, null or of another kind.
std::string TextOf(const Json& object, std::string_view key);
std::int64_t NumberOf(const Json& object, std::string_view key);
bool FlagOf(const Json& object, std::string_view key);
// An empty array where absent or no array.
const Json& ListOf(const Json& object, std::string_view key);
const Json& ObjectOf(const Json& object, std::string_view key);

// Puts the secret into `object` without leaving a copy of it elsewhere.
void SetSecret(Json& object, const std::string& key, const SecretBytes& secret);

struct Failure {
  ExitStatus status = ExitStatus::kUnreachable;
  std::string code;      // "not_found"; as the API names them
  std::string message;   // one line, escaped
  bool answered = true;  // false: the service gave no answer; what it did is unknown
};
Failure FailureOf(const Error& error);

struct Answer {
  std::optional<Failure> failure;
  SecretJson body;

  bool ok() const { return !failure; }
};

// Of an HTTP status and a body of JSON.
Answer AnswerOf(int status, std::string_view text);

class Api {
 public:
  static constexpr std::chrono::milliseconds kDeadline{10'000};

  explicit Api(std::string socket_path);

  Answer Get(const std::string& target, std::chrono::milliseconds deadline = kDeadline);
  // `body` is sent as JSON; null sends none.
  Answer Send(std::string_view method, const std::string& target, const SecretJson& body,
              std::chrono::milliseconds deadline = kDeadline);

 private:
  Answer Call(std::string_view method, const std::string& target, std::string_view body,
              std::chrono::milliseconds deadline);
  ApiClient client_;
};

// One segment of a target, or a value in a query (RFC 3986 section 2.1).
std::string PercentEncode(std::string_view text);
std::string AccountTarget(std::string_view account, std::string_view below = "");

}  // namespace sparekey
