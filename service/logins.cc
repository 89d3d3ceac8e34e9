// SPDX-License-Identifier: Apache-2.0
#include "service/logins.h"

#include <spdlog/fmt/fmt.h>

#include <utility>

#include "backupcodes/codes.h"
#include "core/random.h"
#include "lockout/owner_notice.h"
#include "service/json.h"
#include "service/logging.h"
#include "service/login_request.h"
#include "service/words.h"

namespace sparekey {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kMostLogins = 8192;
}  // namespace

// What a step found, written on the decider's thread and read after it is done.
struct Logins::Outcome {
  AdmissionDecision admission{Admission::kDecided, Reason::kNotAnAttempt};
  std::optional<Reason> decided;
  WordsContext words;
  std::optional<Sheet> sheet;
  std::optional<std::string> uid_holder;  // who else has the login's uid: nothing is decided yet
  std::vector<DueContainment> contained;  // of an attempt that was decided
};

struct Logins::Login {
  enum class Stage { kWorking, kCode, kBackupCodes, kOver };

  std::string id;
  Peer owner;
  Opening opening;
  Proven proven;  // with opening.by_owner
  AccountKey key;
  Result<std::optional<Identity>> identity = std::optional<Identity>();
  SteadyTime expires;
  SteadyTime deadline;  // of the request under way
  Stage stage = Stage::kWorking;
  std::optional<Answers> first_answers;
  WordsContext words;
  std::vector<BackupCode> codes;  // entered so far
  bool recovering = false;
  bool locked = false;
  bool alias_checked = false;
  std::function<HttpResponse()> last;  // the answer that is repeated
  std::vector<Respond> waiting;

  // One admission, and where `attempt` gives one and a code is asked for, one attempt.
  // A `beginning` asks a locked account for backup codes instead.
  Step MakeStep(OutcomePtr outcome, std::function<std::optional<Attempt>()> attempt, Clock clock,
                bool beginning = false);
};

Step Logins::Login::MakeStep(OutcomePtr out, std::function<std::optional<Attempt>()> attempt,
                             Clock clock, bool beginning) {
  return [this_opening = opening, id = identity, beginning, resolve = !alias_checked, out,
          attempt = std::move(attempt), clock](Records& records) -> Result<Changes> {
    *out = Outcome{};
    LoadedAccount& loaded = records.accounts[0];
    if (resolve && loaded.uid_taken) {
      out->uid_holder = loaded.uid_taken;
      return Changes{};
    }
    Account* account = loaded.account ? &*loaded.account : nullptr;
    const auto subject = MakeSubject(records.policy, loaded, id);
    if (!subject) return subject.error();
    out->admission =
        this_opening.by_owner
            ? AdmitOwner(account, records.system, *subject)
            : sparekey::Admit(records.policy, account, records.system, *subject, this_opening.door);
    out->words = MakeWords(records.policy, account, records.system, this_opening.account,
                           this_opening.recovery);
    if (account) out->sheet = account->sheet;
    const bool asks_codes = out->admission.admission == Admission::kAskBackupCodes;
    if (out->admission.admission == Admission::kDecided) {
      out->decided = out->admission.reason;
      return Changes{};
    }
    if (asks_codes && beginning) {
      if (!out->words.recovery_possible) out->decided = Reason::kLocked;
      return Changes{};
    }
    const std::optional<Attempt> made = attempt ? attempt() : std::nullopt;
    if (!made || !this_opening.first_factor) return Changes{};
    const auto last_login = account->last_login;
    Decision decision =
        Decide(records.policy, *account, records.system, *subject, this_opening.door, *made, clock);
    out->decided = decision.reason;
    out->words = MakeWords(records.policy, account, records.system, this_opening.account,
                           this_opening.recovery);
    out->words.notice = KeepForOwner(*account, decision, this_opening.remote_host, clock.now);
    out->words.last_login = last_login;
    Changes changes;
    if (decision.account_changed) {
      if (id) account->administrator = subject->administrator;
      if (account->pending && account->pending->IsOver(clock.now)) account->pending.reset();
      changes.accounts.push_back(0);
    }
    changes.system = decision.system_changed;
    for (Event& event : decision.events) {
      event.door = this_opening.door;
      event.remote_host = this_opening.remote_host;
    }
    out->contained = FindDueContainments(records.system, account);
    changes.events = std::move(decision.events);
    return changes;
  };
}

Logins::Logins(const Backend& backend, EndSessions end_sessions)
    : backend_(backend), end_sessions_(std::move(end_sessions)) {}
Logins::~Logins() = default;

