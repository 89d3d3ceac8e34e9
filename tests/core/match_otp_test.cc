// SPDX-License-Identifier: Apache-2.0
// Which step a code of a clock is of, and whether it was spent.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/otp.h"
#include "tests/core/otp_authenticators.h"

namespace sparekey {
namespace {

using std::chrono::seconds;

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

TEST(MatchOtp, GivesTheEarlierOfTwoStepsWithOneCode) {
  Authenticator authenticator = Totp();
  const std::int64_t twin = 910738;  // found by trial
  const std::string code = CodeOf(authenticator, twin);
  ASSERT_EQ(CodeOf(authenticator, twin - 1), code);
  EXPECT_EQ(MatchOtp(authenticator, code, At(twin * 30), 1).fresh, twin - 1);
  EXPECT_EQ(MatchOtp(authenticator, code, At(twin * 30), 0).fresh, twin);
  authenticator.mark = twin - 1;
  EXPECT_FALSE(MatchOtp(authenticator, code, At(twin * 30), 1).fresh);
  EXPECT_TRUE(MatchOtp(authenticator, code, At(twin * 30), 1).replay);
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
}  // namespace
}  // namespace sparekey
