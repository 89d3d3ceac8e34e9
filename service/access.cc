// SPDX-License-Identifier: Apache-2.0
#include "service/access.h"

#include <utility>

#include "service/login_request.h"
#include "service/words.h"

namespace sparekey {
namespace {

struct Question {
  Opening opening;
  bool code_proven = false;
  std::chrono::steady_clock::time_point deadline;
  bool alias_checked = false;
  Result<std::optional<Identity>> identity = std::optional<Identity>();
  // What the step found.
  std::optional<std::string> uid_holder;
  Reason reason = Reason::kNotAnAttempt;
  WordsContext words;
};

Result<Changes> DecideQuestion(Records& records, Question& question) {
  const LoadedAccount& loaded = records.accounts[0];
  const Account* account = loaded.account ? &*loaded.account : nullptr;
  if (!question.alias_checked) question.uid_holder = loaded.uid_taken;
  if (question.uid_holder) return Changes{};
  const auto subject = MakeSubject(records.policy, loaded, question.identity);
  if (!subject) return subject.error();
  question.reason = DecideAccess(records.policy, account, records.system, *subject,
                                 question.opening.door, question.code_proven);
  question.words =
      MakeWords(records.policy, account, records.system, question.opening.account, false);
  return Changes{};
}

HttpResponse Answer(const Question& question) {
  const bool accepted = IsAccept(question.reason);
  LogVerdict("access", question.opening, question.reason);
  JsonWriter json(kUsualReply);
  json.StartObject();
  json.AddText("verdict", accepted ? "accept" : "deny");
  json.AddText("reason", ToString(question.reason));
  json.AddFlag("enrolled", question.words.enrolled);
  json.AddFlag("must_enrol", question.words.must_enrol);
  AddSaid(json, accepted ? "" : Say(question.reason, question.words), accepted);
  json.EndObject();
  return Reply(200, json);
}

void SubmitQuestion(const Backend& backend, const std::shared_ptr<Question>& question,
                    Respond respond) {
  const AccountKey key = MakeKey(question->opening.account, question->identity);
  auto done = [&backend, question, respond = std::move(respond), name = key.name](Status status) {
    backend.Deliver([&backend, question, respond, name, status = std::move(status)] {
      if (!status) {
        backend.ReportDamage(name, status.error());
        return respond(Problem(status.error()));
      }
      if (!question->uid_holder) return respond(Answer(*question));
      const std::string holder = *std::exchange(question->uid_holder, std::nullopt);
      question->alias_checked = true;
      backend.FindAlias(backend.directory, **question->identity, holder,
                        [&backend, question, respond](auto other) {
                          if (!other) return respond(Problem(other.error()));
                          if (*other) question->identity = std::move(other);
                          SubmitQuestion(backend, question, respond);
                        });
    });
  };
  Step step = [question](Records& records) { return DecideQuestion(records, *question); };
  backend.decider.Submit({key}, std::move(step), question->deadline, std::move(done),
                         Decider::Purpose::kLooks);
}

}  // namespace

void AnswerAccess(const Backend& backend, const HttpRequest& request, Respond respond) {
  const auto fields = ReadLoginFields(request.body);
  if (!fields) return respond(Problem(fields.error()));
  const auto opening = ParseOpening(*fields);
  if (!opening) return respond(RefuseOpening("access", *fields, opening.error()));
  auto question = std::make_shared<Question>();
  question->opening = *opening;
  question->code_proven = fields->code_proven.value_or(false);
  question->deadline = request.since + kRequestDeadline;
  backend.directory.Lookup(opening->account, [&backend, question, respond](auto identity) {
    question->identity = std::move(identity);
    SubmitQuestion(backend, question, respond);
  });
}

}  // namespace sparekey
