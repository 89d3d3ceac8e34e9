// SPDX-License-Identifier: Apache-2.0
// Codes of a counter: how far ahead one is looked for, and what sets a lost counter right.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/otp.h"
#include "core/policy.h"
#include "tests/core/otp_authenticators.h"

namespace sparekey {
namespace {

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

// RFC 4226's secret: what follows is by chance.
TEST(MatchOtp, TakesTheNearerOfTwoCountersWithOneCode) {
  Authenticator authenticator = Hotp();
  ASSERT_EQ(CodeOf(authenticator, 2386), CodeOf(authenticator, 2394));
  authenticator.mark = 2385;
  EXPECT_EQ(MatchOtp(authenticator, "709847", At(0), 1).fresh, 2386);
}

TEST(MatchOtp, CallsTheLastCodeAReplayAlsoWhereALaterCounterHasIt) {
  Authenticator authenticator = Hotp();
  for (const auto& [counter, later] : {std::pair(2386, 2394), {1546576, 1546586}}) {
    const std::string code = CodeOf(authenticator, counter);
    ASSERT_EQ(CodeOf(authenticator, later), code);
    authenticator.mark = counter;
    const OtpMatch match = MatchOtp(authenticator, code, At(0), 1);
    EXPECT_TRUE(match.replay) << counter;
    EXPECT_FALSE(match.fresh) << counter;
  }
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
}  // namespace
}  // namespace sparekey
