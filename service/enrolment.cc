// SPDX-License-Identifier: Apache-2.0
#include "service/enrolment.h"

#include <utility>

#include "core/random.h"
#include "service/account_step.h"
#include "service/first_authenticator.h"

namespace sparekey {
namespace {

Json CodesJson(const std::vector<BackupCode>& codes) {
  Json list = Json::array();
  for (const BackupCode& code : codes) {
    list.push_back(std::string(FormatBackupCode(code).ExposeText()));
  }
  return list;
}

}  // namespace

struct Enrolments::Beginning {
  std::optional<uid_t> owner;  // who asks, where it is not root
  Json request;
  Policy policy;
  FirstAuthenticator first;

  // The record after this enrolment has begun, or why it can't.
  Result<Changes> Install(Records& records, const Sheet& sheet) const;
  Status CheckOwner(const Records& records) const;
};

// Once more what let the owner in: the record may have changed since.
Status Enrolments::Beginning::CheckOwner(const Records& records) const {
  if (!owner) return Ok();
  const LoadedAccount& loaded = records.accounts[0];
  const auto subject = MakeSubject(records.policy, loaded, std::optional<Identity>(first.identity));
  if (!subject) return subject.error();
  const auto [admission, reason] =
      AdmitOwner(loaded.account ? &*loaded.account : nullptr, records.system, *subject);
  const bool free = admission != Admission::kDecided || reason == Reason::kNotRequired;
  if (free && *owner == first.identity.uid && records.accounts.size() == 1) return Ok();
  return Error{ErrorCode::kNotAllowed, "only root may enrol \"" + first.identity.name + "\" now"};
}

Result<Changes> Enrolments::Beginning::Install(Records& records, const Sheet& sheet) const {
  if (const Status allowed = CheckOwner(records); !allowed) return allowed.error();
  return InstallFirst(records, first, sheet);
}

void Enrolments::Begin(const std::string& name, const HttpRequest& request, Respond respond) const {
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  auto beginning = std::make_shared<Beginning>();
  beginning->request = std::move(*object);
  beginning->first.now = backend_.clock();
  if (!backend_.IsRoot(request.peer.uid)) beginning->owner = request.peer.uid;

  auto commit = [this, beginning](Store& store, const NewSheet& made) {
    std::uint32_t number = 0;
    const AccountKey key{beginning->first.identity.name, beginning->first.identity.uid};
    auto keys = KeysWithHolder(store, key);
    if (!keys) return Problem(keys.error());
    const Status status = RunStep(store, std::move(*keys), [&](Records& records) {
      auto changes = beginning->Install(records, made.sheet);
      if (changes) number = records.accounts[0].account->sheets_issued;
      return changes;
    });
    if (!status) return Problem(status.error());
    Json body = DescribeNew(beginning->first.identity.name, beginning->first.made,
                            beginning->policy, backend_.host);
    body["issued"] = FormatTime(beginning->first.now);
    body["required"] = beginning->policy.codes_required;
    body["host"] = backend_.host;
    body["backup_codes"] = CodesJson(made.codes);
    body["sheet"] = number;
    return SecretReply(201, std::move(body));
  };
  auto prepare = [this, beginning, respond, commit](Store& store) {
    auto status = std::make_shared<Status>(RunStep(
        store, {{beginning->first.identity.name, std::nullopt}},
        [&](Records& records) -> Result<Changes> {
          auto made = MakeAuthenticator(beginning->request, records.policy, beginning->first.now);
          if (!made) return made.error();
          beginning->policy = records.policy;
          beginning->first.made = std::move(*made);
          const Status allowed = CheckOwnersWishes(beginning->owner.has_value(),
                                                   beginning->first.made, records.policy);
          if (!allowed) return allowed.error();
          return Changes{};
        }));
    backend_.post([this, beginning, respond, commit, status] {
      if (!*status) return respond(Problem(status->error()));
      MakeSheetThen(beginning->policy.codes_count, respond, commit);
    });
  };
  auto go_on = [this, beginning, respond, prepare](Result<Identity> identity) {
    if (!identity) return respond(Problem(identity.error()));
    beginning->first.identity = std::move(*identity);
    backend_.decider.Read(prepare);
  };
  IdentifyForEnrolment(backend_, backend_.DirectoryFor(request.peer), name, go_on);
}

void Enrolments::MakeSheetThen(
    int count, Respond respond,
    std::function<HttpResponse(Store& store, const NewSheet& sheet)> commit) const {
  auto hash = [this, count, respond, commit = std::move(commit), now = backend_.clock()] {
    auto made =
        std::make_shared<Result<NewSheet>>(MakeSheet(0, count, now, backend_.code_key, FillRandom));
    backend_.post([this, made, commit, respond] {
      if (!*made) return respond(Problem(made->error()));
      backend_.OnStore([made, commit](Store& store) { return commit(store, **made); }, respond);
    });
  };
  if (!backend_.hashes.Submit(std::move(hash))) {
    respond(Problem({ErrorCode::kBusy, "too many sheets are being made; try again in a moment"}));
  }
}

void Enrolments::Confirm(const std::string& name, const HttpRequest& request,
                         Respond respond) const {
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  auto text = TextField(*object, "code");
  WipeTexts(*object);
  if (!text) return respond(Problem(text.error()));
  if (!*text) return respond(Problem(Invalid("\"code\" is missing")));
  auto code = std::make_shared<SecretBytes>(**text);
  Wipe(std::span<char>(**text));
  auto confirm = [name, code, clock = backend_.Now()](Store& store) {
    std::string label;
    const Status status = ChangeAccount(
        store, name,
        [&](const Records& records, Account& account, std::vector<Event>& events) -> Status {
          if (account.pending) label = account.pending->authenticator.label;
          return ProvePending(account, records.policy, *code, clock, events);
        });
    if (!status && status.error().message == kWrongCode) return WrongCode(kWrongCode);
    if (!status) return Problem(status.error());
    return Reply(200, {{"account", name}, {"label", label}, {"enrolment", "active"}});
  };
  backend_.OnStore(std::move(confirm), std::move(respond));
}

namespace {

constexpr std::size_t kMostEndedAtOnce = 100;  // logins wait meanwhile

// The record without what was begun and never confirmed.
Work EndingOf(const std::string& name, TimePoint now) {
  auto step = [now](Records& records) -> Result<Changes> {
    auto& account = records.accounts[0].account;
    if (!account || !account->pending || !account->pending->IsOver(now)) return Changes{};
    account->pending.reset();
    const auto event =
        MakeEvent(EventKind::kEnrolmentRemoved, *account, "not confirmed within 24 hours", now);
    return Changes{{0}, false, false, {event}};
  };
  return {{{name, std::nullopt}}, step, Ok()};
}

}  // namespace

void Enrolments::EndExpired(const std::string& after) const {
  backend_.decider.Read([this, after, now = backend_.clock()](Store& store) {
    const auto names = store.ListPending(after, kMostEndedAtOnce);
    if (!names || names->empty()) return;
    std::vector<Work> works;
    for (const std::string& name : *names) works.push_back(EndingOf(name, now));
    store.Run(works);
    backend_.post([this, last = names->back()] { EndExpired(last); });
  });
}

void Enrolments::ReplaceSheet(const std::string& name, Respond respond) const {
  auto policy = std::make_shared<Policy>();
  auto commit = [this, name, policy](Store& store, const NewSheet& made) {
    std::uint32_t number = 0;
    const TimePoint now = made.sheet.issued;
    const Status status = ChangeAccount(
        store, name, [&](const Records&, Account& account, std::vector<Event>& events) -> Status {
          if (account.enrolment() != Enrolment::kActive) return NotEnrolled(name);
          account.sheet = made.sheet;
          account.sheet->number = number = ++account.sheets_issued;
          events.push_back(MakeEvent(EventKind::kSheetReplaced, account,
                                     "sheet " + std::to_string(number), now));
          return Ok();
        });
    if (!status) return Problem(status.error());
    return SecretReply(201, {{"account", name},
                             {"backup_codes", CodesJson(made.codes)},
                             {"sheet", number},
                             {"issued", FormatTime(now)},
                             {"required", policy->codes_required},
                             {"host", backend_.host}});
  };
  backend_.decider.Read([this, policy, name, commit, respond](Store& store) {
    auto status = std::make_shared<Status>(
        ReadRecords(store, {}, [&](const Records& records) { *policy = records.policy; }));
    backend_.post([this, policy, commit, respond, status] {
      if (!*status) return respond(Problem(status->error()));
      MakeSheetThen(policy->codes_count, respond, commit);
    });
  });
}

}  // namespace sparekey
