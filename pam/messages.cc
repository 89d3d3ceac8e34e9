// SPDX-License-Identifier: Apache-2.0
#include "pam/messages.h"

#include <algorithm>
#include <string_view>

#include "core/json_reader.h"

namespace sparekey::pam {
namespace {

using std::string_view_literals::operator""sv;  // for words whose length is known

constexpr std::size_t kMaxText = 16 * 1024;  // a QR code for a terminal is the longest
constexpr std::size_t kMaxItems = 32;
constexpr std::size_t kMaxBody = 64 * 1024;

// Absent and null are the same everywhere, and the last one of a name counts.

// Refuses what cannot be shown.
void ReadText(JsonReader& json, std::string& text) {
  text.clear();
  if (json.TakeNull()) return;
  json.ReadText(text);
  if (text.size() > kMaxText || text.find('\0') != std::string::npos) json.Refuse();
}

void ReadFlag(JsonReader& json, bool& flag) { flag = !json.TakeNull() && json.ReadFlag(); }

// Identifiers come back in a request's target and in names of answers.
bool IsIdentifier(const std::string& text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
  });
}

void ReadItem(JsonReader& json, Message& message) {
  std::string name;
  std::string style;
  while (json.NextMember(name)) {
    if (name == "text"sv) {
      ReadText(json, message.text);
    } else if (name == "style"sv) {
      ReadText(json, style);
    } else {
      json.SkipValue();
    }
  }
  message.is_error = style == "error"sv;
}

void ReadItem(JsonReader& json, Question& question) {
  std::string name;
  while (json.NextMember(name)) {
    if (name == "id"sv) {
      ReadText(json, question.id);
    } else if (name == "prompt"sv) {
      ReadText(json, question.prompt);
    } else if (name == "echo"sv) {
      ReadFlag(json, question.echo);
    } else {
      json.SkipValue();
    }
  }
  if (!IsIdentifier(question.id)) json.Refuse();
}

template <typename Item>
void ReadList(JsonReader& json, std::vector<Item>& items) {
  items.clear();
  if (json.TakeNull()) return;
  json.StartArray();
  while (json.NextElement()) {
    if (items.size() == kMaxItems) return json.Refuse();
    json.StartObject();
    ReadItem(json, items.emplace_back());
  }
}

void ReadVerdict(JsonReader& json, Verdict& verdict) {
  std::string word;
  ReadText(json, word);
  verdict = word == "accept"sv ? Verdict::kAccept
            : word == "deny"sv ? Verdict::kDeny
                               : Verdict::kNone;
  if (verdict == Verdict::kNone && !word.empty()) json.Refuse();
}

void ReadMember(JsonReader& json, std::string_view name, LoginReply& reply) {
  if (name == "login"sv) return ReadText(json, reply.login);
  if (name == "say"sv) return ReadList(json, reply.say);
  if (name == "ask"sv) return ReadList(json, reply.ask);
  if (name == "verdict"sv) return ReadVerdict(json, reply.verdict);
  if (name == "reason"sv) return ReadText(json, reply.reason);
  if (name == "enrolled"sv) return ReadFlag(json, reply.enrolled);
  if (name == "must_enrol"sv) return ReadFlag(json, reply.must_enrol);
  json.SkipValue();
}

// The one text that counts of an object; "" where there is none.
std::string ReadOneText(std::string_view body, std::string_view wanted) {
  if (body.size() > kMaxBody) return "";
  JsonReader json(body);
  std::string name;
  std::string text;
  json.StartObject();
  while (json.NextMember(name)) {
    if (name == wanted) {
      ReadText(json, text);
    } else {
      json.SkipValue();
    }
  }
  return json.IsAtEnd() ? text : "";
}

}  // namespace

std::optional<std::string_view> RequestBody::Finish() {
  // Far more than names, ten answers of 256 bytes and the escaping of all of them need.
  constexpr std::size_t kMostSize = 32 * 1024;
  json_.EndObject();
  if (!json_.IsGood() || json_.text().size() > kMostSize) return std::nullopt;
  return json_.text();
}

std::optional<LoginReply> ParseLoginReply(std::string_view body) {
  if (body.size() > kMaxBody) return std::nullopt;
  JsonReader json(body);
  LoginReply reply;
  json.StartObject();
  for (std::string name; json.NextMember(name);) ReadMember(json, name, reply);
  if (!json.IsAtEnd()) return std::nullopt;
  const bool goes_on = reply.verdict == Verdict::kNone;
  if (goes_on && (!IsIdentifier(reply.login) || reply.ask.empty())) return std::nullopt;
  return reply;
}

std::optional<std::string> ParseSessionReply(std::string_view body) {
  std::string session = ReadOneText(body, "session");
  if (!IsIdentifier(session)) return std::nullopt;
  return session;
}

std::string ParseProblemCode(std::string_view body) { return ReadOneText(body, "code"); }

}  // namespace sparekey::pam
