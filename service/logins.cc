// SPDX-License-Identifier: Apache-2.0
#include "service/logins.h"

#include <spdlog/fmt/fmt.h>

#include <utility>

#include "service/json.h"
#include "service/logging.h"
#include "service/login.h"

namespace sparekey {
namespace {

void AddQuestion(JsonWriter& json, const std::string& id, const std::string& prompt) {
  json.StartObject();
  json.AddText("id", id);
  json.AddText("prompt", prompt);
  json.AddFlag("echo", false);
  json.EndObject();
}

}  // namespace

Logins::Logins(const Backend& backend, EndSessions end_sessions)
    : backend_(backend), end_sessions_(std::move(end_sessions)) {}
Logins::~Logins() = default;

void Logins::Begin(const HttpRequest& request, Respond respond) {
  auto fields = ReadLoginFields(request.body);
  if (!fields) return respond(Problem(fields.error()));
  auto opening = ParseOpening(*fields);
  if (!opening) return respond(RefuseOpening("login", *fields, opening.error()));
  auto login = std::make_shared<Login>();
  login->first_answers = std::move(fields->answers);
  login->owner = request.peer;
  login->opening = std::move(*opening);
  login->deadline = request.since + kRequestDeadline;
  Open(login, backend_.directory, std::move(respond));
}

void Logins::BeginForOwner(std::string account, const Peer& owner, Proven proven, Respond respond) {
  auto login = std::make_shared<Login>();
  login->owner = owner;
  login->opening = {std::move(account), "sparekey", "", Door::kOther, true, true, true};
  login->proven = std::move(proven);
  login->deadline = std::chrono::steady_clock::now() + kRequestDeadline;
  login->alias_checked = true;  // an owner says his account's own name
  Open(login, backend_.self_directory, std::move(respond));
}

void Logins::Open(const LoginPtr& login, Directory& directory, Respond respond) {
  login->waiting.push_back(std::move(respond));
  directory.Lookup(login->opening.account, [this, login](auto identity) {
    const bool listed = identity && *identity && (*identity)->uid == login->owner.uid;
    if (login->opening.by_owner && !listed) {
      return Fail(login, {ErrorCode::kNotAllowed, "this needs root, or the account's owner"});
    }
    login->key = MakeKey(login->opening.account, identity);
    login->identity = std::move(identity);
    Admit(login);
  });
}

void Logins::Admit(const LoginPtr& login) {
  auto outcome = std::make_shared<LoginOutcome>();
  std::shared_ptr<SecretBytes> code;
  if (login->first_answers && login->first_answers->contains("code")) {
    auto text =
        std::make_shared<SecretBytes>(WithoutSpaces(login->first_answers->find("code")->second));
    if (LooksLikeOneTimeCode(*text)) code = text;
  }
  auto attempt = [code]() -> std::optional<Attempt> {
    if (!code) return std::nullopt;
    return OneTimeCode{code->ExposeText()};
  };
  Step step = MakeLoginStep(*login, outcome, attempt, backend_.Now(), true);
  Submit(
      login, std::move(step),
      [this, login, outcome] {
        if (outcome->uid_holder) return AdmitAlias(login, *outcome->uid_holder);
        Learn(login, *outcome);
        if (outcome->decided) return Conclude(login, *outcome->decided);
        if (!login->opening.first_factor) return Conclude(login, Reason::kNotAnAttempt);
        login->locked = outcome->admission.admission == Admission::kAskBackupCodes;
        const Answers answers =
            std::exchange(login->first_answers, std::nullopt).value_or(Answers());
        const auto typed = answers.find("code");
        if (login->locked)
          return AskLocked(login, typed == answers.end() ? nullptr : &typed->second);
        login->stage = Login::Stage::kCode;
        if (typed == answers.end()) return Ask(login);
        TakeCode(login, typed->second);
      },
      code ? Decider::Purpose::kMayChange : Decider::Purpose::kLooks);
}

// Two names of one uid are one account: the enrolled name's.
void Logins::AdmitAlias(const LoginPtr& login, const std::string& holder) {
  login->alias_checked = true;
  backend_.FindAlias(backend_.directory, **login->identity, holder, [this, login](auto other) {
    if (!other) return Fail(login, other.error());
    if (*other) {
      login->key = MakeKey(login->opening.account, other);
      login->identity = std::move(other);
    }
    Admit(login);
  });
}

// What was typed before the terminal knew of the lock counts as code 1 where it is a backup code.
void Logins::AskLocked(const LoginPtr& login, const SecretBytes* typed) {
  auto code = typed ? ParseBackupCode(typed->ExposeText()) : std::nullopt;
  if (code) login->codes.push_back(std::move(*code));
  StartRecovery(login);
}

void Logins::Answer(const std::string& id, const HttpRequest& request, Respond respond) {
  const LoginPtr login = logins_.Find(id, request.peer);
  if (!login) {
    return respond(
        Problem({ErrorCode::kNotFound, "there is no such login, or it is over 120 s old"}));
  }
  if (login->stage == Login::Stage::kWorking) {
    login->waiting.push_back(std::move(respond));
    return;
  }
  if (login->stage == Login::Stage::kOver) return respond(login->last.Clone());
  const auto fields = ReadLoginFields(request.body);
  if (!fields) return respond(Problem(fields.error()));
  if (fields->wrong || !fields->answers) {
    return respond(Problem(fields->wrong.value_or(NoAnswers())));
  }
  const auto& answers = fields->answers;
  const bool asks_codes = login->stage == Login::Stage::kBackupCodes;
  if (asks_codes && answers->contains("code")) return respond(login->last.Clone());  // a lost reply
  login->deadline = request.since + kRequestDeadline;
  login->waiting.push_back(std::move(respond));
  if (asks_codes) return TakeBackupCodes(login, *answers);
  const auto code = answers->find("code");
  TakeCode(login, code == answers->end() ? SecretBytes() : code->second.Clone());
}

void Logins::AnswerForOwner(const std::string& id, const std::string& account,
                            const HttpRequest& request, Respond respond) {
  const LoginPtr login = logins_.Find(id, request.peer);
  const bool own = login && login->opening.by_owner && login->opening.account == account;
  Answer(own ? id : "", request, std::move(respond));
}

void Logins::TakeCode(const LoginPtr& login, const SecretBytes& typed) {
  login->stage = Login::Stage::kWorking;
  auto text = std::make_shared<SecretBytes>(WithoutSpaces(typed));
  if (AsksForRecovery(*text) && login->opening.recovery) return StartRecovery(login);
  if (LooksLikeOneTimeCode(*text)) {
    auto outcome = std::make_shared<LoginOutcome>();
    auto attempt = [text]() -> std::optional<Attempt> { return OneTimeCode{text->ExposeText()}; };
    Step step = MakeLoginStep(*login, outcome, attempt, backend_.Now());
    return Submit(login, std::move(step), [this, login, outcome] {
      Learn(login, *outcome);
      Conclude(login, outcome->decided.value_or(Reason::kNotAnAttempt));
    });
  }
  auto code = ParseBackupCode(text->ExposeText());
  if (!code || !login->opening.recovery) return Conclude(login, Reason::kNotAnAttempt);
  login->codes.push_back(std::move(*code));
  StartRecovery(login);
}

// Asks for the codes that are missing, or goes on when none is.
void Logins::StartRecovery(const LoginPtr& login) {
  login->recovering = true;
  if (!login->words.recovery_possible) return Conclude(login, Reason::kNotAnAttempt);
  if (static_cast<int>(login->codes.size()) == login->words.required) return Recover(login);
  login->stage = Login::Stage::kBackupCodes;
  Ask(login);
}

void Logins::TakeBackupCodes(const LoginPtr& login, const Answers& answers) {
  login->stage = Login::Stage::kWorking;
  for (int i = static_cast<int>(login->codes.size()) + 1; i <= login->words.required; ++i) {
    const auto typed = answers.find("backup_code_" + std::to_string(i));
    auto code = typed == answers.end() ? std::nullopt : ParseBackupCode(typed->second.ExposeText());
    if (!code) return Conclude(login, Reason::kNotAnAttempt);
    login->codes.push_back(std::move(*code));
  }
  Recover(login);
}

// Reads the sheet, hashes the entered codes in the pool, then decides.
void Logins::Recover(const LoginPtr& login) {
  for (std::size_t i = 0; i < login->codes.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (ConstantTimeEqual(login->codes[i].Expose(), login->codes[k].Expose())) {
        return Conclude(login, Reason::kNotAnAttempt);
      }
    }
  }
  auto outcome = std::make_shared<LoginOutcome>();
  Step read = MakeLoginStep(*login, outcome, nullptr, backend_.Now());
  Submit(
      login, std::move(read),
      [this, login, outcome] {
        Learn(login, *outcome);
        if (outcome->decided) return Conclude(login, *outcome->decided);
        MatchCodes(login, outcome);
      },
      Decider::Purpose::kLooks);
}

