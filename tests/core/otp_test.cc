// SPDX-License-Identifier: Apache-2.0
#include "core/otp.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "tests/core/otp_authenticators.h"

namespace sparekey {
namespace {

using std::chrono::seconds;

constexpr std::string_view kKey32 = "12345678901234567890123456789012";
constexpr std::string_view kKey64 =
    "1234567890123456789012345678901234567890123456789012345678901234";

TEST(ComputeOtp, GivesTheVectorsOfRfc4226AppendixD) {
  const std::vector<std::string> codes{"755224", "287082", "359152", "969429", "338314",
                                       "254676", "287922", "162583", "399871", "520489"};
  for (std::size_t counter = 0; counter < codes.size(); ++counter) {
    EXPECT_EQ(ComputeOtp(HashAlgorithm::kSha1, SecretBytes(kKey20), counter, 6).ExposeText(),
              codes[counter]);
  }
}

TEST(ComputeOtp, GivesTheVectorsOfRfc6238AppendixB) {
  struct Row {
    std::int64_t time;
    const char* sha1;
    const char* sha256;
    const char* sha512;
  };
  const std::vector<Row> rows{{59, "94287082", "46119246", "90693936"},
                              {1111111109, "07081804", "68084774", "25091201"},
                              {1111111111, "14050471", "67062674", "99943326"},
                              {1234567890, "89005924", "91819424", "93441116"},
                              {2000000000, "69279037", "90698825", "38618901"},
                              {20000000000, "65353130", "77737706", "47863826"}};
  for (const Row& row : rows) {
    const auto step = TotpStep(At(row.time), seconds(30));
    ASSERT_TRUE(step);
    const auto code = [&](HashAlgorithm algorithm, std::string_view key) {
      return std::string(ComputeOtp(algorithm, SecretBytes(key), *step, 8).ExposeText());
    };
    EXPECT_EQ(code(HashAlgorithm::kSha1, kKey20), row.sha1) << row.time;
    EXPECT_EQ(code(HashAlgorithm::kSha256, kKey32), row.sha256) << row.time;
    EXPECT_EQ(code(HashAlgorithm::kSha512, kKey64), row.sha512) << row.time;
  }
}

TEST(ComputeOtp, GivesAsManyDigitsAsAreAskedFor) {
  EXPECT_EQ(ComputeOtp(HashAlgorithm::kSha1, SecretBytes(kKey20), 1, 6).ExposeText(), "287082");
  EXPECT_EQ(ComputeOtp(HashAlgorithm::kSha1, SecretBytes(kKey20), 1, 7).ExposeText(), "4287082");
  EXPECT_EQ(ComputeOtp(HashAlgorithm::kSha1, SecretBytes(kKey20), 1, 8).ExposeText(), "94287082");
}

TEST(ComputeOtp, IsTheSameInManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::array<int, 8> wrong{};
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&wrong, i] {
      for (int round = 0; round < 200; ++round) {
        const auto code = ComputeOtp(HashAlgorithm::kSha1, SecretBytes(kKey20), 7, 6);
        if (code.ExposeText() != "162583") ++wrong[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, (std::array<int, 8>{}));
}

TEST(TotpStep, CountsWholeIntervalsSinceTheEpoch) {
  EXPECT_EQ(TotpStep(At(0), seconds(30)), 0);
  EXPECT_EQ(TotpStep(At(29), seconds(30)), 0);
  EXPECT_EQ(TotpStep(At(30), seconds(30)), 1);
  EXPECT_EQ(TotpStep(At(3599), seconds(3600)), 0);
  EXPECT_EQ(TotpStep(At(5), seconds(5)), 1);
  EXPECT_EQ(TotpStep(At(60LL << 32), seconds(30)), 2LL << 32);
}

TEST(TotpStep, HasNoneBeforeTheEpochOrWithoutAnInterval) {
  EXPECT_FALSE(TotpStep(At(-1), seconds(30)));
  EXPECT_FALSE(TotpStep(At(std::numeric_limits<std::int64_t>::min()), seconds(30)));
  EXPECT_FALSE(TotpStep(At(100), seconds(0)));
  EXPECT_FALSE(TotpStep(At(100), seconds(-30)));
}

TEST(MakeSameCodes, GoesBySecretTypeAlgorithmAndInterval) {
  EXPECT_TRUE(MakeSameCodes(Totp(), Totp()));
  EXPECT_FALSE(MakeSameCodes(Totp(), Hotp()));
  Authenticator other = Totp();
  other.digits = 8;
  other.label = "other";
  other.mark = 7;
  EXPECT_TRUE(MakeSameCodes(Totp(), other));
  other.interval = std::chrono::seconds(60);
  EXPECT_FALSE(MakeSameCodes(Totp(), other));
  other = Totp();
  other.algorithm = HashAlgorithm::kSha512;
  EXPECT_FALSE(MakeSameCodes(Totp(), other));
  other = Totp();
  other.secret = SecretBytes(std::string_view("another secret of 20"));
  EXPECT_FALSE(MakeSameCodes(Totp(), other));
  other.secret = SecretBytes(std::string_view("12345678901234567890\0\0", 22));
  EXPECT_TRUE(MakeSameCodes(Totp(), other));
  EXPECT_TRUE(MakeSameCodes(other, Totp()));
  other.secret = SecretBytes(std::string_view("12345678901234567890\0\1", 22));
  EXPECT_FALSE(MakeSameCodes(Totp(), other));
  other = Hotp();
  other.interval = std::chrono::seconds(60);
  EXPECT_TRUE(MakeSameCodes(Hotp(), other));
}

TEST(IsClockUsable, RefusesAClockBeforeTheBuild) {
  EXPECT_TRUE(IsClockUsable(Totp(), At(30'000), At(30'000), 1));
  EXPECT_FALSE(IsClockUsable(Totp(), At(29'999), At(30'000), 1));
  EXPECT_FALSE(IsClockUsable(Totp(), At(-1), At(-100), 1));
}

TEST(IsClockUsable, RefusesAClockThatIsBehindTheMarkByMoreThanTheWindow) {
  Authenticator authenticator = Totp();
  for (const int window : {0, 1, 10}) {
    authenticator.mark = kNow + window;
    EXPECT_TRUE(IsClockUsable(authenticator, now, At(0), window));
    authenticator.mark = kNow + window + 1;
    EXPECT_FALSE(IsClockUsable(authenticator, now, At(0), window));
    authenticator.mark = kMaxInt64;
    EXPECT_FALSE(IsClockUsable(authenticator, now, At(0), window));
  }
}

TEST(IsClockUsable, NeverAsksForHotp) {
  Authenticator authenticator = Hotp();
  authenticator.mark = kMaxInt64;
  EXPECT_TRUE(IsClockUsable(authenticator, At(-1), At(30'000), 0));
}
}  // namespace
}  // namespace sparekey