// Makes room: what is too old goes; with the table full, first what is over, then the oldest
// question that nobody has answered.
void Logins::Forget(std::deque<std::string>& ids) {
  if (ids.empty()) return;
  logins_.erase(ids.front());
  ids.pop_front();
}

void Logins::Remember(const LoginPtr& login) {
  const auto now = std::chrono::steady_clock::now();
  while (!by_age_.empty()) {
    const auto oldest = logins_.find(by_age_.front());
    if (oldest != logins_.end() && oldest->second->expires > now) break;
    Forget(by_age_);
  }
  const auto is_gone = [this](const std::string& id) { return !logins_.contains(id); };
  for (auto* ids : {&by_age_, &over_}) {
    if (ids->size() > 2 * kMostLogins) std::erase_if(*ids, is_gone);
  }
  while (!over_.empty() && is_gone(over_.front())) over_.pop_front();
  if (logins_.size() >= kMostLogins) Forget(over_.empty() ? by_age_ : over_);
  login->id = RandomHex(16);
  login->expires = now + kLoginLifetime;
  logins_.emplace(login->id, login);
  by_age_.push_back(login->id);
}

void Logins::Begin(const HttpRequest& request, Respond respond) {
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  const auto opening = ParseOpening(*object);
  if (!opening) return respond(RefuseOpening("login", *object, opening.error()));
  auto login = std::make_shared<Login>();
  if (object->contains("answers")) {
    auto answers = TakeAnswers(*object);
    if (!answers) return respond(Problem(answers.error()));
    login->first_answers = std::move(*answers);
  }
  login->owner = request.peer;
  login->opening = *opening;
  Open(login, backend_.directory, std::move(respond));
}

void Logins::BeginForOwner(std::string account, const Peer& owner, Proven proven, Respond respond) {
  auto login = std::make_shared<Login>();
  login->owner = owner;
  login->opening = {std::move(account), "sparekey", "", Door::kOther, true, true, true};
  login->proven = std::move(proven);
  login->alias_checked = true;  // an owner says his account's own name
  Open(login, backend_.self_directory, std::move(respond));
}

