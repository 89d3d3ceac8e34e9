// SPDX-License-Identifier: Apache-2.0
#include "tests/lockout/exhaustive/small_world.h"

#include <stdexcept>
#include <string_view>

#include "core/otp.h"
#include "lockout/transitions.h"

namespace sparekey::testing {
namespace {

constexpr std::chrono::seconds kInterval{30};
constexpr std::int64_t kBuildStep = 59'783'040;  // 2026-11-01
constexpr char kReason[] = "closed by an administrator";

std::int64_t AbsoluteStep(OtpType type, int step) {
  return type == OtpType::kTotp && step >= 0 ? kBuildStep + step : step;
}

void Put(std::string& bytes, std::int64_t number) {
  bytes += static_cast<char>(number + 2);
  if (number < -2 || number > 100) throw std::logic_error("a number too large for the books");
}

void PutAuthenticator(std::string& bytes, const Authenticator& one) {
  bytes += static_cast<char>(one.secret.Expose()[0]);
  bytes += static_cast<char>('0' + one.digits);
  const bool counts_from_build = one.type == OtpType::kTotp && one.mark >= 0;
  Put(bytes, counts_from_build ? one.mark - kBuildStep : one.mark);
}

void PutSheet(std::string& bytes, const Sheet& sheet) {
  Put(bytes, sheet.number);
  for (const BackupCodeRecord& code : sheet.codes) bytes += code.spent ? '+' : '-';
  for (const std::uint8_t place : sheet.last_spent) Put(bytes, place);
}

std::string EncodeAccount(const Account& account) {
  std::string bytes;
  for (const Authenticator& one : account.authenticators) PutAuthenticator(bytes, one);
  bytes += '/';
  if (account.pending) bytes += 'p';
  if (account.sheet) PutSheet(bytes, *account.sheet);
  bytes += '/';
  Put(bytes, account.sheets_issued);
  Put(bytes, account.otp_failures);
  Put(bytes, account.otp_budget_spent);
  Put(bytes, account.recovery_failures);
  bytes += account.must_enrol ? 'm' : '-';
  bytes += account.locked ? 'l' : '-';
  bytes += account.super_locked ? 's' : '-';
  bytes += account.gate ? 'g' : '-';
  bytes += account.containment ? 'c' : '-';
  return bytes;
}

Sheet MakeSheet(int number, int size) {
  Sheet sheet;
  sheet.number = static_cast<std::uint32_t>(number);
  sheet.codes.resize(static_cast<std::size_t>(size));
  return sheet;
}

}  // namespace

World World::Clone() const { return {{accounts[kAda].Clone(), accounts[kBob].Clone()}, system}; }

WorldBytes World::Encode() const {
  std::string of_system = system.gate ? "g" : "-";
  of_system += system.containment ? 'c' : '-';
  if (system.super_locked) {
    of_system += 's';
    for (const std::string& cause : system.super_locked->causes) of_system += cause;
  }
  return {{EncodeAccount(accounts[kAda]), EncodeAccount(accounts[kBob])}, of_system};
}

SmallWorld::SmallWorld(const Scene& scene) : scene_(scene) {
  for (int i = 0; i < kSecrets; ++i) {
    secrets_[i] = SecretBytes(std::string(1, static_cast<char>('A' + i)) + "234567890123456789");
  }
  // Digits that no secret makes at any step that a clock of this world is near.
  for (int number = 100'000; wrong_.empty(); ++number) {
    wrong_ = std::to_string(number);
    for (int secret = 0; secret < kSecrets; ++secret) {
      for (int step = 0; step < 40; ++step) {
        for (const std::int64_t real : {std::int64_t{step}, kBuildStep + step - 10}) {
          const SecretBytes code = ComputeOtp(HashAlgorithm::kSha1, secrets_[secret],
                                              static_cast<std::uint64_t>(real), 6);
          if (code.ExposeText() == wrong_) wrong_.clear();
        }
      }
    }
  }
}

Authenticator SmallWorld::Make(const AuthenticatorEntry& entry) const {
  Authenticator authenticator;
  authenticator.label = std::to_string(entry.secret) + "." + std::to_string(entry.digits);
  authenticator.type = entry.type;
  authenticator.digits = entry.digits;
  authenticator.interval = kInterval;
  authenticator.secret = secrets_[entry.secret].Clone();
  return authenticator;
}

World SmallWorld::Begin() const {
  World world;
  for (std::size_t who = 0; who < kAccounts; ++who) {
    Account& account = world.accounts[who];
    account.name = who == kAda ? "ada" : "bob";
    account.uid = 1000 + static_cast<uid_t>(who);
    for (const auto& entry : scene_.enrolled) account.authenticators.push_back(Make(entry));
    if (scene_.sheet_size == 0) continue;
    account.sheet = MakeSheet(1, scene_.sheet_size);
    account.sheets_issued = 1;
  }
  return world;
}

Clock SmallWorld::ClockAt(int step) const {
  const TimePoint built{kBuildStep * kInterval};
  if (step == kBefore1970) return {TimePoint{std::chrono::seconds(-1)}, built};
  if (step == kBeforeTheBuild) return {built - std::chrono::seconds(1), built};
  return {built + step * kInterval, built};
}

bool SmallWorld::IsPossible(const Ledger& ledger, const Input& input) const {
  if (input.verb == Verb::kResetSystem) return ledger.super_locked;
  if (input.verb == Verb::kFinishContainment) {
    return input.who == kNobody ? ledger.contained : ledger.accounts[input.who].contained;
  }
  if (input.who == kNobody) return input.verb == Verb::kCloseGate || !ledger.super_locked;
  const AccountLedger& account = ledger.accounts[input.who];
  const bool covered = ledger.super_locked || account.super_locked;
  const bool enrolled = !account.authenticators.empty();
  switch (input.verb) {
    case Verb::kOneTimeCode:
    case Verb::kBackupCodes:
    case Verb::kCloseGate:
    case Verb::kResetAccount:
    case Verb::kResetSystem:
      return true;
    case Verb::kFinishContainment:
      break;
    case Verb::kOpenGate:  // also before a containment is over: it may be overdue
    case Verb::kUnlock:
    case Verb::kRemoveTwoFactor:
      return !covered;
    case Verb::kBeginEnrolment:
      return !covered && !enrolled && !account.pending && account.enrolments == 0;
    case Verb::kFinishEnrolment:
      return !covered && account.pending;
    case Verb::kAddAuthenticator:
      return !covered && account.authenticators.size() == 1 &&
             input.clock > account.last_step[scene_.second.secret];
    case Verb::kNewSheet:
      return !covered && enrolled && account.sheets_issued == 1;
  }
  return false;
}

const std::string& SmallWorld::CodeText(const TypedCode& code) const {
  if (!code.step && code.digits == 6) return wrong_;
  std::string& text = codes_[{code.secret, code.step.value_or(-1), code.digits}];
  if (!text.empty()) return text;
  if (!code.step) return text = std::string(static_cast<std::size_t>(code.digits), '5');
  // Counters are typed for HOTP secrets, which a scene numbers from 2.
  const OtpType type = code.secret >= 2 ? OtpType::kHotp : OtpType::kTotp;
  const auto step = static_cast<std::uint64_t>(AbsoluteStep(type, *code.step));
  return text =
             std::string(ComputeOtp(HashAlgorithm::kSha1, secrets_[code.secret], step, code.digits)
                             .ExposeText());
}

Attempt SmallWorld::MakeAttempt(const Account& account, const Input& input) const {
  if (input.verb == Verb::kOneTimeCode) return OneTimeCode{CodeText(input.code)};
  const std::uint32_t current = account.sheet ? account.sheet->number : 0;
  BackupCodeSet set{current - static_cast<std::uint32_t>(input.set.sheets_ago), {}};
  for (const auto& place : input.set.codes) {
    set.matches.push_back(place ? std::optional(static_cast<std::uint8_t>(*place)) : std::nullopt);
  }
  return set;
}

// The verbs as the service composes them from the transitions.
void SmallWorld::CarryOut(World& world, const Input& input, std::vector<Event>& events) const {
  const TimePoint now = ClockAt(input.clock).now;
  if (input.verb == Verb::kResetSystem) {
    for (Account& account : world.accounts) {
      for (const std::string& cause : world.system.super_locked->causes) {
        if (cause == account.name) ResetAccount(account, now, events);
      }
    }
    return EndSuperLockout(world.system, now, events);
  }
  if (input.who == kNobody) {
    if (input.verb == Verb::kCloseGate) {
      return CloseGate(world.system.gate, "", kReason, now, events);
    }
    if (input.verb == Verb::kFinishContainment) {
      const Containment done = *world.system.containment;
      FinishContainment(world.system, done, kReason, now, events);
      return;
    }
    OpenGate(world.system, now, events);
    for (Account& account : world.accounts) {
      if (!account.super_locked) OpenGate(account, now, events);
    }
    return;
  }
  Account& account = world.accounts[input.who];
  const auto issue_sheet = [&] {
    account.sheet = MakeSheet(static_cast<int>(++account.sheets_issued), scene_.sheet_size);
  };
  switch (input.verb) {
    case Verb::kUnlock:
      return UnlockAccount(account, now, events);
    case Verb::kCloseGate:
      return CloseGate(account.gate, account.name, kReason, now, events);
    case Verb::kOpenGate:
      return OpenGate(account, now, events);
    case Verb::kFinishContainment: {
      const Containment done = *account.containment;
      FinishContainment(account, done, kReason, now, events);
      return;
    }
    case Verb::kResetAccount:
      return ResetAccount(account, now, events);
    case Verb::kBeginEnrolment:
      account.pending.emplace();
      account.pending->authenticator = Make(scene_.renewed);
      return;
    case Verb::kFinishEnrolment:
      account.authenticators.push_back(std::move(account.pending->authenticator));
      account.authenticators[0].mark = AbsoluteStep(scene_.renewed.type, input.clock);
      account.pending.reset();
      account.must_enrol = false;
      return issue_sheet();
    case Verb::kAddAuthenticator:
      account.authenticators.push_back(Make(scene_.second));
      return SpendStep(account, account.authenticators[1],
                       AbsoluteStep(scene_.second.type, input.clock));
    case Verb::kRemoveTwoFactor:
      account.authenticators.clear();
      account.pending.reset();
      account.sheet.reset();
      account.must_enrol = false;
      return;
    case Verb::kNewSheet:
      return issue_sheet();
    case Verb::kOneTimeCode:
    case Verb::kBackupCodes:
    case Verb::kResetSystem:
      break;
  }
}

Outcome SmallWorld::Apply(World& world, const Input& input) const {
  Outcome outcome;
  if (input.verb != Verb::kOneTimeCode && input.verb != Verb::kBackupCodes) {
    CarryOut(world, input, outcome.events);
    return outcome;
  }
  Subject subject;
  subject.administrator = input.who == kAda;
  subject.identity_changed = input.given_away;
  Account& account = world.accounts[input.who];
  outcome.decision = Decide(scene_.policy, account, world.system, subject, input.door,
                            MakeAttempt(account, input), ClockAt(input.clock));
  outcome.events = outcome.decision.events;
  return outcome;
}

}  // namespace sparekey::testing
