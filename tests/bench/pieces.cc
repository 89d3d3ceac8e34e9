// SPDX-License-Identifier: Apache-2.0
// The small pieces of a login, each alone on one core (Google Benchmark).
#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>

#include "backupcodes/codes.h"
#include "core/otp.h"
#include "core/record_codec.h"
#include "core/seal.h"
#include "lockout/decide.h"
#include "service/json.h"
#include "service/login_request.h"
#include "tests/support/accounts.h"

namespace sparekey {
namespace {

using testing::CodeAt;
using testing::kBuilt;
using testing::kNow;
using testing::MakeAccount;

constexpr char kContext[] = "account/1000/ada";

MasterKey TestKey() {
  std::array<std::uint8_t, kMasterKeyBytes> bytes{1};
  return MasterKey::FromBytes(bytes);
}

void VerifyTimeCode(benchmark::State& state) {
  const Authenticator phone = testing::MakeAuthenticator();
  const std::string code = CodeAt(phone, kNow);
  for (auto _ : state) benchmark::DoNotOptimize(MatchOtp(phone, code, kNow, 1));
}
BENCHMARK(VerifyTimeCode);

void VerifyCounterCode(benchmark::State& state) {
  Authenticator phone = testing::MakeAuthenticator();
  phone.type = OtpType::kHotp;
  const std::string code(ComputeOtp(phone.algorithm, phone.secret, 0, phone.digits).ExposeText());
  for (auto _ : state) benchmark::DoNotOptimize(MatchOtp(phone, code, kNow, 1));
}
BENCHMARK(VerifyCounterCode);

void SealRecord(benchmark::State& state) {
  const MasterKey key = TestKey();
  const Account account = MakeAccount();
  for (auto _ : state) {
    const SecretBytes plain = EncodeAccount(account);
    benchmark::DoNotOptimize(key.Seal(plain.Expose(), kContext));
  }
}
BENCHMARK(SealRecord);

void OpenRecord(benchmark::State& state) {
  const MasterKey key = TestKey();
  const auto sealed = key.Seal(EncodeAccount(MakeAccount()).Expose(), kContext);
  for (auto _ : state) {
    const auto plain = key.Open(sealed, kContext);
    benchmark::DoNotOptimize(DecodeAccount(plain->Expose()));
  }
}
BENCHMARK(OpenRecord);

// With the record made good as new, so that every turn is the same.
void DecideRightCode(benchmark::State& state) {
  const Policy policy;
  Account account = MakeAccount();
  SystemState system;
  const std::string code = CodeAt(account.authenticators[0], kNow);
  for (auto _ : state) {
    account.authenticators[0].mark = -1;
    const Decision decision =
        Decide(policy, account, system, Subject{}, Door::kSsh, OneTimeCode{code}, {kNow, kBuilt});
    if (decision.verdict != Verdict::kAccept) throw std::logic_error("the right code is denied");
  }
}
BENCHMARK(DecideRightCode);

void DecideWrongCode(benchmark::State& state) {
  const Policy policy;
  Account account = MakeAccount();
  SystemState system;
  for (auto _ : state) {
    account.otp_failures = account.otp_budget_spent = 0;
    const Decision decision = Decide(policy, account, system, Subject{}, Door::kSsh,
                                     OneTimeCode{"000000"}, {kNow, kBuilt});
    if (decision.reason != Reason::kWrongCode) throw std::logic_error("not a wrong code");
  }
}
BENCHMARK(DecideWrongCode);

void ReadRequest(benchmark::State& state) {
  const SecretBytes body(std::string_view(
      R"({"account":"ada","door":"ssh","service":"sshd","remote_host":"192.0.2.1","tty":"ssh",)"
      R"("first_factor":"password","recovery":true,"answers":{"code":"123456"}})"));
  for (auto _ : state) {
    const auto fields = ReadLoginFields(body);
    if (!fields || !ParseOpening(*fields) || !fields->answers) {
      throw std::logic_error("not understood");
    }
  }
}
BENCHMARK(ReadRequest);

void WriteAnswer(benchmark::State& state) {
  for (auto _ : state) {
    JsonWriter json(kUsualReply);
    json.StartObject();
    json.AddText("login", "0123456789abcdef0123456789abcdef");
    AddSaid(json, "", true);
    json.AddName("ask");
    json.StartArray();
    json.EndArray();
    json.AddText("verdict", "accept");
    json.AddText("reason", "accepted");
    json.EndObject();
    benchmark::DoNotOptimize(Reply(200, json));
  }
}
BENCHMARK(WriteAnswer);

void HashOneBackupCode(benchmark::State& state) {
  const BackupCode code = *ParseBackupCode("0123-4567-89AB-CDEF");
  const SecretBytes key(std::size_t{32});
  for (auto _ : state) benchmark::DoNotOptimize(HashBackupCode(code, {}, key));
}
BENCHMARK(HashOneBackupCode);

}  // namespace
}  // namespace sparekey

BENCHMARK_MAIN();
