// SPDX-License-Identifier: Apache-2.0
#include "pam/messages.h"

#define JSON_NO_IO 1
#include <algorithm>
#include <nlohmann/json.hpp>

#include "pam/text.h"

namespace sparekey::pam {
namespace {

constexpr std::size_t kMaxText = 16 * 1024;  // a QR code for a terminal is the longest
constexpr std::size_t kMaxItems = 32;
constexpr std::size_t kMaxBody = 64 * 1024;
constexpr std::size_t kDeepest = 8;

// nlohmann::json itself will not do here: its destructor takes memory, and a program without any
// would be ended in the middle of a login.
struct Value {
  enum class Kind { kNull, kFlag, kText, kObject, kArray, kOther };

  std::string name;  // in an object
  Kind kind = Kind::kNull;
  bool flag = false;
  std::string text;
  std::vector<Value> items;  // of an array, members of an object

  bool IsObject() const { return kind == Kind::kObject; }
};

// Builds a Value from the parser's events. A value that is open is the last one of its parent, so
// that it stays where it is while values are added below it.
class Builder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit Builder(Value& root) : root_(root) { open_.reserve(kDeepest); }

  // NOLINTBEGIN(readability-identifier-naming): the parser's names
  bool null() { return Add(Value::Kind::kNull) != nullptr; }
  bool boolean(bool flag) {
    Add(Value::Kind::kFlag)->flag = flag;
    return true;
  }
  bool number_integer(number_integer_t) { return Add(Value::Kind::kOther) != nullptr; }
  bool number_unsigned(number_unsigned_t) { return Add(Value::Kind::kOther) != nullptr; }
  bool number_float(number_float_t, const string_t&) { return Add(Value::Kind::kOther) != nullptr; }
  bool string(string_t& text) {
    Add(Value::Kind::kText)->text = std::move(text);
    return true;
  }
  bool binary(binary_t&) { return false; }
  bool start_object(std::size_t) { return Open(Value::Kind::kObject); }
  bool start_array(std::size_t) { return Open(Value::Kind::kArray); }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }
  bool key(string_t& name) {
    name_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) {
    return false;
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  Value* Add(Value::Kind kind) {
    Value& value = open_.empty() ? root_ : open_.back()->items.emplace_back();
    value.kind = kind;
    value.name = std::move(name_);
    name_.clear();
    return &value;
  }
  bool Open(Value::Kind kind) {
    if (open_.size() == kDeepest) return false;
    open_.push_back(Add(kind));
    return true;
  }
  bool Close() {
    open_.pop_back();
    return true;
  }

  Value& root_;
  std::vector<Value*> open_;
  std::string name_;
};

std::optional<Value> ParseObject(std::string_view body) {
  if (body.size() > kMaxBody) return std::nullopt;
  Value value;
  Builder builder(value);
  if (!nlohmann::json::sax_parse(body, &builder) || !value.IsObject()) return std::nullopt;
  return value;
}

// The last one of that name counts.
const Value* Find(const Value& object, std::string_view name) {
  const auto found = std::find_if(object.items.rbegin(), object.items.rend(),
                                  [name](const Value& member) { return member.name == name; });
  const bool is_there = found != object.items.rend() && found->kind != Value::Kind::kNull;
  return is_there ? &*found : nullptr;
}

// Absent is "". False where it is something else than a text that can be shown.
bool ReadText(const Value& object, const char* name, std::string& text) {
  const Value* const value = Find(object, name);
  if (value == nullptr) return true;
  if (value->kind != Value::Kind::kText) return false;
  text = value->text;
  return text.size() <= kMaxText && text.find('\0') == std::string::npos;
}

bool ReadFlag(const Value& object, const char* name, bool& flag) {
  const Value* const value = Find(object, name);
  if (value == nullptr) return true;
  flag = value->flag;
  return value->kind == Value::Kind::kFlag;
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
bool ReadList(const Value& object, const char* name, std::vector<Item>& items, Read read) {
  const Value* const list = Find(object, name);
  if (list == nullptr) return true;
  if (list->kind != Value::Kind::kArray || list->items.size() > kMaxItems) return false;
  return std::ranges::all_of(list->items, [&](const Value& element) {
    return element.IsObject() && read(element, items.emplace_back());
  });
}

bool ReadMessage(const Value& element, Message& message) {
  std::string style;
  if (!ReadText(element, "text", message.text) || !ReadText(element, "style", style)) return false;
  message.is_error = style == "error";
  return true;
}

bool ReadQuestion(const Value& element, Question& question) {
  return ReadText(element, "id", question.id) && ReadText(element, "prompt", question.prompt) &&
         ReadFlag(element, "echo", question.echo) && IsIdentifier(question.id);
}

bool ReadVerdict(const Value& object, Verdict& verdict) {
  std::string word;
  if (!ReadText(object, "verdict", word)) return false;
  if (word == "accept") verdict = Verdict::kAccept;
  if (word == "deny") verdict = Verdict::kDeny;
  return word.empty() || verdict != Verdict::kNone;
}

}  // namespace

std::optional<LoginReply> ParseLoginReply(std::string_view body) {
  const auto object = ParseObject(body);
  LoginReply reply;
  if (!object || !ReadVerdict(*object, reply.verdict) || !ReadText(*object, "login", reply.login) ||
      !ReadText(*object, "reason", reply.reason) ||
      !ReadFlag(*object, "enrolled", reply.enrolled) ||
      !ReadFlag(*object, "must_enrol", reply.must_enrol) ||
      !ReadList(*object, "say", reply.say, ReadMessage) ||
      !ReadList(*object, "ask", reply.ask, ReadQuestion)) {
    return std::nullopt;
  }
  const bool goes_on = reply.verdict == Verdict::kNone;
  if (goes_on && (!IsIdentifier(reply.login) || reply.ask.empty())) return std::nullopt;
  return reply;
}

std::optional<std::string> ParseSessionReply(std::string_view body) {
  const auto object = ParseObject(body);
  std::string session;
  if (!object || !ReadText(*object, "session", session) || !IsIdentifier(session))
    return std::nullopt;
  return session;
}

std::string ParseProblemCode(std::string_view body) {
  const auto object = ParseObject(body);
  std::string code;
  if (!object || !ReadText(*object, "code", code)) return "";
  return code;
}

}  // namespace sparekey::pam
