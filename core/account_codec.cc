// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>

#include "core/record_codec.h"
#include "core/record_frame.h"

namespace sparekey {
namespace {

constexpr std::size_t kFewestSecretBytes = 16, kMostSecretBytes = 64;
constexpr std::size_t kFewestCodes = 2, kMostCodes = 30;
constexpr std::int64_t kShortestInterval = 5, kLongestInterval = 3600;
constexpr std::uint8_t kSpent = 0x80;  // beside the first character, which is ASCII
constexpr auto kMostInt = static_cast<std::uint64_t>(std::numeric_limits<int>::max());
constexpr auto kMostUint32 = std::uint64_t{std::numeric_limits<std::uint32_t>::max()};

// What is stored: must never change.
static_assert(static_cast<int>(OtpType::kTotp) == 0 && static_cast<int>(OtpType::kHotp) == 1);
static_assert(static_cast<int>(HashAlgorithm::kSha1) == 0 &&
              static_cast<int>(HashAlgorithm::kSha256) == 1 &&
              static_cast<int>(HashAlgorithm::kSha512) == 2);

// What an account's record has, one bit each, in this order.
constexpr std::uint64_t kAdministrator = 1 << 0, kMustEnrol = 1 << 1, kPending = 1 << 2,
                        kSheet = 1 << 3, kLocked = 1 << 4, kSuperLocked = 1 << 5, kGate = 1 << 6,
                        kLastLogin = 1 << 7, kContainment = 1 << 8, kNotice = 1 << 9,
                        kAllParts = (1 << 10) - 1;

void WriteOptional(ByteWriter& out, const std::optional<TimePoint>& time) {
  out.Byte(time ? 1 : 0);
  if (time) out.Time(*time);
}

std::optional<TimePoint> ReadOptional(ByteReader& in) {
  if (!in.Flag()) return std::nullopt;
  return in.Time();
}

bool IsPossible(const Authenticator& authenticator) {
  const std::int64_t interval = authenticator.interval.count();
  const bool timed = authenticator.type == OtpType::kTotp;
  return IsLabel(authenticator.label) && authenticator.digits >= 6 && authenticator.digits <= 8 &&
         interval >= (timed ? kShortestInterval : 0) && interval <= kLongestInterval &&
         authenticator.secret.size() >= kFewestSecretBytes &&
         authenticator.secret.size() <= kMostSecretBytes && authenticator.mark >= -1;
}

void Write(ByteWriter& out, const Authenticator& authenticator) {
  out.Text(authenticator.label);
  out.Byte(static_cast<std::uint8_t>(authenticator.type));
  out.Byte(static_cast<std::uint8_t>(authenticator.algorithm));
  out.Byte(static_cast<std::uint8_t>(authenticator.digits));
  out.Number(static_cast<std::uint64_t>(authenticator.interval.count()));
  out.Block(authenticator.secret.Expose());
  out.Signed(authenticator.mark);
  out.Time(authenticator.created);
  WriteOptional(out, authenticator.last_used);
}

Authenticator ReadAuthenticator(ByteReader& in) {
  Authenticator authenticator;
  authenticator.label = in.Text();
  authenticator.type = static_cast<OtpType>(in.Number(1));
  authenticator.algorithm = static_cast<HashAlgorithm>(in.Number(2));
  authenticator.digits = in.Byte();
  authenticator.interval = std::chrono::seconds(in.Number(kLongestInterval));
  authenticator.secret = SecretBytes(in.Block());
  authenticator.mark = in.Signed();
  authenticator.created = in.Time();
  authenticator.last_used = ReadOptional(in);
  if (!IsPossible(authenticator)) in.Fail();
  return authenticator;
}

bool IsPossible(const Sheet& sheet) {
  const bool printable = std::all_of(sheet.codes.begin(), sheet.codes.end(), [](const auto& code) {
    return code.first > ' ' && code.first < 0x7f;
  });
  const auto& spent = sheet.last_spent;
  const bool ascending =
      std::adjacent_find(spent.begin(), spent.end(), std::greater_equal<>()) == spent.end();
  return sheet.codes.size() >= kFewestCodes && sheet.codes.size() <= kMostCodes && printable &&
         ascending && (spent.empty() || spent.back() < sheet.codes.size());
}

void Write(ByteWriter& out, const Sheet& sheet) {
  out.Number(sheet.number);
  out.Bytes(sheet.salt);
  out.Time(sheet.issued);
  out.Number(sheet.codes.size());
  for (const BackupCodeRecord& code : sheet.codes) {
    out.Byte(static_cast<std::uint8_t>(code.first | (code.spent ? kSpent : 0)));
    out.Bytes(code.hash);
  }
  out.Block(sheet.last_spent);
}

template <std::size_t kSize>
std::array<std::uint8_t, kSize> ReadArray(ByteReader& in) {
  std::array<std::uint8_t, kSize> array{};
  const auto bytes = in.Bytes(kSize);
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

Sheet ReadSheet(ByteReader& in) {
  Sheet sheet;
  sheet.number = static_cast<std::uint32_t>(in.Number(kMostUint32));
  sheet.salt = ReadArray<16>(in);
  sheet.issued = in.Time();
  sheet.codes.resize(in.Count(kMostCodes));
  for (BackupCodeRecord& code : sheet.codes) {
    const std::uint8_t first = in.Byte();
    code.first = static_cast<char>(first & ~kSpent);
    code.spent = (first & kSpent) != 0;
    code.hash = ReadArray<16>(in);
  }
  const auto spent = in.Block();
  sheet.last_spent.assign(spent.begin(), spent.end());
  if (!IsPossible(sheet)) in.Fail();
  return sheet;
}

void Write(ByteWriter& out, const PendingEnrolment& pending) {
  Write(out, pending.authenticator);
  out.Time(pending.since);
  out.Byte(pending.renews ? 1 : 0);
  out.Byte(pending.sheet ? 1 : 0);
  if (pending.sheet) Write(out, *pending.sheet);
}

PendingEnrolment ReadPending(ByteReader& in) {
  PendingEnrolment pending;
  pending.authenticator = ReadAuthenticator(in);
  pending.since = in.Time();
  pending.renews = in.Flag();
  if (in.Flag()) pending.sheet = ReadSheet(in);
  return pending;
}

bool IsEmpty(const OwnerNotice& notice) { return notice.failures == 0 && !notice.recovery; }

void Write(ByteWriter& out, const OwnerNotice& notice) {
  out.Number(static_cast<std::uint64_t>(notice.failures));
  WriteOptional(out, notice.last_failure);
  out.Text(std::string_view(notice.last_host).substr(0, kMaxEventText));
  WriteOptional(out, notice.recovery);
  out.Text(std::string_view(notice.recovery_host).substr(0, kMaxEventText));
}

OwnerNotice ReadNotice(ByteReader& in) {
  OwnerNotice notice;
  notice.failures = static_cast<int>(in.Number(kMostInt));
  notice.last_failure = ReadOptional(in);
  notice.last_host = in.Text();
  notice.recovery = ReadOptional(in);
  notice.recovery_host = in.Text();
  return notice;
}

std::uint64_t PartsOf(const Account& account) {
  return (account.administrator ? kAdministrator : 0) | (account.must_enrol ? kMustEnrol : 0) |
         (account.pending ? kPending : 0) | (account.sheet ? kSheet : 0) |
         (account.locked ? kLocked : 0) | (account.super_locked ? kSuperLocked : 0) |
         (account.gate ? kGate : 0) | (account.last_login ? kLastLogin : 0) |
         (account.containment ? kContainment : 0) | (IsEmpty(account.notice) ? 0 : kNotice);
}

void WriteAccount(ByteWriter& out, const Account& account) {
  out.Number(PartsOf(account));
  out.Number(account.sheets_issued);
  for (const int count :
       {account.otp_failures, account.otp_budget_spent, account.recovery_failures}) {
    out.Number(static_cast<std::uint64_t>(count));
  }
  for (const auto& time : {account.locked, account.super_locked, account.last_login}) {
    if (time) out.Time(*time);
  }
  if (account.gate) WriteGate(out, *account.gate);
  if (account.containment) WriteContainment(out, *account.containment);
  if (!IsEmpty(account.notice)) Write(out, account.notice);
  out.Number(account.authenticators.size());
  for (const Authenticator& authenticator : account.authenticators) Write(out, authenticator);
  if (account.pending) Write(out, *account.pending);
  if (account.sheet) Write(out, *account.sheet);
}

Account ReadAccount(ByteReader& in) {
  Account account;
  const std::uint64_t parts = in.Number(kAllParts);
  account.administrator = (parts & kAdministrator) != 0;
  account.must_enrol = (parts & kMustEnrol) != 0;
  account.sheets_issued = static_cast<std::uint32_t>(in.Number(kMostUint32));
  account.otp_failures = static_cast<int>(in.Number(kMostInt));
  account.otp_budget_spent = static_cast<int>(in.Number(kMostInt));
  account.recovery_failures = static_cast<int>(in.Number(kMostInt));
  if ((parts & kLocked) != 0) account.locked = in.Time();
  if ((parts & kSuperLocked) != 0) account.super_locked = in.Time();
  if ((parts & kLastLogin) != 0) account.last_login = in.Time();
  if ((parts & kGate) != 0) account.gate = ReadGate(in);
  if ((parts & kContainment) != 0) account.containment = ReadContainment(in);
  if ((parts & kNotice) != 0) account.notice = ReadNotice(in);
  const std::size_t authenticators = in.Count(kMaxAuthenticators);
  for (std::size_t i = 0; i < authenticators && in.ok(); ++i) {
    account.authenticators.push_back(ReadAuthenticator(in));
  }
  if ((parts & kPending) != 0) account.pending = ReadPending(in);
  if ((parts & kSheet) != 0) account.sheet = ReadSheet(in);
  return account;
}

}  // namespace

Status CheckAccount(const Account& account) {
  const auto bad = [&](std::string_view field) {
    return Invalid("the record of " + account.name + " is not possible: " + std::string(field));
  };
  if (account.otp_failures < 0 || account.otp_budget_spent < 0 || account.recovery_failures < 0) {
    return bad("a count is negative");
  }
  if (account.notice.failures < 0) return bad("a count is negative");
  if (account.authenticators.size() > kMaxAuthenticators) return bad("too many authenticators");
  for (const Authenticator& authenticator : account.authenticators) {
    if (!IsPossible(authenticator)) return bad("authenticator " + authenticator.label);
  }
  if (account.pending && !IsPossible(account.pending->authenticator)) {
    return bad("the pending authenticator");
  }
  if (account.pending && account.pending->sheet && !IsPossible(*account.pending->sheet)) {
    return bad("the pending sheet");
  }
  if (account.sheet && !IsPossible(*account.sheet)) return bad("the sheet");
  return Ok();
}

SecretBytes EncodeAccount(const Account& account) { return EncodeRecord(account, WriteAccount); }
Result<Account> DecodeAccount(std::span<const std::uint8_t> bytes) {
  return DecodeRecord(bytes, "an account's record", ReadAccount);
}

}  // namespace sparekey
