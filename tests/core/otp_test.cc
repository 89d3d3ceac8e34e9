// SPDX-License-Identifier: Apache-2.0
#include "core/otp.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "core/policy.h"
#include "core/random.h"

namespace sparekey {
namespace {

using std::chrono::seconds;

// OpenSSL's memory, which can be made to run out at its n-th allocation from now (0: never).
int allocations_left = 0;

bool RunsOut() { return allocations_left > 0 && --allocations_left == 0; }
void* Allocate(std::size_t size, const char*, int) { return RunsOut() ? nullptr : malloc(size); }
void* Reallocate(void* old, std::size_t size, const char*, int) {
  return RunsOut() ? nullptr : realloc(old, size);
}
void Free(void* memory, const char*, int) { free(memory); }

// Possible only before OpenSSL's first allocation.
const bool memory_is_ours = CRYPTO_set_mem_functions(Allocate, Reallocate, Free) == 1;

constexpr std::string_view kKey20 = "12345678901234567890";
constexpr std::string_view kKey32 = "12345678901234567890123456789012";
constexpr std::string_view kKey64 =
    "1234567890123456789012345678901234567890123456789012345678901234";
constexpr std::int64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();

TimePoint At(std::int64_t seconds_since_epoch) { return TimePoint(seconds(seconds_since_epoch)); }

Authenticator Totp() {
  Authenticator authenticator;
  authenticator.secret = SecretBytes(kKey20);
  return authenticator;
}

Authenticator Hotp() {
  Authenticator authenticator = Totp();
  authenticator.type = OtpType::kHotp;
  return authenticator;
}

std::string CodeOf(const Authenticator& authenticator, std::int64_t step) {
  const auto code = ComputeOtp(authenticator.algorithm, authenticator.secret,
                               static_cast<std::uint64_t>(step), authenticator.digits);
  return std::string(code.ExposeText());
}

// The step 1,000 lasts from 30,000 to 30,029.
constexpr std::int64_t kNow = 1000;
const TimePoint now = At(kNow * 30 + 7);

TEST(ComputeOtp, ThrowsWhereOpenSslHasNoMemoryAndWorksAgainAfterwards) {
  ASSERT_TRUE(memory_is_ours);
  const SecretBytes secret(kKey20);
  // OpenSSL begins for the first time; a failure in there would be for ever.
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  ASSERT_EQ(EVP_Q_digest(nullptr, "SHA1", nullptr, "", 0, digest.data(), nullptr), 1);
  // Every allocation fails once, until a call needs fewer than that.
  int failures = 0;
  for (int nth = 1; allocations_left == 0; ++nth) {
    allocations_left = nth;
    try {
      EXPECT_EQ(ComputeOtp(HashAlgorithm::kSha1, secret, 1, 6).ExposeText(), "287082");
    } catch (const std::bad_alloc&) {
      ++failures;
    }
  }
  allocations_left = 0;
  EXPECT_GT(failures, 5);
  EXPECT_EQ(ComputeOtp(HashAlgorithm::kSha1, secret, 1, 6).ExposeText(), "287082");
}

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

TEST(MatchOtp, FindsEveryStepOfTheWindowAndNoneBesideIt) {
  for (const int window : {0, 1, 2, 10}) {
    for (std::int64_t step = kNow - 12; step <= kNow + 12; ++step) {
      const Authenticator authenticator = Totp();
      const OtpMatch match = MatchOtp(authenticator, CodeOf(authenticator, step), now, window);
      const bool inside = step >= kNow - window && step <= kNow + window;
      EXPECT_EQ(match.fresh, inside ? std::optional(step) : std::nullopt) << window << " " << step;
      EXPECT_FALSE(match.replay);
    }
  }
}

TEST(MatchOtp, MovesTheWindowAtTheEdgeOfTheInterval) {
  const Authenticator authenticator = Totp();
  const std::string code = CodeOf(authenticator, kNow);
  EXPECT_FALSE(MatchOtp(authenticator, code, At((kNow - 1) * 30 - 1), 1).fresh);
  EXPECT_TRUE(MatchOtp(authenticator, code, At((kNow - 1) * 30), 1).fresh);
  EXPECT_TRUE(MatchOtp(authenticator, code, At((kNow + 2) * 30 - 1), 1).fresh);
  EXPECT_FALSE(MatchOtp(authenticator, code, At((kNow + 2) * 30), 1).fresh);
}

TEST(MatchOtp, HoldsForEveryAlgorithmAndNumberOfDigits) {
  for (const auto algorithm :
       {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha512}) {
    for (int digits = 6; digits <= 8; ++digits) {
      Authenticator authenticator = Totp();
      authenticator.algorithm = algorithm;
      authenticator.digits = digits;
      authenticator.interval = seconds(60);
      EXPECT_EQ(MatchOtp(authenticator, CodeOf(authenticator, 77), At(77 * 60), 0).fresh, 77);
    }
  }
}

TEST(MatchOtp, RefusesAStepThatWasAlreadySpent) {
  Authenticator authenticator = Totp();
  authenticator.mark = kNow;
  const OtpMatch match = MatchOtp(authenticator, CodeOf(authenticator, kNow), now, 1);
  EXPECT_FALSE(match.fresh);
  EXPECT_TRUE(match.replay);
}

TEST(MatchOtp, RefusesAStepBeforeTheMarkWithoutCallingItAReplay) {
  Authenticator authenticator = Totp();
  authenticator.mark = kNow;
  const OtpMatch match = MatchOtp(authenticator, CodeOf(authenticator, kNow - 1), now, 1);
  EXPECT_FALSE(match.fresh);
  EXPECT_FALSE(match.replay);
}

TEST(MatchOtp, TakesTheStepAfterTheMark) {
  Authenticator authenticator = Totp();
  authenticator.mark = kNow;
  const OtpMatch match = MatchOtp(authenticator, CodeOf(authenticator, kNow + 1), now, 1);
  EXPECT_EQ(match.fresh, kNow + 1);
  EXPECT_FALSE(match.replay);
}

TEST(MatchOtp, KnowsTheLastCodeLongAfterItsWindow) {
  Authenticator authenticator = Totp();
  authenticator.mark = kNow - 500;
  const OtpMatch match = MatchOtp(authenticator, CodeOf(authenticator, kNow - 500), now, 1);
  EXPECT_FALSE(match.fresh);
  EXPECT_TRUE(match.replay);
}

TEST(MatchOtp, AcceptsNothingThatIsSpentAfterTheClockWasTurnedBack) {
  Authenticator authenticator = Totp();
  authenticator.mark = kNow;
  for (std::int64_t step = kNow - 11; step <= kNow - 9; ++step) {
    const OtpMatch match =
        MatchOtp(authenticator, CodeOf(authenticator, step), At((kNow - 10) * 30), 1);
    EXPECT_FALSE(match.fresh) << step;
  }
}

TEST(MatchOtp, GivesTheHighestOfTwoStepsWithTheSameCode) {
  const Authenticator authenticator = Totp();
  const std::int64_t twin = 910738;  // found by trial
  const std::string code = CodeOf(authenticator, twin);
  ASSERT_EQ(CodeOf(authenticator, twin - 1), code);
  EXPECT_EQ(MatchOtp(authenticator, code, At(twin * 30), 1).fresh, twin);
  EXPECT_EQ(MatchOtp(authenticator, code, At((twin - 1) * 30), 0).fresh, twin - 1);
}

TEST(MatchOtp, ReachesNoStepBeforeZero) {
  const Authenticator authenticator = Totp();
  EXPECT_EQ(MatchOtp(authenticator, CodeOf(authenticator, 0), At(0), 1).fresh, 0);
  EXPECT_EQ(MatchOtp(authenticator, CodeOf(authenticator, 1), At(0), 1).fresh, 1);
  EXPECT_FALSE(MatchOtp(authenticator, CodeOf(authenticator, -1), At(0), 1).fresh);
}

TEST(MatchOtp, KnowsStepsBeyond32Bits) {
  Authenticator authenticator = Totp();
  authenticator.interval = seconds(5);
  const std::int64_t step = (std::int64_t{1} << 32) + 12345;
  EXPECT_EQ(MatchOtp(authenticator, CodeOf(authenticator, step), At(step * 5), 1).fresh, step);
  EXPECT_FALSE(MatchOtp(authenticator, CodeOf(authenticator, 12345), At(step * 5), 1).fresh);
  authenticator.mark = step;
  EXPECT_TRUE(MatchOtp(authenticator, CodeOf(authenticator, step), At(step * 5), 1).replay);
}

TEST(MatchOtp, StandsTheEndOfTime) {
  Authenticator authenticator = Totp();
  authenticator.interval = seconds(1);
  const std::int64_t last = kMaxInt64 - 1;
  EXPECT_EQ(MatchOtp(authenticator, CodeOf(authenticator, last), At(kMaxInt64), 10).fresh, last);
}

TEST(MatchOtp, MatchesNothingWhereTheClockIsBeforeTheEpoch) {
  const Authenticator authenticator = Totp();
  const OtpMatch match = MatchOtp(authenticator, CodeOf(authenticator, 0), At(-1), 1);
  EXPECT_FALSE(match.fresh);
  EXPECT_FALSE(match.replay);
}

TEST(MatchOtp, MatchesNothingThatHasNotExactlyTheDigits) {
  Authenticator authenticator = Totp();
  authenticator.digits = 7;
  authenticator.mark = kNow - 1;
  for (const std::int64_t step : {kNow, kNow - 1}) {
    const std::string code = CodeOf(authenticator, step);
    const std::string full_width = "\xef\xbc\x94" + code.substr(1);
    for (const std::string& bad : std::vector<std::string>{
             "", code.substr(1), code.substr(0, 6), "0" + code, code + "0", " " + code, code + " ",
             code + "\n", code + std::string(1, '\0'), code.substr(0, 3) + " " + code.substr(3),
             full_width, std::string(10'240, '0'), std::string(7, '\0'), "abcdefg"}) {
      const OtpMatch match = MatchOtp(authenticator, bad, now, 1);
      EXPECT_FALSE(match.fresh) << bad;
      EXPECT_FALSE(match.replay) << bad;
    }
  }
}

TEST(MatchOtp, MatchesNothingForARecordThatCannotBe) {
  for (const int digits : {-1, 0, 1, 5, 9, 10}) {
    Authenticator authenticator = Totp();
    authenticator.digits = digits;
    authenticator.mark = kNow - 1;
    const std::string code = digits < 0 ? "" : CodeOf(authenticator, kNow);
    EXPECT_FALSE(MatchOtp(authenticator, code, now, 1).fresh) << digits;
    EXPECT_FALSE(MatchOtp(authenticator, code, now, 1).replay) << digits;
  }
  Authenticator keyless = Totp();
  keyless.secret = SecretBytes();
  EXPECT_FALSE(MatchOtp(keyless, CodeOf(keyless, kNow), now, 1).fresh);
  Authenticator timeless = Totp();
  timeless.interval = seconds(0);
  EXPECT_FALSE(MatchOtp(timeless, CodeOf(timeless, kNow), now, 1).fresh);
  EXPECT_FALSE(MatchOtp(Totp(), CodeOf(Totp(), kNow), now, -1).fresh);
}

TEST(MatchOtp, LooksTenHotpCountersAhead) {
  for (const std::int64_t mark : {-1, 0, 41}) {
    Authenticator authenticator = Hotp();
    authenticator.mark = mark;
    for (std::int64_t counter = std::max<std::int64_t>(mark + 1, 0); counter <= mark + 14;
         ++counter) {
      const OtpMatch match = MatchOtp(authenticator, CodeOf(authenticator, counter), At(0), 1);
      const bool inside = counter <= mark + kHotpLookAhead;
      EXPECT_EQ(match.fresh, inside ? std::optional(counter) : std::nullopt) << mark << counter;
      EXPECT_FALSE(match.replay);
    }
  }
}

TEST(MatchOtp, KnowsTheLastHotpCodeAgainAndNoneBefore) {
  Authenticator authenticator = Hotp();
  authenticator.mark = 41;
  EXPECT_TRUE(MatchOtp(authenticator, CodeOf(authenticator, 41), At(0), 1).replay);
  EXPECT_FALSE(MatchOtp(authenticator, CodeOf(authenticator, 41), At(0), 1).fresh);
  EXPECT_FALSE(MatchOtp(authenticator, CodeOf(authenticator, 40), At(0), 1).replay);
  EXPECT_FALSE(MatchOtp(authenticator, CodeOf(authenticator, 40), At(0), 1).fresh);
}

TEST(MatchOtp, NeedsNoClockForHotp) {
  const Authenticator authenticator = Hotp();
  EXPECT_EQ(MatchOtp(authenticator, CodeOf(authenticator, 3), At(-5), 0).fresh, 3);
}

TEST(MatchOtp, KnowsHotpCountersBeyond32BitsAndTheirEnd) {
  Authenticator authenticator = Hotp();
  authenticator.mark = std::int64_t{1} << 32;
  const std::int64_t next = authenticator.mark + 1;
  EXPECT_EQ(MatchOtp(authenticator, CodeOf(authenticator, next), At(0), 1).fresh, next);
  authenticator.mark = kMaxInt64 - 3;
  const std::int64_t last = kMaxInt64 - 1;
  EXPECT_EQ(MatchOtp(authenticator, CodeOf(authenticator, last), At(0), 1).fresh, last);
  authenticator.mark = kMaxInt64;
  EXPECT_FALSE(MatchOtp(authenticator, CodeOf(authenticator, last), At(0), 1).fresh);
  EXPECT_TRUE(MatchOtp(authenticator, CodeOf(authenticator, kMaxInt64), At(0), 1).replay);
}

TEST(MatchOtp, ChangesNothing) {
  Authenticator authenticator = Hotp();
  authenticator.mark = 5;
  (void)MatchOtp(authenticator, CodeOf(authenticator, 6), At(0), 1);
  EXPECT_EQ(authenticator.mark, 5);
}

TEST(FindConsecutive, FindsAPairWithinTheWindowAboveTheMark) {
  Authenticator authenticator = Hotp();
  for (const std::int64_t mark : {std::int64_t{-1}, std::int64_t{41}, std::int64_t{1} << 40}) {
    authenticator.mark = mark;
    for (const int ahead : {1, 2, 500, kResyncWindow}) {
      const std::int64_t first = mark + ahead;
      EXPECT_EQ(FindConsecutive(authenticator, CodeOf(authenticator, first),
                                CodeOf(authenticator, first + 1)),
                first + 1);
    }
  }
}

TEST(FindConsecutive, FindsNoOtherPair) {
  Authenticator authenticator = Hotp();
  authenticator.mark = 41;
  const auto find = [&](std::int64_t first, std::int64_t second) {
    return FindConsecutive(authenticator, CodeOf(authenticator, first),
                           CodeOf(authenticator, second));
  };
  EXPECT_FALSE(find(41, 42));  // the first is spent
  EXPECT_FALSE(find(50, 50));
  EXPECT_FALSE(find(51, 50));
  EXPECT_FALSE(find(50, 52));
  EXPECT_FALSE(find(41 + kResyncWindow + 1, 41 + kResyncWindow + 2));
  EXPECT_FALSE(FindConsecutive(authenticator, "", ""));
  EXPECT_FALSE(FindConsecutive(Totp(), CodeOf(Totp(), 1), CodeOf(Totp(), 2)));
  authenticator.mark = kMaxInt64 - kResyncWindow;
  EXPECT_FALSE(find(authenticator.mark + 1, authenticator.mark + 2));
  authenticator = Hotp();
  authenticator.digits = 9;
  EXPECT_FALSE(FindConsecutive(authenticator, "755224", "287082"));
  authenticator.digits = 5;
  EXPECT_FALSE(FindConsecutive(authenticator, "755224", "287082"));
  authenticator.digits = 6;
  authenticator.secret = SecretBytes();
  EXPECT_FALSE(FindConsecutive(authenticator, "755224", "287082"));
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