void Logins::MatchCodes(const LoginPtr& login, const OutcomePtr& outcome) {
  auto work = [this, login, outcome] {
    BackupCodeSet set{outcome->sheet ? outcome->sheet->number : 0, {}};
    const Sheet none;
    const Sheet& sheet = outcome->sheet ? *outcome->sheet : none;
    std::optional<Error> failed;
    for (const BackupCode& code : login->codes) {
      auto match = MatchBackupCode(code, sheet, backend_.code_key);
      if (!match) failed = match.error();
      set.matches.push_back(match ? *match : std::nullopt);
    }
    backend_.post([this, login, set = std::move(set), failed = std::move(failed)] {
      if (failed) return Fail(login, *failed);
      SubmitDecision(login, set);
    });
  };
  if (!backend_.hashes.Submit(std::move(work))) {
    Fail(login, {ErrorCode::kBusy, "too many recoveries are under way; try again in a moment"});
  }
}

void Logins::SubmitDecision(const LoginPtr& login, BackupCodeSet set) {
  auto outcome = std::make_shared<LoginOutcome>();
  auto attempt = [set = std::move(set)]() -> std::optional<Attempt> { return set; };
  Step step = MakeLoginStep(*login, outcome, attempt, backend_.Now());
  Submit(login, std::move(step), [this, login, outcome] {
    Learn(login, *outcome);
    Conclude(login, outcome->decided.value_or(Reason::kNotAnAttempt));
  });
}

