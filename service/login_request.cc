// SPDX-License-Identifier: Apache-2.0
#include "service/login_request.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "service/logging.h"

namespace sparekey {
namespace {

constexpr std::size_t kLongestAnswer = 1024;
constexpr std::size_t kMostAnswers = 8;

}  // namespace

Result<Opening> ParseOpening(const Json& object) {
  Opening opening;
  const auto account = TextField(object, "account");
  const auto door = TextField(object, "door");
  const auto service = TextField(object, "service");
  const auto host = TextField(object, "remote_host", 1024);
  const auto factor = TextField(object, "first_factor");
  const auto recovery = BoolField(object, "recovery");
  for (const auto* field : {&account, &door, &service, &host, &factor}) {
    if (!*field) return field->error();
  }
  if (!recovery) return recovery.error();
  if (!*account || !IsAccountName(**account)) return Invalid("\"account\" is no account name");
  const auto parsed = *door ? ParseDoor(**door) : std::nullopt;
  if (!parsed || *parsed == Door::kConsole) return Invalid("\"door\" must be ssh, web or other");
  const std::string proof = factor->value_or("none");
  if (proof != "password" && proof != "publickey" && proof != "waived" && proof != "none") {
    return Invalid("\"first_factor\" must be password, publickey, waived or none");
  }
  opening.account = **account;
  opening.door = *parsed;
  opening.service = service->value_or("");
  opening.remote_host = host->value_or("");
  opening.first_factor = proof != "none";
  opening.recovery = recovery->value_or(true);
  return opening;
}

Result<Answers> TakeAnswers(Json& object) {
  const auto found = object.find("answers");
  if (found == object.end() || !found->is_object() || found->size() > kMostAnswers) {
    return Invalid("\"answers\" must be an object with at most 8 texts");
  }
  Answers answers;
  bool good = true;
  for (auto& [id, value] : found->items()) {
    good = good && value.is_string() && value.get_ref<std::string&>().size() <= kLongestAnswer;
    if (good) answers.emplace(id, SecretBytes(value.get_ref<std::string&>()));
  }
  WipeTexts(*found);
  if (!good) return Invalid("an answer must be a text of at most 1024 bytes");
  return answers;
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

HttpResponse RefuseOpening(std::string_view what, const Json& object, const Error& error) {
  const auto account = object.find("account");
  const bool named = account != object.end() && account->is_string();
  Log(LogLevel::kInfo,
      fmt::format("{} refused account={}: {}", what,
                  LogField(named ? account->get_ref<const std::string&>() : ""), error.message));
  return Problem(error);
}

Json Said(const std::string& text, bool accepted) {
  if (text.empty()) return Json::array();
  return Json::array({{{"text", text}, {"style", accepted ? "info" : "error"}}});
}

}  // namespace sparekey