void Logins::Open(const LoginPtr& login, Directory& directory, Respond respond) {
  login->deadline = std::chrono::steady_clock::now() + kRequestDeadline;
  Remember(login);
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
  auto outcome = std::make_shared<Outcome>();
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
  Step step = login->MakeStep(outcome, attempt, backend_.Now(), true);
  Submit(login, std::move(step), [this, login, outcome] {
    if (outcome->uid_holder) return AdmitAlias(login, *outcome->uid_holder);
    Learn(login, *outcome);
    if (outcome->decided) return Conclude(login, *outcome->decided);
    if (!login->opening.first_factor) return Conclude(login, Reason::kNotAnAttempt);
    login->locked = outcome->admission.admission == Admission::kAskBackupCodes;
    const Answers answers = std::exchange(login->first_answers, std::nullopt).value_or(Answers());
    const auto typed = answers.find("code");
    if (login->locked) return AskLocked(login, typed == answers.end() ? nullptr : &typed->second);
    login->stage = Login::Stage::kCode;
    if (typed == answers.end()) return Ask(login);
    TakeCode(login, typed->second);
  });
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

Logins::LoginPtr Logins::Find(const std::string& id, const Peer& peer) const {
  const auto found = logins_.find(id);
  if (found == logins_.end()) return nullptr;
  const Login& login = *found->second;
  const Peer& owner = login.owner;
  if (login.expires <= std::chrono::steady_clock::now()) return nullptr;
  if (owner.socket != peer.socket || owner.uid != peer.uid) return nullptr;
  if (login.opening.by_owner && owner.connection != peer.connection) return nullptr;
  return found->second;
}

void Logins::Answer(const std::string& id, const HttpRequest& request, Respond respond) {
  const LoginPtr login = Find(id, request.peer);
  const auto now = std::chrono::steady_clock::now();
  if (!login) {
    return respond(
        Problem({ErrorCode::kNotFound, "there is no such login, or it is over 120 s old"}));
  }
  if (login->stage == Login::Stage::kWorking) {
    login->waiting.push_back(std::move(respond));
    return;
  }
  if (login->stage == Login::Stage::kOver) return respond(login->last());
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  const auto answers = TakeAnswers(*object);
  if (!answers) return respond(Problem(answers.error()));
  const bool asks_codes = login->stage == Login::Stage::kBackupCodes;
  if (asks_codes && answers->contains("code")) return respond(login->last());  // a lost reply
  login->deadline = now + kRequestDeadline;
  login->waiting.push_back(std::move(respond));
  if (asks_codes) return TakeBackupCodes(login, *answers);
  const auto code = answers->find("code");
  TakeCode(login, code == answers->end() ? SecretBytes() : code->second.Clone());
}

void Logins::AnswerForOwner(const std::string& id, const std::string& account,
                            const HttpRequest& request, Respond respond) {
  const LoginPtr login = Find(id, request.peer);
  const bool own = login && login->opening.by_owner && login->opening.account == account;
  Answer(own ? id : "", request, std::move(respond));
}

void Logins::TakeCode(const LoginPtr& login, const SecretBytes& typed) {
  login->stage = Login::Stage::kWorking;
  auto text = std::make_shared<SecretBytes>(WithoutSpaces(typed));
  if (AsksForRecovery(*text) && login->opening.recovery) return StartRecovery(login);
  if (LooksLikeOneTimeCode(*text)) {
    auto outcome = std::make_shared<Outcome>();
    auto attempt = [text]() -> std::optional<Attempt> { return OneTimeCode{text->ExposeText()}; };
    Step step = login->MakeStep(outcome, attempt, backend_.Now());
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
  auto outcome = std::make_shared<Outcome>();
  Step read = login->MakeStep(outcome, nullptr, backend_.Now());
  Submit(login, std::move(read), [this, login, outcome] {
    Learn(login, *outcome);
    if (outcome->decided) return Conclude(login, *outcome->decided);
    MatchCodes(login, outcome);
  });
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
  auto outcome = std::make_shared<Outcome>();
  auto attempt = [set = std::move(set)]() -> std::optional<Attempt> { return set; };
  Step step = login->MakeStep(outcome, attempt, backend_.Now());
  Submit(login, std::move(step), [this, login, outcome] {
    Learn(login, *outcome);
    Conclude(login, outcome->decided.value_or(Reason::kNotAnAttempt));
  });
}

void Logins::Submit(const LoginPtr& login, Step step, std::function<void()> done) {
  auto finished = [this, login, done = std::move(done)](Status status) {
    auto shared = std::make_shared<Status>(std::move(status));
    backend_.post([this, login, done, shared] {
      if (!*shared) return Fail(login, shared->error());
      done();
    });
  };
  backend_.decider.Submit({login->key}, std::move(step), login->deadline, std::move(finished));
}

// After the commit of what a step found.
void Logins::Learn(const LoginPtr& login, const Outcome& outcome) {
  login->words = outcome.words;
  if (!outcome.contained.empty()) end_sessions_(outcome.contained);
}

void Logins::Ask(const LoginPtr& login) {
  Json ask = Json::array();
  Json say = Json::array();
  if (login->stage == Login::Stage::kCode) {
    ask.push_back({{"id", "code"}, {"prompt", kOneTimePrompt}, {"echo", false}});
  } else {
    const int required = login->words.required;
    if (login->locked) say = Said(Say(Reason::kLocked, login->words), false);
    for (int i = static_cast<int>(login->codes.size()) + 1; i <= required; ++i) {
      ask.push_back({{"id", "backup_code_" + std::to_string(i)},
                     {"prompt", BackupPrompt(i, required)},
                     {"echo", false}});
    }
  }
  const Json body = {
      {"login", login->id}, {"say", say}, {"ask", ask}, {"verdict", nullptr}, {"reason", nullptr}};
  Reply(login, [body] { return sparekey::Reply(200, body); });
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
  const std::string words = login->opening.first_factor ? Say(reason, login->words) : "";
  const Json body = {{"login", login->id},
                     {"say", Said(words, accepted)},
                     {"ask", Json::array()},
                     {"verdict", accepted ? "accept" : "deny"},
                     {"reason", ToString(reason)},
                     {"enrolled", login->words.enrolled},
                     {"must_enrol", login->words.must_enrol},
                     {"codes_left", login->words.codes_left}};
  End(login);
  Reply(login, [body] { return sparekey::Reply(200, body); });
}

void Logins::Fail(const LoginPtr& login, const Error& error) {
  Log(LogLevel::kWarning, fmt::format("login account={} door={} could not be decided: {}",
                                      LogField(login->opening.account),
                                      ToString(login->opening.door), EscapeForLog(error.message)));
  if (login->opening.first_factor) backend_.ReportDamage(login->opening.account, error);
  End(login);
  Reply(login, [error] { return Problem(error); });
}

void Logins::End(const LoginPtr& login) {
  login->stage = Login::Stage::kOver;
  login->codes.clear();
  over_.push_back(login->id);
}

void Logins::Reply(const LoginPtr& login, std::function<HttpResponse()> make) {
  login->last = std::move(make);
  for (Respond& respond : std::exchange(login->waiting, {})) respond(login->last());
}

}  // namespace sparekey
