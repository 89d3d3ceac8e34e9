// SPDX-License-Identifier: Apache-2.0
#include "service/enrolment.h"

#include <utility>

#include "core/base32.h"
#include "core/otp.h"
#include "core/otpauth.h"
#include "core/random.h"
#include "service/account_step.h"
#include "service/json.h"

namespace sparekey {
namespace {

constexpr std::size_t kSecretBytes = 20;  // 160 bits, as RFC 4226 section 4 recommends

// The policy with what the request wishes otherwise, in the ranges of the settings.
Result<Policy> ApplyWishes(const Json& object, Policy policy) {
  for (const char* name : {"type", "algorithm"}) {
    const auto text = TextField(object, name);
    if (!text) return text.error();
    if (!*text) continue;
    const Status set = SetSetting(policy, std::string("otp.") + name, **text);
    if (!set) return set.error();
  }
  for (const char* name : {"digits", "interval"}) {
    const auto number = NumberField(object, name);
    if (!number) return number.error();
    if (!*number) continue;
    const Status set = SetSetting(policy, std::string("otp.") + name, std::to_string(**number));
    if (!set) return set.error();
  }
  if (const Status checked = CheckPolicy(policy); !checked) return checked.error();
  return policy;
}

Result<SecretBytes> TakeSecret(Json& object) {
  auto text = TextField(object, "secret", 512);
  if (!text) return text.error();
  if (!*text) {
    SecretBytes secret(kSecretBytes);
    FillRandom(secret.Expose());
    return secret;
  }
  auto secret = DecodeBase32(**text);
  Wipe(std::span<char>(**text));
  WipeTexts(object["secret"]);
  if (!secret || secret->size() < 16 || secret->size() > 64) {
    return Invalid("\"secret\" must be base32 of 16 to 64 bytes");
  }
  return std::move(*secret);
}

Result<Authenticator> MakeAuthenticator(Json& object, const Policy& policy, TimePoint now) {
  const auto wishes = ApplyWishes(object, policy);
  if (!wishes) return wishes.error();
  const auto label = TextField(object, "label");
  if (!label) return label.error();
  Authenticator authenticator;
  authenticator.label = label->value_or("authenticator");
  if (!IsLabel(authenticator.label)) {
    return Invalid("\"label\" must be 1 to 64 bytes without control characters and ':'");
  }
  auto secret = TakeSecret(object);
  if (!secret) return secret.error();
  authenticator.secret = std::move(*secret);
  authenticator.type = wishes->otp_type;
  authenticator.algorithm = wishes->otp_algorithm;
  authenticator.digits = wishes->otp_digits;
  authenticator.interval = wishes->otp_interval;
  authenticator.created = now;
  return authenticator;
}

Json CodesJson(const std::vector<BackupCode>& codes) {
  Json list = Json::array();
  for (const BackupCode& code : codes) {
    list.push_back(std::string(FormatBackupCode(code).ExposeText()));
  }
  return list;
}

constexpr char kWrongCode[] =
    "that code is wrong; check that the phone sets its time automatically";

// A wrong code is a verdict: told apart from what is not allowed by its own code.
HttpResponse Refusal(const Error& error) {
  if (error.message != kWrongCode) return Problem(error);
  HttpResponse response = Reply(403, {{"type", "about:blank"},
                                      {"title", "Wrong code"},
                                      {"status", 403},
                                      {"detail", kWrongCode},
                                      {"code", "wrong_code"}});
  response.content_type = "application/problem+json";
  return response;
}

// Proves the pending authenticator: it becomes the account's, its step is spent.
Status Prove(Account& account, const Policy& policy, const SecretBytes& code, const Clock& clock) {
  if (!account.pending) {
    return Error{ErrorCode::kConflict, "no enrolment of \"" + account.name + "\" is pending"};
  }
  if (clock.now - account.pending->since > kPendingLifetime) {
    return Error{ErrorCode::kConflict,
                 "the enrolment was begun more than 24 hours ago; begin it again"};
  }
  Authenticator& authenticator = account.pending->authenticator;
  if (!IsClockUsable(authenticator, clock.now, clock.built, policy.otp_window)) {
    return Error{ErrorCode::kClock, "system clock wrong: one-time codes cannot be checked"};
  }
  const OtpMatch match = MatchOtp(authenticator, code.ExposeText(), clock.now, policy.otp_window);
  if (!match.fresh) return Error{ErrorCode::kNotAllowed, kWrongCode};
  authenticator.mark = *match.fresh;
  account.authenticators.push_back(std::move(authenticator));
  account.sheet = std::move(account.pending->sheet);
  account.pending.reset();
  account.must_enrol = false;
  return Ok();
}

}  // namespace

struct Enrolments::Beginning {
  Identity identity;
  Json request;
  bool confirm = true;
  Policy policy;
  Authenticator authenticator;
  TimePoint now;

