// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_status.h"

#include <gtest/gtest.h>

namespace sparekey {
namespace {

int OfError(std::string_view code, int http) {
  return static_cast<int>(StatusOfApiError(code, http));
}
int OfVerdict(std::string_view verdict, std::string_view reason) {
  return static_cast<int>(StatusOfVerdict(verdict, reason));
}

TEST(ExitStatus, FollowsTheCodeOfAnApiError) {
  EXPECT_EQ(OfError("invalid", 400), 2);
  EXPECT_EQ(OfError("conflict", 409), 2);
  EXPECT_EQ(OfError("not_found", 404), 7);
  EXPECT_EQ(OfError("not_allowed", 403), 6);
  EXPECT_EQ(OfError("wrong_code", 403), 1);
  EXPECT_EQ(OfError("unavailable", 503), 5);
  EXPECT_EQ(OfError("damaged", 500), 5);
  EXPECT_EQ(OfError("busy", 429), 9);
  EXPECT_EQ(OfError("clock", 503), 9);
}

TEST(ExitStatus, FollowsTheHttpStatusWhereTheCodeIsUnknown) {
  EXPECT_EQ(OfError("", 400), 2);
  EXPECT_EQ(OfError("", 403), 6);
  EXPECT_EQ(OfError("new_code", 404), 7);
  EXPECT_EQ(OfError("", 405), 2);
  EXPECT_EQ(OfError("", 408), 9);
  EXPECT_EQ(OfError("", 413), 2);
  EXPECT_EQ(OfError("", 429), 9);
  EXPECT_EQ(OfError("", 500), 5);
  EXPECT_EQ(OfError("", 302), 5);
}

TEST(ExitStatus, FollowsTheReasonOfAVerdict) {
  EXPECT_EQ(OfVerdict("accept", "accepted"), 0);
  EXPECT_EQ(OfVerdict("accept", "recovered"), 0);
  EXPECT_EQ(OfVerdict("accept", "not_required"), 0);
  EXPECT_EQ(OfVerdict("deny", "wrong_code"), 1);
  EXPECT_EQ(OfVerdict("deny", "wrong_codes"), 1);
  EXPECT_EQ(OfVerdict("deny", "not_an_attempt"), 1);
  EXPECT_EQ(OfVerdict("deny", "locked"), 3);
  EXPECT_EQ(OfVerdict("deny", "super_locked"), 4);
  EXPECT_EQ(OfVerdict("deny", "gate_closed"), 8);
  EXPECT_EQ(OfVerdict("deny", "not_enrolled"), 7);
  EXPECT_EQ(OfVerdict("deny", "identity_changed"), 7);
  EXPECT_EQ(OfVerdict("deny", "clock_wrong"), 9);
}

TEST(ExitStatus, IsNeverDoneWithoutTheVerdictAccept) {
  for (const char* reason : {"accepted", "recovered", "not_required", "", "something"}) {
    EXPECT_NE(OfVerdict("deny", reason), 0) << reason;
    EXPECT_NE(OfVerdict("", reason), 0) << reason;
    EXPECT_NE(OfVerdict("ACCEPT", reason), 0) << reason;
  }
}

}  // namespace
}  // namespace sparekey
