// SPDX-License-Identifier: Apache-2.0
// What terminals send about a login and what they are told: openings, answers, verdicts.
#pragma once

#include <map>
#include <string>

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
// kInvalid names the field.
Result<Opening> ParseOpening(const Json& object);

// The texts of {"answers":{ID:TEXT}}, at most 8 of at most 1024 bytes; moved out of the JSON and
// wiped there.
using Answers = std::map<std::string, SecretBytes>;
Result<Answers> TakeAnswers(Json& object);

SecretBytes WithoutSpaces(const SecretBytes& text);
// A one-time code has 6 to 8 digits; which of these lengths fits is the account's business.
bool LooksLikeOneTimeCode(const SecretBytes& text);
bool AsksForRecovery(const SecretBytes& text);  // the word "recover", in any case

bool IsAccept(Reason reason);
void LogVerdict(std::string_view what, const Opening& opening, Reason reason);
// The answer to an opening that is none; it is logged, for it may be an attack through PAM.
HttpResponse RefuseOpening(std::string_view what, const Json& object, const Error& error);
Json Said(const std::string& text, bool accepted);  // the "say" of an answer

}  // namespace sparekey
