// SPDX-License-Identifier: Apache-2.0
#include "service/authenticators.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/otp.h"
#include "lockout/transitions.h"
#include "service/account_step.h"
#include "service/json.h"
#include "service/new_authenticator.h"

namespace sparekey {
namespace {

constexpr char kWrongPair[] =
    "these are not two consecutive codes of a hotp authenticator of this account, or they lie too "
    "far ahead; nothing was changed";

Error NoSuchLabel(const Account& account, const std::string& label) {
  return {ErrorCode::kNotFound, "\"" + account.name + "\" has no authenticator \"" + label +
                                    "\"; see them with: sparekey authenticator list " +
                                    account.name};
}

// Whether one of this label may be added to the account, or renewed in it.
Status CheckPlace(Account& account, const std::string& label, bool renews) {
  if (account.enrolment() != Enrolment::kActive) return NotEnrolled(account.name);
  const bool known = account.FindAuthenticator(label) != nullptr;
  if (renews) return known ? Ok() : Status(NoSuchLabel(account, label));
  if (known) {
    return Error{ErrorCode::kConflict, "\"" + account.name + "\" has an authenticator \"" + label +
                                           "\" already; renew it, or choose another label"};
  }
  if (account.authenticators.size() < kMaxAuthenticators) return Ok();
  return Error{ErrorCode::kConflict, "\"" + account.name + "\" has " +
                                         std::to_string(kMaxAuthenticators) +
                                         " authenticators, which is the most; remove one first"};
}

HttpResponse BeginOn(Store& store, const std::string& name, Json& wishes, bool renews,
                     bool by_owner, const std::string& host, TimePoint now) {
  Result<NewAuthenticator> made = Invalid("");
  Policy policy;
  const Status read = ReadRecords(store, {}, [&](const Records& records) {
    policy = records.policy;
    made = MakeAuthenticator(wishes, policy, now);
  });
  if (!read) return Problem(read.error());
  if (!made) return Problem(made.error());
  const Status allowed = CheckOwnersWishes(by_owner, *made, policy);
  if (!allowed) return Problem(allowed.error());
  const Status begun = ChangeAccount(
      store, name, [&](const Records&, Account& account, std::vector<Event>& events) -> Status {
        const Status place = CheckPlace(account, made->authenticator.label, renews);
        if (place) InstallNew(account, *made, std::nullopt, renews, now, events);
        return place;
      });
  if (!begun) return Problem(begun.error());
  Json body = DescribeNew(name, *made, policy, host);
  body["renews"] = renews;
  return SecretReply(201, std::move(body));
}

Status RemoveFrom(Account& account, const std::string& label, TimePoint now,
                  std::vector<Event>& events) {
  if (account.enrolment() != Enrolment::kActive) return NotEnrolled(account.name);
  const Authenticator* found = account.FindAuthenticator(label);
  if (!found) return NoSuchLabel(account, label);
  if (account.authenticators.size() == 1) {
    return Error{ErrorCode::kConflict,
                 "\"" + label +
                     "\" is the only authenticator; take two-factor logins from the "
                     "account with: sparekey user remove " +
                     account.name};
  }
  account.authenticators.erase(account.authenticators.begin() +
                               (found - account.authenticators.data()));
  if (account.pending && account.pending->authenticator.label == label) account.pending.reset();
  events.push_back(MakeEvent(EventKind::kAuthenticatorRemoved, account, label, now));
  return Ok();
}

using CodePair = std::array<SecretBytes, 2>;

Result<CodePair> TakePair(Json& object) {
  CodePair pair;
  constexpr std::array<const char*, 2> kNames{"first", "second"};
  for (std::size_t i = 0; i < pair.size(); ++i) {
    auto text = TextField(object, kNames[i], 64);
    if (!text) return text.error();
    if (!*text) return Invalid(std::string("\"") + kNames[i] + "\" is missing");
    pair[i] = SecretBytes(**text);
    Wipe(std::span<char>(**text));
  }
  WipeTexts(object);
  return pair;
}

// The label of the authenticator whose counter was moved on.
Result<std::string> MoveCounter(Account& account, const CodePair& codes, TimePoint now,
                                std::vector<Event>& events) {
  const auto is_hotp = [](const Authenticator& one) { return one.type == OtpType::kHotp; };
  if (std::none_of(account.authenticators.begin(), account.authenticators.end(), is_hotp)) {
    return Error{ErrorCode::kConflict,
                 "\"" + account.name + "\" has no hotp authenticator; totp goes by the clock"};
  }
  for (Authenticator& one : account.authenticators) {
    const auto step = FindConsecutive(one, codes[0].ExposeText(), codes[1].ExposeText());
    if (!step) continue;
    SpendStep(account, one, *step);
    events.push_back(MakeEvent(EventKind::kResynchronised, account, one.label, now));
    return one.label;
  }
  return Error{ErrorCode::kNotAllowed, kWrongPair};
}

HttpResponse ResyncOn(Store& store, const std::string& name, const CodePair& codes, TimePoint now) {
  std::string label;
  const Status moved = ChangeAccount(
      store, name, [&](const Records&, Account& account, std::vector<Event>& events) -> Status {
        auto found = MoveCounter(account, codes, now, events);
        if (!found) return found.error();
        label = std::move(*found);
        return Ok();
      });
  if (!moved && moved.error().message == kWrongPair) return WrongCode(kWrongPair);
  if (!moved) return Problem(moved.error());
  return Reply(200, {{"account", name}, {"label", label}});
}

}  // namespace

void Authenticators::List(const std::string& name, Respond respond) const {
  auto list = [name, now = backend_.clock()](Store& store) {
    HttpResponse response = Problem(NotEnrolled(name));
    const Status read = ReadRecords(store, {{name, std::nullopt}}, [&](const Records& records) {
      const auto& account = records.accounts[0].account;
      if (!account) return;
      const Json shown = ToJson(*account, records.policy, now);
      response = Reply(200, {{"account", name},
                             {"authenticators", shown["authenticators"]},
                             {"pending", shown["pending"]}});
    });
    return read ? std::move(response) : Problem(read.error());
  };
  backend_.OnStore(std::move(list), std::move(respond));
}

void Authenticators::Add(const std::string& name, const HttpRequest& request,
                         Respond respond) const {
  Begin(name, std::nullopt, request, std::move(respond));
}

void Authenticators::Renew(const std::string& name, const std::string& label,
                           const HttpRequest& request, Respond respond) const {
  Begin(name, label, request, std::move(respond));
}

void Authenticators::Begin(const std::string& name, const std::optional<std::string>& renewed,
                           const HttpRequest& request, Respond respond) const {
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  if (renewed) (*object)["label"] = *renewed;
  if (!object->contains("label")) return respond(Problem(Invalid("\"label\" is missing")));
  auto wishes = std::make_shared<Json>(std::move(*object));
  auto begin = [name, wishes, renews = renewed.has_value(),
                by_owner = !backend_.IsRoot(request.peer.uid), host = backend_.host,
                now = backend_.clock()](Store& store) {
    return BeginOn(store, name, *wishes, renews, by_owner, host, now);
  };
  backend_.OnStore(std::move(begin), std::move(respond));
}

void Authenticators::Remove(const std::string& name, const std::string& label,
                            Respond respond) const {
  auto remove = [name, label, now = backend_.clock()](Store& store) {
    const Status removed = ChangeAccount(
        store, name, [&](const Records&, Account& account, std::vector<Event>& events) {
          return RemoveFrom(account, label, now, events);
        });
    return removed ? HttpResponse{204, {}, ""} : Problem(removed.error());
  };
  backend_.OnStore(std::move(remove), std::move(respond));
}

void Authenticators::Resync(const std::string& name, const HttpRequest& request,
                            Respond respond) const {
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  auto taken = TakePair(*object);
  if (!taken) return respond(Problem(taken.error()));
  auto codes = std::make_shared<CodePair>(std::move(*taken));
  auto resync = [name, codes, now = backend_.clock()](Store& store) {
    return ResyncOn(store, name, *codes, now);
  };
  backend_.OnStore(std::move(resync), std::move(respond));
}

}  // namespace sparekey
