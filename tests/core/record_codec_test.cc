// SPDX-License-Identifier: Apache-2.0
#include "core/record_codec.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "core/byte_codec.h"
#include "tests/support/accounts.h"

namespace sparekey {
namespace {

using testing::kNow;
using testing::MakeAccount;
using testing::MakeAuthenticator;
using testing::MakeSheet;

std::vector<std::uint8_t> Bytes(const SecretBytes& secret) {
  return {secret.Expose().begin(), secret.Expose().end()};
}

// Everything that an account can have.
Account FullAccount() {
  Account account = MakeAccount();
  account.administrator = true;
  account.must_enrol = true;
  account.authenticators[0].last_used = kNow;
  account.authenticators[0].mark = 60'000'000;
  account.authenticators.push_back(MakeAuthenticator("key é", std::string(64, 's')));
  account.authenticators[1].type = OtpType::kHotp;
  account.authenticators[1].algorithm = HashAlgorithm::kSha512;
  account.authenticators[1].digits = 8;
  account.sheet = MakeSheet(7, 30);
  account.sheet->codes[3].spent = true;
  account.sheet->codes[29].spent = true;
  account.sheet->last_spent = {3, 29};
  account.sheet->salt.fill(0xff);
  account.sheets_issued = 8;
  account.pending = PendingEnrolment{MakeAuthenticator("new"), MakeSheet(8, 2),
                                     kNow + std::chrono::hours(1), true};
  account.locked = kNow;
  account.super_locked = kNow + std::chrono::seconds(5);
  account.otp_failures = 5;
  account.otp_budget_spent = 99;
  account.recovery_failures = std::numeric_limits<int>::max();
  account.gate = GateClosure{kNow, "closed by an administrator"};
  account.last_login = TimePoint{};
  account.containment = Containment{kNow, "super-lockout of ada"};
  account.notice = {7, kNow, "192.0.2.7", kNow + std::chrono::hours(1), "2001:db8::7"};
  return account;
}

void ExpectSame(const Authenticator& a, const Authenticator& b) {
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.algorithm, b.algorithm);
  EXPECT_EQ(a.digits, b.digits);
  EXPECT_EQ(a.interval, b.interval);
  EXPECT_EQ(a.secret.ExposeText(), b.secret.ExposeText());
  EXPECT_EQ(a.mark, b.mark);
  EXPECT_EQ(a.created, b.created);
  EXPECT_EQ(a.last_used, b.last_used);
}

void ExpectSame(const std::optional<Sheet>& a, const std::optional<Sheet>& b) {
  ASSERT_EQ(a.has_value(), b.has_value());
  if (!a) return;
  EXPECT_EQ(a->number, b->number);
  EXPECT_EQ(a->salt, b->salt);
  EXPECT_EQ(a->issued, b->issued);
  EXPECT_EQ(a->last_spent, b->last_spent);
  ASSERT_EQ(a->codes.size(), b->codes.size());
  for (std::size_t i = 0; i < a->codes.size(); ++i) {
    EXPECT_EQ(a->codes[i].first, b->codes[i].first);
    EXPECT_EQ(a->codes[i].hash, b->codes[i].hash);
    EXPECT_EQ(a->codes[i].spent, b->codes[i].spent);
  }
}

void ExpectSame(const std::optional<GateClosure>& a, const std::optional<GateClosure>& b) {
  ASSERT_EQ(a.has_value(), b.has_value());
  if (!a) return;
  EXPECT_EQ(a->since, b->since);
  EXPECT_EQ(a->reason, b->reason);
}

void ExpectSame(const std::optional<Containment>& a, const std::optional<Containment>& b) {
  ASSERT_EQ(a.has_value(), b.has_value());
  if (!a) return;
  EXPECT_EQ(a->since, b->since);
  EXPECT_EQ(a->reason, b->reason);
}

void ExpectSame(const OwnerNotice& a, const OwnerNotice& b) {
  EXPECT_EQ(a.failures, b.failures);
  EXPECT_EQ(a.last_failure, b.last_failure);
  EXPECT_EQ(a.last_host, b.last_host);
  EXPECT_EQ(a.recovery, b.recovery);
  EXPECT_EQ(a.recovery_host, b.recovery_host);
}

void ExpectSame(const Account& a, const Account& b) {
  EXPECT_EQ(a.administrator, b.administrator);
  EXPECT_EQ(a.must_enrol, b.must_enrol);
  EXPECT_EQ(a.sheets_issued, b.sheets_issued);
  EXPECT_EQ(a.locked, b.locked);
  EXPECT_EQ(a.super_locked, b.super_locked);
  EXPECT_EQ(a.otp_failures, b.otp_failures);
  EXPECT_EQ(a.otp_budget_spent, b.otp_budget_spent);
  EXPECT_EQ(a.recovery_failures, b.recovery_failures);
  EXPECT_EQ(a.last_login, b.last_login);
  ExpectSame(a.gate, b.gate);
  ExpectSame(a.containment, b.containment);
  ExpectSame(a.notice, b.notice);
  ExpectSame(a.sheet, b.sheet);
  ASSERT_EQ(a.authenticators.size(), b.authenticators.size());
  for (std::size_t i = 0; i < a.authenticators.size(); ++i) {
    ExpectSame(a.authenticators[i], b.authenticators[i]);
  }
  ASSERT_EQ(a.pending.has_value(), b.pending.has_value());
  if (!a.pending) return;
  ExpectSame(a.pending->authenticator, b.pending->authenticator);
  ExpectSame(a.pending->sheet, b.pending->sheet);
  EXPECT_EQ(a.pending->since, b.pending->since);
  EXPECT_EQ(a.pending->renews, b.pending->renews);
}

TEST(AccountCodec, GivesBackEverythingButTheRowsNameAndUid) {
  const std::function<Account()> make[] = {FullAccount, [] { return MakeAccount(); },
                                           [] { return Account(); }};
  for (const auto& account : make) {
    const Result<Account> decoded = DecodeAccount(EncodeAccount(account()).Expose());
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    ExpectSame(*decoded, account());
    EXPECT_TRUE(decoded->name.empty());
  }
}

TEST(AccountCodec, KeepsAnAccountWithTenCodesSmall) {
  EXPECT_LE(EncodeAccount(MakeAccount()).size(), 300U);
}

TEST(AccountCodec, RefusesEveryTruncation) {
  const auto bytes = Bytes(EncodeAccount(FullAccount()));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeAccount(std::span(bytes).first(size)).ok()) << size;
  }
}

