// SPDX-License-Identifier: Apache-2.0
#include "cli/conversation.h"

#include "cli/text.h"

namespace sparekey {
namespace {

// More rounds than any conversation has: a service that never ends is a failure.
constexpr int kMostRounds = 6;

void SayAll(const Json& reply) {
  for (const Json& line : ListOf(reply, "say")) Say(Escape(TextOf(line, "text")));
}

Answer Failed(Failure failure) {
  Answer answer;
  answer.failure = std::move(failure);
  return answer;
}

}  // namespace

Answer Converse(Api& api, const ConversationPlace& place, const SecretJson& begin,
                const Answers& answers) {
  Answer reply = api.Send("POST", place.begin, begin, place.deadline);
  for (int round = 0; reply.ok() && round < kMostRounds; ++round) {
    const Json& json = reply.body.Expose();
    SayAll(json);
    if (!TextOf(json, "verdict").empty()) return reply;
    Result<SecretJson> given = answers(ListOf(json, "ask"));
    if (!given.ok()) return Failed(FailureOf(given.error()));
    std::string target = place.answers;
    SecretJson body(Json::object());
    if (const auto id = target.find("{}"); id != std::string::npos) {
      target.replace(id, 2, PercentEncode(TextOf(json, "login")));
    } else {
      body.Expose()["login"] = TextOf(json, "login");
    }
    body.Expose()["answers"].swap(given->Expose());
    reply = api.Send("POST", target, body, place.deadline);
  }
  if (!reply.ok()) return reply;
  return Failed({ExitStatus::kUnreachable, "unavailable", "the service gave no verdict"});
}

}  // namespace sparekey