  // The record after this enrolment has begun, or why it can't.
  Result<Changes> Install(Records& records, const Sheet& sheet) const;
  Json Describe(const std::string& host) const;
};

Result<Changes> Enrolments::Beginning::Install(Records& records, const Sheet& sheet) const {
  LoadedAccount& loaded = records.accounts[0];
  Changes changes{{0}, false, false, {}};
  if (records.accounts.size() > 1) {
    auto& holder = records.accounts[1].account;
    if (!holder) return NoSuchAccount(*loaded.uid_taken);
    const Status free = RefuseWhileSuperLocked(records.system, &*holder);
    if (!free) return free.error();
    GiveUpUid(*holder, identity.name, now, changes.events);
    changes.accounts.push_back(1);
  }
  const Status open =
      RefuseWhileSuperLocked(records.system, loaded.account ? &*loaded.account : nullptr);
  if (!open) return open.error();
  if (!loaded.account) loaded.account.emplace();
  Account& account = *loaded.account;
  if (identity.uid != kNoUid && account.uid != identity.uid) account.authenticators.clear();
  if (account.enrolment() == Enrolment::kActive) {
    return Error{ErrorCode::kConflict, "\"" + identity.name +
                                           "\" is enrolled already; remove it first with: "
                                           "sparekey user remove " +
                                           identity.name};
  }
  account.name = identity.name;
  account.uid = identity.uid;
  const auto subject = MakeSubject(records.policy, {}, std::optional<Identity>(identity));
  account.administrator = subject && subject->administrator;
  account.pending = PendingEnrolment{authenticator.Clone(), sheet, now, false};
  account.pending->sheet->number = ++account.sheets_issued;
  changes.events.push_back(
      MakeEvent(EventKind::kEnrolmentBegun, account, authenticator.label, now));
  if (confirm) return changes;
  account.authenticators.push_back(std::move(account.pending->authenticator));
  account.sheet = std::move(account.pending->sheet);
  account.pending.reset();
  account.must_enrol = false;
  changes.events.push_back(
      MakeEvent(EventKind::kEnrolmentFinished, account, "without a proof", now));
  return changes;
}

Json Enrolments::Beginning::Describe(const std::string& host) const {
  const std::string& issuer = policy.otp_issuer.empty() ? host : policy.otp_issuer;
  const SecretBytes uri = FormatOtpauth(authenticator, issuer, identity.name);
  const SecretBytes secret = EncodeBase32(authenticator.secret.Expose());
  return {{"account", identity.name},
          {"label", authenticator.label},
          {"type", ToString(authenticator.type)},
          {"digits", authenticator.digits},
          {"interval", authenticator.interval.count()},
          {"algorithm", ToString(authenticator.algorithm)},
          {"secret", std::string(secret.ExposeText())},
          {"uri", std::string(uri.ExposeText())},
          {"issued", FormatTime(now)},
          {"required", policy.codes_required},
          {"host", host},
          {"enrolment", confirm ? "pending" : "active"}};
}

void Enrolments::Begin(const std::string& name, const HttpRequest& request, Respond respond) const {
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  const auto confirm = BoolField(*object, "confirm");
  if (!confirm) return respond(Problem(confirm.error()));
  auto beginning = std::make_shared<Beginning>();
  beginning->request = std::move(*object);
  beginning->confirm = confirm->value_or(true);
  beginning->now = backend_.clock();

  auto commit = [this, beginning](Store& store, const NewSheet& made) {
    std::uint32_t number = 0;
    const AccountKey key{beginning->identity.name, beginning->identity.uid};
    auto keys = KeysWithHolder(store, key);
    if (!keys) return Problem(keys.error());
    const Status status = RunStep(store, std::move(*keys), [&](Records& records) {
      auto changes = beginning->Install(records, made.sheet);
      if (changes) number = records.accounts[0].account->sheets_issued;
      return changes;
    });
    if (!status) return Problem(status.error());
    Json body = beginning->Describe(backend_.host);
    body["backup_codes"] = CodesJson(made.codes);
    body["sheet"] = number;
    return SecretReply(201, std::move(body));
  };
  auto prepare = [this, beginning, respond, commit](Store& store) {
    auto status = std::make_shared<Status>(
        RunStep(store, {{beginning->identity.name, std::nullopt}},
                [&](Records& records) -> Result<Changes> {
                  auto made = MakeAuthenticator(beginning->request, records.policy, beginning->now);
                  if (!made) return made.error();
                  beginning->policy = records.policy;
                  beginning->authenticator = std::move(*made);
                  return Changes{};
                }));
    backend_.post([this, beginning, respond, commit, status] {
      if (!*status) return respond(Problem(status->error()));
      MakeSheetThen(beginning->policy.codes_count, respond, commit);
    });
  };
  backend_.directory.Lookup(name, [this, name, beginning, respond, prepare](auto identity) {
    if (!identity) return respond(Problem(identity.error()));
    if (!*identity) return respond(Problem(NoSuchAccount(name)));
    if (!(*identity)->groups_complete) {
      return respond(Problem(
          {ErrorCode::kUnavailable, "the user directory does not know all groups just now"}));
    }
    beginning->identity = **identity;
    backend_.decider.Read(prepare);
  });
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
    const Status status = ChangeAccount(
        store, name,
        [&](const Records& records, Account& account, std::vector<Event>& events) -> Status {
          const Status proven = Prove(account, records.policy, *code, clock);
          if (!proven) return proven.error();
          events.push_back(MakeEvent(EventKind::kEnrolmentFinished, account, "", clock.now));
          return Ok();
        });
    if (!status) return Refusal(status.error());
    return Reply(200, {{"account", name}, {"enrolment", "active"}});
  };
  backend_.OnStore(std::move(confirm), std::move(respond));
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
