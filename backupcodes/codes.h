// SPDX-License-Identifier: Apache-2.0
// Backup codes: 16 characters of Crockford base32 in four groups, K7QM-9TXR-4HWD-P2VN. The first
// character differs within a sheet and says which hash to try; 75 secret bits remain.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/account.h"
#include "core/random.h"
#include "core/result.h"
#include "core/secret.h"

namespace sparekey {

inline constexpr std::size_t kBackupCodeLength = 16;

// 16 characters of the alphabet, no dashes.
using BackupCode = SecretBytes;

// Any case, dashes and spaces anywhere, O as 0, I and L as 1. nullopt: not a backup code.
std::optional<BackupCode> ParseBackupCode(std::string_view text);
// K7QM-9TXR-4HWD-P2VN.
SecretBytes FormatBackupCode(const BackupCode& code);

// `count` (2..30) codes with different first characters.
std::vector<BackupCode> GenerateBackupCodes(int count, const RandomSource& random);

// Argon2id (19 MiB, 2 passes, 1 lane; libsodium) over BLAKE2b keyed with the code key, with a salt
// that is derived from the sheet's salt and the first character. About 15 ms and 19 MiB a call.
Result<std::array<std::uint8_t, 16>> HashBackupCode(const BackupCode& code,
                                                    const std::array<std::uint8_t, 16>& sheet_salt,
                                                    const SecretBytes& code_key);

// A new sheet and the codes that it was made from (hashes all of them: count x 15 ms).
struct NewSheet {
  Sheet sheet;
  std::vector<BackupCode> codes;
};
Result<NewSheet> MakeSheet(std::uint32_t number, int count, TimePoint issued,
                           const SecretBytes& code_key, const RandomSource& random);

// Index of the code in the sheet, spent or not. Exactly one Argon2id whatever the code: a first
// character that the sheet does not have costs a hash too.
Result<std::optional<std::uint8_t>> MatchBackupCode(const BackupCode& code, const Sheet& sheet,
                                                    const SecretBytes& code_key);

// What the person gets, once.
struct SheetExport {
  std::string host;
  std::string account;
  std::uint32_t number = 0;
  TimePoint issued{};
  int required = 2;
  const std::vector<BackupCode>* codes = nullptr;
};
SecretBytes ExportText(const SheetExport& sheet);
SecretBytes ExportJson(const SheetExport& sheet);

}  // namespace sparekey
