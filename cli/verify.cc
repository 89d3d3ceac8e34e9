// SPDX-License-Identifier: Apache-2.0
// verify, recover.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/conversation.h"
#include "cli/prompt.h"

namespace sparekey {
namespace {

Status CheckAttempt(const Context& context, const Invocation& invocation) {
  Status status = CheckName("NAME", invocation.First());
  if (const auto door = invocation.Get("door"); status.ok() && door) {
    status = CheckOneOf("door", *door, {"ssh", "web", "other"});
  }
  const std::string socket = context.config.PamSocket();
  if (status.ok() && access(socket.c_str(), W_OK) != 0 && errno == EACCES) {
    status = Error{ErrorCode::kNotAllowed, "only root may vouch for a first factor"};
  }
  return status;
}

Json MakeBegin(const Invocation& invocation, bool recovery) {
  return {{"account", invocation.First()},
          {"door", invocation.Get("door").value_or("other")},
          {"service", "sparekey"},
          {"remote_host", ""},
          {"tty", ""},
          {"first_factor", "waived"},
          {"recovery", recovery}};
}

bool IsAsked(const Json& ask, std::string_view id) {
  for (const Json& question : ask) {
    if (TextOf(question, "id") == id) return true;
  }
  return false;
}

// The answer of a person to one question, in the service's words.
std::optional<SecretBytes> AnswerOf(const Json& question) {
  std::string prompt = Escape(TextOf(question, "prompt"));
  if (!prompt.ends_with(' ')) prompt += ' ';
  return ReadAnswer(prompt, Echo::kOff);
}

Result<SecretJson> AnswerWithOneCode(const Json& ask) {
  if (!IsAsked(ask, "code")) {
    return Error{ErrorCode::kUnavailable,
                 "the service asked for something else than a one-time code"};
  }
  SecretJson answers(Json::object());
  for (const Json& question : ask) {
    const auto code = AnswerOf(question);
    if (!code) return Invalid("no one-time code on standard input");
    SetSecret(answers.Expose(), TextOf(question, "id"), *code);
  }
  return answers;
}

Error WrongNumber(std::size_t needed, std::size_t given) {
  return Invalid(std::to_string(needed) + " backup codes are needed, one a line; " +
                 std::to_string(given) + " were given");
}

Result<SecretJson> AnswerWithLines(const Json& ask) {
  const std::vector<SecretBytes> lines = ReadLines(ask.size());
  if (lines.size() != ask.size()) return WrongNumber(ask.size(), lines.size());
  SecretJson answers(Json::object());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    SetSecret(answers.Expose(), TextOf(ask[i], "id"), lines[i]);
  }
  return answers;
}

Result<SecretJson> AnswerWithBackupCodes(const Json& ask) {
  SecretJson answers(Json::object());
  if (IsAsked(ask, "code")) {
    answers.Expose()["code"] = "recover";
    return answers;
  }
  if (!IsTerminal(STDIN_FILENO)) return AnswerWithLines(ask);
  for (std::size_t i = 0; i < ask.size(); ++i) {
    const auto code = AnswerOf(ask[i]);
    if (!code) return WrongNumber(ask.size(), i);
    SetSecret(answers.Expose(), TextOf(ask[i], "id"), *code);
  }
  return answers;
}

int FinishWithVerdict(const Context& context, const Json& reply) {
  const std::string verdict = TextOf(reply, "verdict");
  const std::string reason = TextOf(reply, "reason");
  if (context.json) {
    const auto left = reply.find("codes_left");
    PrintJson({{"verdict", verdict},
               {"reason", reason},
               {"codes_left", left == reply.end() ? Json() : *left}});
  } else {
    const bool accepted = verdict == "accept";
    Print(Coloured(STDOUT_FILENO, accepted ? Colour::kGood : Colour::kBad, Escape(verdict)) +
          (reason.empty() ? "" : ": " + Escape(reason)) + '\n');
  }
  return End(StatusOfVerdict(verdict, reason));
}

int Attempt(Context& context, const Invocation& invocation, bool recovery, const Answers& answers) {
  const Status checked = CheckAttempt(context, invocation);
  if (!checked.ok()) return Fail(context, checked.error());
  Api api(context.config.PamSocket());
  const Answer answer = Converse(api, {"/v1/logins", "/v1/logins/{}/answers"},
                                 SecretJson(MakeBegin(invocation, recovery)), answers);
  if (!answer.ok()) return Fail(context, *answer.failure);
  const Json& reply = answer.body.Expose();
  const auto enrolled = reply.find("enrolled");
  const bool unknown = enrolled != reply.end() && *enrolled == false;
  if (unknown && TextOf(reply, "reason") == "not_required") {
    return Fail(context,
                Error{ErrorCode::kNotFound, "\"" + Escape(invocation.First()) +
                                                "\" is not enrolled; no code was checked"});
  }
  return FinishWithVerdict(context, reply);
}

}  // namespace

int RunVerify(Context& context, const Invocation& invocation) {
  return Attempt(context, invocation, false, AnswerWithOneCode);
}

int RunRecover(Context& context, const Invocation& invocation) {
  return Attempt(context, invocation, true, AnswerWithBackupCodes);
}

}  // namespace sparekey
