// SPDX-License-Identifier: Apache-2.0
// What the module sends to sparekeyd and what it reads from there (docs/openapi.yaml, "A login").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_writer.h"

namespace sparekey::pam {

// A JSON object that may hold codes.
class RequestBody {
 public:
  RequestBody() { json_.StartObject(); }
  void AddText(std::string_view name, std::string_view text) { json_.AddText(name, text); }
  void AddFlag(std::string_view name, bool flag) { json_.AddFlag(name, flag); }
  void OpenObject(std::string_view name) { json_.AddName(name), json_.StartObject(); }
  void CloseObject() { json_.EndObject(); }
  // Once, at the end. Nothing where a text was not UTF-8 or the whole is too long.
  std::optional<std::string_view> Finish();

 private:
  JsonWriter json_{512};  // bytes of most requests
};

struct Message {
  std::string text;
  bool is_error = false;
};

struct Question {
  std::string id;
  std::string prompt;
  bool echo = false;
};

enum class Verdict { kNone, kAccept, kDeny };

struct LoginReply {
  std::string login;
  std::vector<Message> say;
  std::vector<Question> ask;
  Verdict verdict = Verdict::kNone;
  std::string reason;
  bool enrolled = false;    // told with not_required: somebody whom the policy spares the code
  bool must_enrol = false;  // told with not_enrolled: a reset's mark, which no option lifts
};

// For logins and for the account phase. Nothing where the body is not one of docs/openapi.yaml's: a
// reply without a verdict has a login and at least one question.
std::optional<LoginReply> ParseLoginReply(std::string_view body);
std::optional<std::string> ParseSessionReply(std::string_view body);
// The `code` of a problem; "" where there is none.
std::string ParseProblemCode(std::string_view body);

}  // namespace sparekey::pam
