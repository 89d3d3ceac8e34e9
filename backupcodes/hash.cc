// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "backupcodes/codes.h"

namespace sparekey {
namespace {

// OWASP's parameters for Argon2id with 19 MiB; libsodium's lane count is 1.
constexpr std::size_t kMemoryBytes = std::size_t{19} * 1024 * 1024;
constexpr unsigned long long kPasses = 2;
constexpr int kMinCodes = 2;
constexpr int kMaxCodes = 30;

using Hash = std::array<std::uint8_t, 16>;
static_assert(std::tuple_size_v<Hash> == crypto_pwhash_SALTBYTES);

// BLAKE2b of the sheet's salt and the code's first character.
Hash CodeSalt(const Hash& sheet_salt, std::uint8_t first) {
  std::array<std::uint8_t, std::tuple_size_v<Hash> + 1> input{};
  std::copy(sheet_salt.begin(), sheet_salt.end(), input.begin());
  input.back() = first;
  Hash salt{};
  crypto_generichash(salt.data(), salt.size(), input.data(), input.size(), nullptr, 0);
  return salt;
}

}  // namespace

Result<Hash> HashBackupCode(const BackupCode& code, const Hash& sheet_salt,
                            const SecretBytes& code_key) {
  // Idempotent and thread-safe; chooses the fast implementations of this processor.
  if (sodium_init() < 0) return Error{ErrorCode::kUnavailable, "libsodium does not start"};
  if (code.size() != kBackupCodeLength) return Invalid("a backup code has 16 characters");
  if (code_key.size() < crypto_generichash_KEYBYTES_MIN ||
      code_key.size() > crypto_generichash_KEYBYTES_MAX) {
    return Invalid("the key for backup codes must have 16..64 bytes");
  }
  SecretBytes keyed(crypto_generichash_BYTES);
  crypto_generichash(keyed.Expose().data(), keyed.size(), code.Expose().data(), code.size(),
                     code_key.Expose().data(), code_key.size());
  const Hash salt = CodeSalt(sheet_salt, code.Expose()[0]);
  Hash hash{};
  if (crypto_pwhash(hash.data(), hash.size(), keyed.ExposeText().data(), keyed.size(), salt.data(),
                    kPasses, kMemoryBytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return Error{ErrorCode::kUnavailable, "no memory for hashing a backup code (19 MiB)"};
  }
  return hash;
}

Result<NewSheet> MakeSheet(std::uint32_t number, int count, TimePoint issued,
                           const SecretBytes& code_key, const RandomSource& random) {
  if (count < kMinCodes || count > kMaxCodes) {
    return Invalid("a sheet has 2..30 backup codes, not " + std::to_string(count));
  }
  NewSheet made;
  made.sheet.number = number;
  made.sheet.issued = issued;
  random(made.sheet.salt);
  made.codes = GenerateBackupCodes(count, random);
  for (const BackupCode& code : made.codes) {
    const auto hash = HashBackupCode(code, made.sheet.salt, code_key);
    if (!hash) return hash.error();
    made.sheet.codes.push_back({static_cast<char>(code.Expose()[0]), *hash, false});
  }
  return made;
}

Result<std::optional<std::uint8_t>> MatchBackupCode(const BackupCode& code, const Sheet& sheet,
                                                    const SecretBytes& code_key) {
  const auto hash = HashBackupCode(code, sheet.salt, code_key);
  if (!hash) return hash.error();
  // The salt holds the first character, so that only the record with that character can be equal;
  // all are compared, for the time to say nothing.
  std::optional<std::uint8_t> match;
  for (std::size_t i = 0; i < sheet.codes.size(); ++i) {
    if (ConstantTimeEqual(*hash, sheet.codes[i].hash)) match = static_cast<std::uint8_t>(i);
  }
  return match;
}

}  // namespace sparekey
