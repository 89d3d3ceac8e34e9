// SPDX-License-Identifier: Apache-2.0
#include "cli/proof.h"

#include <utility>

#include "cli/conversation.h"
#include "cli/prompt.h"
#include "cli/text.h"

namespace sparekey {
namespace {

constexpr char kNothingChanged[] = "; nothing was changed";
// PAM's 10 s and the service's own 3.
constexpr std::chrono::milliseconds kPasswordDeadline{15'000};

Answer Failed(Failure failure) {
  Answer answer;
  answer.failure = std::move(failure);
  return answer;
}

// One answer a question. The password once more is no code: it is not even sent.
Result<SecretJson> AnswerAll(const Json& ask, const SecretBytes& password) {
  SecretJson answers(Json::object());
  for (const Json& question : ask) {
    std::string prompt = Escape(TextOf(question, "prompt"));
    if (!prompt.ends_with(' ')) prompt += ' ';
    const auto typed = ReadAnswer(prompt, Echo::kOff);
    if (!typed || typed->empty())
      return Invalid(std::string("no code was given") + kNothingChanged);
    if (ConstantTimeEqual(typed->Expose(), password.Expose())) {
      return Invalid(std::string("that was the password, not a code") + kNothingChanged);
    }
    SetSecret(answers.Expose(), TextOf(question, "id"), *typed);
  }
  return answers;
}

Answer Prove(Api& api, const std::string& account) {
  const auto password = ReadAnswer("Password of " + Escape(account) + ": ", Echo::kOff);
  if (!password || password->empty()) {
    return Failed(FailureOf(Error{
        ErrorCode::kNotAllowed,
        std::string("this needs root, or the account's password and a code") + kNothingChanged}));
  }
  SecretJson begin(Json::object());
  SetSecret(begin.Expose(), "password", *password);
  const std::string target = AccountTarget(account, "/proof");
  Answer answer = Converse(api, {target, target + "/answers", kPasswordDeadline}, begin,
                           [&](const Json& ask) { return AnswerAll(ask, *password); });
  if (!answer.ok()) return answer;
  const std::string verdict = TextOf(answer.body.Expose(), "verdict");
  const std::string reason = TextOf(answer.body.Expose(), "reason");
  if (verdict == "accept") return answer;
  return Failed({StatusOfVerdict(verdict, reason), Escape(reason),
                 std::string("you have not proven who you are") + kNothingChanged});
}

}  // namespace

Answer SendProved(Api& api, const std::string& account, std::string_view method,
                  const std::string& target, const SecretJson& body) {
  Answer answer = api.Send(method, target, body);
  if (answer.ok() || answer.failure->code != "proof_needed") return answer;
  Answer proof = Prove(api, account);
  return proof.ok() ? api.Send(method, target, body) : std::move(proof);
}

}  // namespace sparekey
