// SPDX-License-Identifier: Apache-2.0
#include "service/new_authenticator.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base32.h"
#include "core/new_secret.h"
#include "core/otp.h"
#include "core/otpauth.h"
#include "core/random.h"
#include "lockout/transitions.h"
#include "service/account_step.h"

namespace sparekey {
namespace {

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
    if (policy.otp_type == OtpType::kHotp && std::string_view(name) == "interval") {
      return Invalid("\"interval\" is for totp; hotp counts");
    }
    const Status set = SetSetting(policy, std::string("otp.") + name, std::to_string(**number));
    if (!set) return set.error();
  }
  if (const Status checked = CheckPolicy(policy); !checked) return checked.error();
  return policy;
}

Result<SecretBytes> TakeSecret(Json& object, HashAlgorithm algorithm) {
  auto text = TextField(object, "secret", 512);
  if (!text) return text.error();
  if (!*text) return MakeSecret(algorithm, FillRandom);
  auto secret = DecodeBase32(**text);
  Wipe(std::span<char>(**text));
  WipeTexts(object["secret"]);
  if (!secret || secret->size() < 16 || secret->size() > 64) {
    return Invalid("\"secret\" must be base32 of 16 to 64 bytes");
  }
  return std::move(*secret);
}

// The mark of an authenticator whose next counter is given.
Result<std::int64_t> ReadMark(const Json& object, OtpType type) {
  const auto counter = NumberField(object, "counter");
  if (!counter) return counter.error();
  if (!*counter) return -1;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 2;
  if (type != OtpType::kHotp) return Invalid("\"counter\" is for hotp; totp goes by the clock");
  if (**counter < 0 || **counter > kMost) {
    return Invalid("\"counter\" must be 0.." + std::to_string(kMost));
  }
  return **counter - 1;
}

// The proven authenticator takes its place among the account's.
void Activate(Account& account, PendingEnrolment pending, TimePoint now,
              std::vector<Event>& events) {
  Authenticator& proven = pending.authenticator;
  const bool first = account.authenticators.empty();
  const std::string label = proven.label;
  Authenticator* old = pending.renews ? account.FindAuthenticator(label) : nullptr;
  if (old) {
    *old = std::move(proven);
  } else {
    account.authenticators.push_back(std::move(proven));
  }
  if (pending.sheet) account.sheet = std::move(pending.sheet);
  account.must_enrol = false;
  const EventKind kind = first ? EventKind::kEnrolmentFinished
                         : old ? EventKind::kAuthenticatorRenewed
                               : EventKind::kAuthenticatorAdded;
  events.push_back(MakeEvent(kind, account, label, now));
}

}  // namespace

Result<NewAuthenticator> MakeAuthenticator(Json& object, const Policy& policy, TimePoint now) {
  const auto wishes = ApplyWishes(object, policy);
  if (!wishes) return wishes.error();
  const auto label = TextField(object, "label");
  if (!label) return label.error();
  const auto confirm = BoolField(object, "confirm");
  if (!confirm) return confirm.error();
  NewAuthenticator made;
  made.confirm = confirm->value_or(true);
  Authenticator& authenticator = made.authenticator;
  authenticator.label = label->value_or("authenticator");
  if (!IsNewLabel(authenticator.label)) {
    return Invalid("\"label\" must be 1 to 64 bytes without control characters, ':' and '/'");
  }
  const auto mark = ReadMark(object, wishes->otp_type);
  if (!mark) return mark.error();
  auto secret = TakeSecret(object, wishes->otp_algorithm);
  if (!secret) return secret.error();
  authenticator.secret = std::move(*secret);
  authenticator.mark = *mark;
  authenticator.type = wishes->otp_type;
  authenticator.algorithm = wishes->otp_algorithm;
  authenticator.digits = wishes->otp_digits;
  authenticator.interval = wishes->otp_interval;
  authenticator.created = now;
  return made;
}

