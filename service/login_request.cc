// SPDX-License-Identifier: Apache-2.0
#include "service/login_request.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <span>
#include <utility>

#include "core/json_reader.h"
#include "service/logging.h"

namespace sparekey {
namespace {

constexpr std::size_t kLongestText = 256, kLongestHost = 1024;
constexpr std::size_t kLongestAnswer = 1024;
constexpr std::size_t kMostAnswers = 8;

// Texts on their way out of a body that holds codes. With room for the longest of them, so that
// none is left where it was moved away from.
class FieldReader {
 public:
  explicit FieldReader(const SecretBytes& body) : reader_(body.ExposeText()) {
    text_.reserve(body.size());
  }
  FieldReader(const FieldReader&) = delete;
  FieldReader& operator=(const FieldReader&) = delete;
  ~FieldReader() {
    text_.resize(text_.capacity());
    Wipe(std::span<char>(text_));
  }

  Result<LoginFields> Read();

 private:
  void ReadMember(std::string_view name);
  void ReadText(std::string_view name, std::size_t limit, std::optional<std::string>& field);
  void ReadFlag(std::string_view name, std::optional<bool>& field);
  void ReadAnswers();
  void ReadAnswer(std::string id);
  void Complain(Error error) {
    if (!fields_.wrong) fields_.wrong = std::move(error);
  }

  JsonReader reader_;
  std::string text_;
  LoginFields fields_;
};

Error WrongType(std::string_view name, const std::string& wanted) {
  return Invalid("\"" + std::string(name) + "\" must be " + wanted);
}

Result<LoginFields> FieldReader::Read() {
  reader_.StartObject();
  for (std::string name; reader_.NextMember(name);) ReadMember(name);
  if (!reader_.IsAtEnd()) return Invalid("the request must be one JSON object");
  return std::move(fields_);
}

void FieldReader::ReadMember(std::string_view name) {
  if (name == "account") return ReadText(name, kLongestText, fields_.account);
  if (name == "door") return ReadText(name, kLongestText, fields_.door);
  if (name == "service") return ReadText(name, kLongestText, fields_.service);
  if (name == "remote_host") return ReadText(name, kLongestHost, fields_.remote_host);
  if (name == "first_factor") return ReadText(name, kLongestText, fields_.first_factor);
  if (name == "recovery") return ReadFlag(name, fields_.recovery);
  if (name == "code_proven") return ReadFlag(name, fields_.code_proven);
  if (name == "answers") return ReadAnswers();
  reader_.SkipValue();
}

void FieldReader::ReadText(std::string_view name, std::size_t limit,
                           std::optional<std::string>& field) {
  field.reset();
  if (reader_.TakeNull()) return;
  if (!reader_.IsNext('"')) {
    Complain(WrongType(name, "a text"));
    return reader_.SkipValue();
  }
  reader_.ReadText(text_);
  if (text_.size() > limit) {
    return Complain(WrongType(name, "at most " + std::to_string(limit) + " bytes long"));
  }
  field = std::string_view(text_);
}

void FieldReader::ReadFlag(std::string_view name, std::optional<bool>& field) {
  field.reset();
  if (reader_.TakeNull()) return;
  if (!reader_.IsNext('t') && !reader_.IsNext('f')) {
    Complain(WrongType(name, "true or false"));
    return reader_.SkipValue();
  }
  field = reader_.ReadFlag();
}

void FieldReader::ReadAnswers() {
  fields_.answers.emplace();
  if (!reader_.IsNext('{')) {
    Complain(NoAnswers());
    return reader_.SkipValue();
  }
  reader_.StartObject();
  for (std::string id; reader_.NextMember(id);) ReadAnswer(id);
}

void FieldReader::ReadAnswer(std::string id) {
  if (fields_.answers->size() == kMostAnswers && !fields_.answers->contains(id)) {
    Complain(NoAnswers());
    return reader_.SkipValue();
  }
  if (!reader_.IsNext('"')) {
    Complain(Invalid("an answer must be a text of at most 1024 bytes"));
    return reader_.SkipValue();
  }
  reader_.ReadText(text_);
  if (text_.size() > kLongestAnswer) {
    Complain(Invalid("an answer must be a text of at most 1024 bytes"));
  } else {
    fields_.answers->insert_or_assign(std::move(id), SecretBytes(std::string_view(text_)));
  }
  Wipe(std::span<char>(text_));
}

}  // namespace

Error NoAnswers() { return Invalid("\"answers\" must be an object with at most 8 texts"); }

Result<LoginFields> ReadLoginFields(const SecretBytes& body) { return FieldReader(body).Read(); }

Result<Opening> ParseOpening(const LoginFields& fields) {
  if (fields.wrong) return *fields.wrong;
  if (!fields.account || !IsAccountName(*fields.account)) {
    return Invalid("\"account\" is no account name");
  }
  const auto door = fields.door ? ParseDoor(*fields.door) : std::nullopt;
  if (!door || *door == Door::kConsole) return Invalid("\"door\" must be ssh, web or other");
  const std::string proof = fields.first_factor.value_or("none");
  if (proof != "password" && proof != "publickey" && proof != "waived" && proof != "none") {
    return Invalid("\"first_factor\" must be password, publickey, waived or none");
  }
  Opening opening;
  opening.account = *fields.account;
  opening.door = *door;
  opening.service = fields.service.value_or("");
  opening.remote_host = fields.remote_host.value_or("");
  opening.first_factor = proof != "none";
  opening.recovery = fields.recovery.value_or(true);
  return opening;
}

SecretBytes WithoutSpaces(const SecretBytes& text) {
  SecretBytes stripped(text.size());
  std::size_t length = 0;
  for (const std::uint8_t byte : text.Expose()) {
    if (byte != ' ') stripped.Expose()[length++] = byte;
  }
  return SecretBytes(stripped.Expose().first(length));
}

bool LooksLikeOneTimeCode(const SecretBytes& text) {
  const auto bytes = text.Expose();
  return bytes.size() >= 6 && bytes.size() <= 8 &&
         std::all_of(bytes.begin(), bytes.end(), [](auto c) { return c >= '0' && c <= '9'; });
}

bool AsksForRecovery(const SecretBytes& text) {
  std::string word(text.ExposeText().substr(0, 8));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text.size() == 7 && word == "recover";
}

bool IsAccept(Reason reason) {
  return reason == Reason::kAccepted || reason == Reason::kRecovered ||
         reason == Reason::kNotRequired;
}

void LogVerdict(std::string_view what, const Opening& opening, Reason reason) {
  Log(LogLevel::kInfo, fmt::format("{} account={} door={} service={} host={} verdict={} reason={}",
                                   what, LogField(opening.account), ToString(opening.door),
                                   LogField(opening.service), LogField(opening.remote_host),
                                   IsAccept(reason) ? "accept" : "deny", ToString(reason)));
}

HttpResponse RefuseOpening(std::string_view what, const LoginFields& fields, const Error& error) {
  Log(LogLevel::kInfo, fmt::format("{} refused account={}: {}", what,
                                   LogField(fields.account.value_or("")), error.message));
  return Problem(error);
}

void AddSaid(JsonWriter& json, const std::string& text, bool accepted) {
  json.AddName("say");
  json.StartArray();
  if (!text.empty()) {
    json.StartObject();
    json.AddText("text", text);
    json.AddText("style", accepted ? "info" : "error");
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace sparekey
