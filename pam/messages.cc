// SPDX-License-Identifier: Apache-2.0
#include "pam/messages.h"

#define JSON_NO_IO 1
#include <algorithm>
#include <nlohmann/json.hpp>

#include "pam/text.h"

namespace sparekey::pam {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxText = 16 * 1024;  // a QR code for a terminal is the longest
constexpr std::size_t kMaxItems = 32;
constexpr std::size_t kMaxBody = 64 * 1024;

std::optional<Json> ParseObject(std::string_view body) {
  if (body.size() > kMaxBody) return std::nullopt;
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

const Json* Find(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// Absent is "". False where it is something else than a text that can be shown.
bool ReadText(const Json& object, const char* name, std::string& text) {
  const Json* const value = Find(object, name);
  if (value == nullptr) return true;
  if (!value->is_string()) return false;
  text = value->get_ref<const std::string&>();
  return text.size() <= kMaxText && text.find('\0') == std::string::npos;
}

bool ReadFlag(const Json& object, const char* name, bool& flag) {
  const Json* const value = Find(object, name);
  if (value == nullptr) return true;
  if (!value->is_boolean()) return false;
  flag = value->get<bool>();
  return true;
}

// Identifiers come back in a request's target and in names of answers.
bool IsIdentifier(const std::string& text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
  });
}

// Absent is empty. `read` takes one element and says whether it was good.
template <typename Item, typename Read>
bool ReadList(const Json& object, const char* name, std::vector<Item>& items, Read read) {
  const Json* const list = Find(object, name);
  if (list == nullptr) return true;
  if (!list->is_array() || list->size() > kMaxItems) return false;
  return std::ranges::all_of(*list, [&](const Json& element) {
    return element.is_object() && read(element, items.emplace_back());
  });
}

bool ReadMessage(const Json& element, Message& message) {
  std::string style;
  if (!ReadText(element, "text", message.text) || !ReadText(element, "style", style)) return false;
  message.is_error = style == "error";
  return true;
}

bool ReadQuestion(const Json& element, Question& question) {
  return ReadText(element, "id", question.id) && ReadText(element, "prompt", question.prompt) &&
         ReadFlag(element, "echo", question.echo) && IsIdentifier(question.id);
}

bool ReadVerdict(const Json& object, Verdict& verdict) {
  std::string word;
  if (!ReadText(object, "verdict", word)) return false;
  if (word == "accept") verdict = Verdict::kAccept;
  if (word == "deny") verdict = Verdict::kDeny;
  return word.empty() || verdict != Verdict::kNone;
}

}  // namespace

std::optional<LoginReply> ParseLoginReply(std::string_view body) {
  const auto json = ParseObject(body);
  LoginReply reply;
  if (!json || !ReadVerdict(*json, reply.verdict) || !ReadText(*json, "login", reply.login) ||
      !ReadText(*json, "reason", reply.reason) || !ReadFlag(*json, "enrolled", reply.enrolled) ||
      !ReadFlag(*json, "must_enrol", reply.must_enrol) ||
      !ReadList(*json, "say", reply.say, ReadMessage) ||
      !ReadList(*json, "ask", reply.ask, ReadQuestion)) {
    return std::nullopt;
  }
  const bool goes_on = reply.verdict == Verdict::kNone;
  if (goes_on && (!IsIdentifier(reply.login) || reply.ask.empty())) return std::nullopt;
  return reply;
}

std::optional<std::string> ParseSessionReply(std::string_view body) {
  const auto json = ParseObject(body);
  std::string session;
  if (!json || !ReadText(*json, "session", session) || !IsIdentifier(session)) return std::nullopt;
  return session;
}

std::string ParseProblemCode(std::string_view body) {
  const auto json = ParseObject(body);
  std::string code;
  if (!json || !ReadText(*json, "code", code)) return "";
  return code;
}

}  // namespace sparekey::pam