TEST(AccountCodec, RefusesBytesBehindTheRecord) {
  auto bytes = Bytes(EncodeAccount(FullAccount()));
  bytes.push_back(0);
  EXPECT_FALSE(DecodeAccount(bytes).ok());
}

TEST(AccountCodec, RefusesAnotherVersion) {
  auto bytes = Bytes(EncodeAccount(MakeAccount()));
  for (const int version : {0, 2, 255}) {
    bytes[0] = static_cast<std::uint8_t>(version);
    const Result<Account> decoded = DecodeAccount(bytes);
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().code, ErrorCode::kDamaged);
  }
}

// The seal keeps such bytes out; the codec must be safe without it.
TEST(AccountCodec, MakesOfAnyByteAPossibleRecordOrAnError) {
  const auto bytes = Bytes(EncodeAccount(FullAccount()));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int value : {0, 1, 2, 3, 4, 5, 9, 31, 32, 64, 65, 127, 128, 200, 254, 255}) {
      auto changed = bytes;
      changed[i] = static_cast<std::uint8_t>(value);
      const Result<Account> decoded = DecodeAccount(changed);
      if (!decoded) continue;
      ASSERT_TRUE(CheckAccount(*decoded).ok()) << i << " " << value;
      ASSERT_TRUE(DecodeAccount(EncodeAccount(*decoded).Expose()).ok()) << i << " " << value;
    }
  }
}

struct Impossible {
  const char* what;
  void (*change)(Account& account);
};

TEST(CheckAccount, RefusesWhatCouldNotBeReadBack) {
  const Impossible table[] = {
      {"digits", [](Account& a) { a.authenticators[0].digits = 5; }},
      {"digits", [](Account& a) { a.authenticators[0].digits = 9; }},
      {"interval", [](Account& a) { a.authenticators[0].interval = std::chrono::seconds(4); }},
      {"interval", [](Account& a) { a.authenticators[0].interval = std::chrono::hours(2); }},
      {"secret", [](Account& a) { a.authenticators[0].secret = SecretBytes(15); }},
      {"secret", [](Account& a) { a.authenticators[0].secret = SecretBytes(65); }},
      {"mark", [](Account& a) { a.authenticators[0].mark = -2; }},
      {"label", [](Account& a) { a.authenticators[0].label.clear(); }},
      {"label", [](Account& a) { a.authenticators[0].label = std::string(65, 'l'); }},
      {"authenticators",
       [](Account& a) {
         for (int i = 0; i < 5; ++i) a.authenticators.push_back(MakeAuthenticator());
       }},
      {"codes", [](Account& a) { a.sheet->codes.resize(1); }},
      {"codes", [](Account& a) { a.sheet->codes.resize(31); }},
      {"first", [](Account& a) { a.sheet->codes[0].first = '\0'; }},
      {"last spent", [](Account& a) { a.sheet->last_spent = {30}; }},
      {"last spent",
       [](Account& a) {
         a.sheet->last_spent = {2, 1};
       }},
      {"last spent",
       [](Account& a) {
         a.sheet->last_spent = {1, 1};
       }},
      {"pending", [](Account& a) { a.pending->authenticator.digits = 0; }},
      {"pending sheet", [](Account& a) { a.pending->sheet->codes.clear(); }},
      {"failures", [](Account& a) { a.otp_failures = -1; }},
      {"budget", [](Account& a) { a.otp_budget_spent = -1; }},
      {"recoveries", [](Account& a) { a.recovery_failures = -1; }},
  };
  EXPECT_TRUE(CheckAccount(FullAccount()).ok());
  for (const Impossible& row : table) {
    Account account = FullAccount();
    row.change(account);
    const Status status = CheckAccount(account);
    ASSERT_FALSE(status.ok()) << row.what;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    EXPECT_NE(status.error().message.find("ada"), std::string::npos);
  }
}

