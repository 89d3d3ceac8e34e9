// SPDX-License-Identifier: Apache-2.0
// Sealing under the master key: XChaCha20-Poly1305 (libsodium), a random 24-byte nonce in front,
// the 16-byte tag behind. The context (table, account, uid, field, version) is authenticated, so
// that a value moved to another row does not open.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/secret.h"

namespace sparekey {

inline constexpr std::size_t kMasterKeyBytes = 32;
inline constexpr std::size_t kSealOverheadBytes = 40;

class MasterKey {
 public:
  // A regular file, no symlink, owned by this process's user, mode 0600 or stricter, of exactly
  // kMasterKeyBytes. The error names the path and what is wrong with it.
  static Result<MasterKey> Load(const std::string& path);
  // Creates the file (O_EXCL, 0600, fsync of file and folder) with a random key.
  static Status Create(const std::string& path);
  static MasterKey FromBytes(std::span<const std::uint8_t, kMasterKeyBytes> bytes);

  std::vector<std::uint8_t> Seal(std::span<const std::uint8_t> plain,
                                 std::string_view context) const;
  // kDamaged if it does not verify.
  Result<SecretBytes> Open(std::span<const std::uint8_t> sealed, std::string_view context) const;

  // A key for one purpose ("codes"), derived with crypto_kdf; never stored. Only the first eight
  // bytes of the purpose count.
  SecretBytes Derive(std::uint64_t id, std::string_view purpose8) const;

 private:
  struct Free {
    void operator()(std::uint8_t* key) const;  // sodium_free
  };
  std::unique_ptr<std::uint8_t[], Free> key_;  // sodium_malloc: locked, guarded, not dumped
};

}  // namespace sparekey
