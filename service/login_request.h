// SPDX-License-Identifier: Apache-2.0
// What terminals send about a login and what they are told: openings, answers, verdicts.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/json_writer.h"
#include "lockout/decide.h"
#include "service/json.h"

namespace sparekey {

// Who wants to come in, by which door, and what the terminal says of the first factor.
struct Opening {
  std::string account, service, remote_host;
  Door door = Door::kOther;
  bool first_factor = false;
  bool recovery = true;
  bool by_owner = false;  // proves who he is before he changes his own account
};

// {ID:TEXT}, at most 8 of at most 1024 bytes.
using Answers = std::map<std::string, SecretBytes>;

// The members that a request about a login may have. Null is absent, but for the answers; others
// are passed over.
struct LoginFields {
  std::optional<std::string> account, door, service, remote_host, first_factor;
  std::optional<bool> recovery, code_proven;
  std::optional<Answers> answers;
  std::optional<Error> wrong;  // names a member that is of another type, or too long
};
// kInvalid: not one JSON object. What was read of the answers stays nowhere else.
Result<LoginFields> ReadLoginFields(const SecretBytes& body);
// kInvalid names the field.
Result<Opening> ParseOpening(const LoginFields& fields);
Error NoAnswers();  // for a request that must have some

SecretBytes WithoutSpaces(const SecretBytes& text);
// A one-time code has 6 to 8 digits; which of these lengths fits is the account's business.
bool LooksLikeOneTimeCode(const SecretBytes& text);
bool AsksForRecovery(const SecretBytes& text);  // the word "recover", in any case

inline constexpr std::size_t kUsualReply = 512;  // bytes that most verdicts and questions fit in
bool IsAccept(Reason reason);
void LogVerdict(std::string_view what, const Opening& opening, Reason reason);
// The answer to an opening that is none; it is logged, for it may be an attack through PAM.
HttpResponse RefuseOpening(std::string_view what, const LoginFields& fields, const Error& error);
void AddSaid(JsonWriter& json, const std::string& text, bool accepted);  // the "say" of an answer

}  // namespace sparekey