Status CheckOwnersWishes(bool by_owner, const NewAuthenticator& made, const Policy& policy) {
  if (!by_owner) return Ok();
  if (!made.confirm) {
    return Error{ErrorCode::kNotAllowed, "only root may do without a code that proves it"};
  }
  const Authenticator& one = made.authenticator;
  if (one.type == policy.otp_type && one.digits == policy.otp_digits &&
      one.interval == policy.otp_interval && one.algorithm == policy.otp_algorithm) {
    return Ok();
  }
  return Error{ErrorCode::kNotAllowed,
               "only root may choose type, digits, interval and algorithm; leave them to the "
               "settings"};
}

Json DescribeNew(const std::string& account, const NewAuthenticator& made, const Policy& policy,
                 const std::string& host) {
  const Authenticator& authenticator = made.authenticator;
  const std::string& issuer = policy.otp_issuer.empty() ? host : policy.otp_issuer;
  const SecretBytes uri = FormatOtpauth(authenticator, issuer, account);
  const SecretBytes secret = EncodeBase32(authenticator.secret.Expose());
  return {{"account", account},
          {"label", authenticator.label},
          {"type", ToString(authenticator.type)},
          {"digits", authenticator.digits},
          {"interval", authenticator.interval.count()},
          {"algorithm", ToString(authenticator.algorithm)},
          {"secret", std::string(secret.ExposeText())},
          {"uri", std::string(uri.ExposeText())},
          {"enrolment", made.confirm ? "pending" : "active"}};
}

void InstallNew(Account& account, const NewAuthenticator& made, std::optional<Sheet> sheet,
                bool renews, TimePoint now, std::vector<Event>& events) {
  PendingEnrolment pending{made.authenticator.Clone(), std::move(sheet), now, renews};
  events.push_back(
      MakeEvent(EventKind::kEnrolmentBegun, account, pending.authenticator.label, now));
  account.pending.reset();
  if (made.confirm) {
    account.pending = std::move(pending);
    return;
  }
  pending.authenticator.mark = LastSpentStep(account, pending.authenticator);
  SpendStep(account, pending.authenticator, pending.authenticator.mark);
  Activate(account, std::move(pending), now, events);
  events.back().detail += ", without a proof";
}

Status ProvePending(Account& account, const Policy& policy, const SecretBytes& code,
                    const Clock& clock, std::vector<Event>& events) {
  if (!account.pending) {
    return Error{ErrorCode::kConflict, "no enrolment of \"" + account.name + "\" is pending"};
  }
  if (account.pending->IsOver(clock.now)) {
    return Error{ErrorCode::kConflict, "it was begun more than 24 hours ago; begin it again"};
  }
  Authenticator& authenticator = account.pending->authenticator;
  authenticator.mark = LastSpentStep(account, authenticator);
  // An imported HOTP counter is above what others of this secret have spent.
  SpendStep(account, authenticator, authenticator.mark);
  if (!IsClockUsable(authenticator, clock.now, clock.built, policy.otp_window)) {
    return Error{ErrorCode::kClock, "system clock wrong: one-time codes cannot be checked"};
  }
  const OtpMatch match = MatchOtp(authenticator, code.ExposeText(), clock.now, policy.otp_window);
  if (!match.fresh) return Error{ErrorCode::kNotAllowed, kWrongCode};
  authenticator.mark = *match.fresh;
  SpendStep(account, authenticator, *match.fresh);
  PendingEnrolment proven = std::move(*account.pending);
  account.pending.reset();
  Activate(account, std::move(proven), clock.now, events);
  return Ok();
}

HttpResponse WrongCode(const char* words) {
  HttpResponse response = Reply(403, {{"type", "about:blank"},
                                      {"title", "Wrong code"},
                                      {"status", 403},
                                      {"detail", words},
                                      {"code", "wrong_code"}});
  response.content_type = "application/problem+json";
  return response;
}

}  // namespace sparekey
