// SPDX-License-Identifier: Apache-2.0
// Backup codes where libsodium does not start: its first call fails in this whole program.
#include <gtest/gtest.h>
#include <sodium.h>

#include "backupcodes/codes.h"

extern "C" int sodium_init() { return -1; }

namespace sparekey {
namespace {

TEST(BackupCodes, CannotBeDecidedWhereLibsodiumDoesNotStart) {
  const SecretBytes key(std::string(32, 'k'));
  const auto hash = HashBackupCode(BackupCode(std::string_view("K7QM9TXR4HWDP2VN")), {}, key);
  ASSERT_FALSE(hash);
  EXPECT_EQ(hash.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(MatchBackupCode(BackupCode(std::string_view("K7QM9TXR4HWDP2VN")), Sheet{}, key));
  EXPECT_FALSE(MakeSheet(1, 2, TimePoint{}, key, FillRandom));
}

}  // namespace
}  // namespace sparekey