TEST(SystemCodec, GivesBackEverything) {
  SystemState system;
  Result<SystemState> empty = DecodeSystem(EncodeSystem(system).Expose());
  ASSERT_TRUE(empty.ok());
  EXPECT_FALSE(empty->super_locked || empty->gate || empty->containment);
  system.super_locked = SystemSuperLockout{kNow, {"ada", std::string(256, 'b')}};
  system.gate = GateClosure{kNow, "super-lockout of ada"};
  system.containment = Containment{kNow, "super-lockout of ada"};
  const Result<SystemState> full = DecodeSystem(EncodeSystem(system).Expose());
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->super_locked->since, kNow);
  EXPECT_EQ(full->super_locked->causes, system.super_locked->causes);
  ExpectSame(full->gate, system.gate);
  ExpectSame(full->containment, system.containment);
}

TEST(SystemCodec, KeepsAContainmentWithoutAGate) {
  SystemState system;
  system.containment = Containment{kNow, "super-lockout of ada"};
  const Result<SystemState> decoded = DecodeSystem(EncodeSystem(system).Expose());
  ASSERT_TRUE(decoded.ok());
  EXPECT_FALSE(decoded->gate);
  ExpectSame(decoded->containment, system.containment);
}

TEST(SystemCodec, RefusesTruncationsAndACountBeyondTheBytes) {
  SystemState system;
  system.super_locked = SystemSuperLockout{kNow, {"ada"}};
  const auto bytes = Bytes(EncodeSystem(system));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeSystem(std::span(bytes).first(size)).ok()) << size;
  }
  const std::uint8_t many[] = {1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x7f};
  EXPECT_FALSE(DecodeSystem(many).ok());
}

TEST(SystemCodec, CutsAReasonThatIsTooLong) {
  SystemState system;
  system.gate = GateClosure{kNow, std::string(5000, 'r')};
  const Result<SystemState> decoded = DecodeSystem(EncodeSystem(system).Expose());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->gate->reason.size(), kMaxEventText);
}

TEST(PolicyCodec, StoresOnlyWhatDiffersFromTheDefault) {
  EXPECT_EQ(EncodePolicy(Policy()).size(), 2U);
  Policy policy;
  ASSERT_TRUE(SetSetting(policy, "lockout.otp_attempts", "7").ok());
  const SecretBytes bytes = EncodePolicy(policy);
  EXPECT_NE(bytes.ExposeText().find("lockout.otp_attempts"), std::string_view::npos);
  EXPECT_EQ(bytes.ExposeText().find("backup_codes"), std::string_view::npos);
}

TEST(PolicyCodec, GivesBackEverySetting) {
  Policy policy;
  const std::pair<const char*, const char*> values[] = {
      {"enabled", "false"},        {"otp.digits", "8"},         {"otp.algorithm", "sha512"},
      {"otp.issuer", "my host"},   {"lockout.scope", "system"}, {"ssh.keys", "accept"},
      {"required_for", "groups"},  {"required_groups", "a, b"}, {"admin_groups", ""},
      {"lockout.otp_budget", "0"}, {"otp.interval", "60"},      {"otp.type", "hotp"},
  };
  for (const auto& [name, value] : values)
    ASSERT_TRUE(SetSetting(policy, name, value).ok()) << name;
  const Result<Policy> decoded = DecodePolicy(EncodePolicy(policy).Expose());
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  for (const Setting& setting : Settings()) {
    EXPECT_EQ(setting.get(*decoded), setting.get(policy)) << setting.name;
  }
}

std::vector<std::uint8_t> PolicyBytes(std::string_view name, std::string_view value) {
  std::vector<std::uint8_t> bytes(2 + 2 + name.size() + value.size());
  ByteWriter out(bytes);
  out.Byte(1);
  out.Number(1);
  out.Text(name);
  out.Text(value);
  return bytes;
}