void Logins::Submit(const LoginPtr& login, Step step, std::function<void()> done,
                    Decider::Purpose purpose) {
  auto finished = [this, login, done = std::move(done)](Status status) {
    backend_.Deliver([this, login, done, status = std::move(status)] {
      if (!status) return Fail(login, status.error());
      done();
    });
  };
  backend_.decider.Submit({login->key}, std::move(step), login->deadline, std::move(finished),
                          purpose);
}

// After the commit of what a step found.
void Logins::Learn(const LoginPtr& login, const LoginOutcome& outcome) {
  login->words = outcome.words;
  if (!outcome.contained.empty()) end_sessions_(outcome.contained);
}

void Logins::Ask(const LoginPtr& login) {
  if (login->id.empty()) logins_.Add(login);
  JsonWriter json(kUsualReply);
  json.StartObject();
  json.AddText("login", login->id);
  const bool is_locked = login->stage != Login::Stage::kCode && login->locked;
  AddSaid(json, is_locked ? Say(Reason::kLocked, login->words) : "", false);
  json.AddName("ask");
  json.StartArray();
  if (login->stage == Login::Stage::kCode) {
    AddQuestion(json, "code", kOneTimePrompt);
  } else {
    const int required = login->words.required;
    for (int i = static_cast<int>(login->codes.size()) + 1; i <= required; ++i) {
      AddQuestion(json, "backup_code_" + std::to_string(i), BackupPrompt(i, required));
    }
  }
  json.EndArray();
  for (const char* const open : {"verdict", "reason"}) {
    json.AddName(open);
    json.AddNull();
  }
  json.EndObject();
  HttpResponse question = sparekey::Reply(200, json);
  question.expects_more = true;
  Reply(login, std::move(question));
}

void Logins::Conclude(const LoginPtr& login, Reason reason) {
  const bool accepted = IsAccept(reason);
  LogVerdict(login->opening.by_owner ? "proof" : "login", login->opening, reason);
  if (accepted && login->proven) login->proven(reason != Reason::kNotRequired);
  // A replay is told in the words of a wrong code.
  if (reason == Reason::kReplay) {
    reason = login->recovering ? Reason::kWrongCodes : Reason::kWrongCode;
  }
  login->words.recovering = login->recovering;
  JsonWriter json(kUsualReply);
  json.StartObject();
  json.AddName("login");
  login->id.empty() ? json.AddNull() : json.AddText(login->id);
  AddSaid(json, login->opening.first_factor ? Say(reason, login->words) : "", accepted);
  json.AddName("ask");
  json.StartArray();
  json.EndArray();
  json.AddText("verdict", accepted ? "accept" : "deny");
  json.AddText("reason", ToString(reason));
  json.AddFlag("enrolled", login->words.enrolled);
  json.AddFlag("must_enrol", login->words.must_enrol);
  json.AddName("codes_left");
  json.AddNumber(login->words.codes_left);
  json.EndObject();
  HttpResponse verdict = sparekey::Reply(200, json);
  End(login);
  Reply(login, std::move(verdict));
}

void Logins::Fail(const LoginPtr& login, const Error& error) {
  Log(LogLevel::kWarning, fmt::format("login account={} door={} could not be decided: {}",
                                      LogField(login->opening.account),
                                      ToString(login->opening.door), EscapeForLog(error.message)));
  // Under the record's own name: a reset of that one settles the alert.
  if (login->opening.first_factor) backend_.ReportDamage(login->key.name, error);
  End(login);
  Reply(login, Problem(error));
}

void Logins::End(const LoginPtr& login) {
  login->stage = Login::Stage::kOver;
  // Nothing but its answer is kept.
  login->codes.clear();
  login->first_answers.reset();
  login->proven = nullptr;
  login->words = {};
  login->identity = std::optional<Identity>();
  Opening over;
  over.by_owner = login->opening.by_owner;
  over.account = std::move(login->opening.account);
  login->opening = std::move(over);
  logins_.MarkOver(*login);
}

// It is repeated to who asks again, which takes an id.
void Logins::Reply(const LoginPtr& login, HttpResponse reply) {
  const std::vector<Respond> waiting = std::exchange(login->waiting, {});
  if (login->id.empty() && waiting.size() == 1) return waiting.front()(std::move(reply));
  login->last = std::move(reply);
  for (const Respond& respond : waiting) respond(login->last.Clone());
}

}  // namespace sparekey