TEST(PolicyCodec, RefusesSettingsThatThisProgramDoesNotKnow) {
  EXPECT_TRUE(DecodePolicy(PolicyBytes("otp.digits", "8")).ok());
  for (const auto& bytes : {PolicyBytes("otp.unknown", "8"), PolicyBytes("otp.digits", "88")}) {
    const Result<Policy> decoded = DecodePolicy(bytes);
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().code, ErrorCode::kDamaged);
  }
}

TEST(EventCodec, GivesBackEveryKindAndDoor) {
  for (int kind = 0; kind <= static_cast<int>(EventKind::kTest); ++kind) {
    Event event;
    event.kind = static_cast<EventKind>(kind);
    if (kind % 5 != 4) event.door = static_cast<Door>(kind % 5);
    event.remote_host = "192.0.2.1";
    event.detail = "5 of 5";
    const Result<Event> decoded = DecodeEvent(EncodeEvent(event).Expose());
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->kind, event.kind);
    EXPECT_EQ(decoded->door, event.door);
    EXPECT_EQ(decoded->remote_host, event.remote_host);
    EXPECT_EQ(decoded->detail, event.detail);
  }
}

TEST(AlertCodec, GivesBackWhatIsNotTheRows) {
  Alert alert;
  alert.since = testing::kNow;
  alert.last = testing::kNow + std::chrono::hours(1);
  alert.count = 300;
  alert.detail = std::string(100'000, 'd');
  const SecretBytes encoded = EncodeAlert(alert);
  const Result<Alert> decoded = DecodeAlert(encoded.Expose());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->since, alert.since);
  EXPECT_EQ(decoded->last, alert.last);
  EXPECT_EQ(decoded->count, 300u);
  EXPECT_EQ(decoded->detail.size(), kMaxEventText);
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_FALSE(DecodeAlert(encoded.Expose().first(size)).ok()) << size;
  }
}

TEST(EventCodec, CutsTextsThatAreTooLong) {
  Event event;
  event.remote_host = std::string(100'000, 'h');
  event.detail = std::string(100'000, 'd');
  const Result<Event> decoded = DecodeEvent(EncodeEvent(event).Expose());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->remote_host.size(), kMaxEventText);
  EXPECT_EQ(decoded->detail.size(), kMaxEventText);
}

TEST(EventCodec, RefusesUnknownKindsAndDoors) {
  const auto bytes = [](std::string_view kind, std::string_view door) {
    std::vector<std::uint8_t> out(1 + 4 + kind.size() + door.size());
    ByteWriter writer(out);
    writer.Byte(1);
    for (const std::string_view text : {kind, door, std::string_view(), std::string_view()}) {
      writer.Text(text);
    }
    return out;
  };
  EXPECT_TRUE(DecodeEvent(bytes("login", "ssh")).ok());
  EXPECT_FALSE(DecodeEvent(bytes("logins", "ssh")).ok());
  EXPECT_FALSE(DecodeEvent(bytes("login", "window")).ok());
}

TEST(ByteCodec, GivesBackTheExtremes) {
  const std::int64_t numbers[] = {0,
                                  -1,
                                  1,
                                  63,
                                  -64,
                                  64,
                                  std::numeric_limits<std::int64_t>::max(),
                                  std::numeric_limits<std::int64_t>::min()};
  for (const std::int64_t number : numbers) {
    std::array<std::uint8_t, 20> bytes{};
    ByteWriter out(bytes);
    out.Signed(number);
    ByteReader in(std::span{bytes}.first(out.size()));
    EXPECT_EQ(in.Signed(), number);
    EXPECT_TRUE(in.AtEnd());
  }
}

TEST(ByteCodec, RefusesNumbersBeyond64Bits) {
  std::vector<std::uint8_t> bytes(9, 0xff);
  for (const int last : {1, 2, 0x80}) {
    auto number = bytes;
    number.push_back(static_cast<std::uint8_t>(last));
    ByteReader in(number);
    in.Number();
    EXPECT_EQ(in.AtEnd(), last == 1) << last;
  }
}

TEST(ByteCodec, KeepsTimesWhereTheirSumsCannotOverflow) {
  for (const std::int64_t seconds :
       {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    std::array<std::uint8_t, 20> bytes{};
    ByteWriter kept(bytes);
    kept.Time(TimePoint{std::chrono::seconds(seconds)});
    ByteReader in(std::span{bytes}.first(kept.size()));
    EXPECT_EQ(in.Time().time_since_epoch().count(),
              (std::int64_t{1} << 40) * (seconds < 0 ? -1 : 1));
    EXPECT_TRUE(in.AtEnd());
    ByteWriter raw(bytes);
    raw.Signed(seconds);
    ByteReader refused(std::span{bytes}.first(raw.size()));
    (void)refused.Time();
    EXPECT_FALSE(refused.ok());
  }
}

}  // namespace
}  // namespace sparekey
