// SPDX-License-Identifier: Apache-2.0
#include "core/seal.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "core/files.h"
#include "core/random.h"

namespace sparekey {
namespace {

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kMasterKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kMasterKeyBytes == crypto_kdf_KEYBYTES);
static_assert(kSealOverheadBytes == kNonceBytes + kTagBytes);

// Locked memory for a key. Without it the process cannot keep its promises: it ends.
std::uint8_t* NewKey() {
  void* key = sodium_init() < 0 ? nullptr : sodium_malloc(kMasterKeyBytes);
  if (key == nullptr) std::abort();
  return static_cast<std::uint8_t*>(key);
}

const std::uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

Error BadSize(const std::string& path) {
  return {ErrorCode::kDamaged, path + ": is not a master key: it must have exactly " +
                                   std::to_string(kMasterKeyBytes) +
                                   " bytes; restore it from a backup"};
}

}  // namespace

void MasterKey::Free::operator()(std::uint8_t* key) const { sodium_free(key); }

Result<MasterKey> MasterKey::Load(const std::string& path) {
  Result<UniqueFd> fd = OpenPrivate(path, O_RDONLY);
  if (!fd && fd.error().code == ErrorCode::kNotFound) {
    return Error{ErrorCode::kNotFound,
                 path +
                     ": there is no master key; put it back from a backup, or on a new machine "
                     "make key and store with: sparekey init"};
  }
  if (!fd) return fd.error();
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return SystemError(path, "look at");
  if (info.st_size != static_cast<off_t>(kMasterKeyBytes)) return BadSize(path);
  MasterKey master;
  master.key_.reset(NewKey());
  std::size_t filled = 0;
  while (filled < kMasterKeyBytes) {
    const ssize_t got = ::read(fd->get(), master.key_.get() + filled, kMasterKeyBytes - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, "read");
    if (got == 0) return BadSize(path);
    filled += static_cast<std::size_t>(got);
  }
  sodium_mprotect_readonly(master.key_.get());
  return master;
}

Status MasterKey::Create(const std::string& path) {
  const UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd && errno == EEXIST) {
    return Error{ErrorCode::kConflict, path + ": a master key exists already; it is kept"};
  }
  if (!fd) return SystemError(path, "create");
  SecretBytes key(kMasterKeyBytes);
  FillRandom(key.Expose());
  Status status = WriteAll(fd.get(), key.Expose(), path);
  if (status && ::fsync(fd.get()) != 0) status = SystemError(path, "sync");
  if (status) status = SyncFolder(ParentFolder(path));
  if (!status) ::unlink(path.c_str());
  return status;
}

MasterKey MasterKey::FromBytes(std::span<const std::uint8_t, kMasterKeyBytes> bytes) {
  MasterKey master;
  master.key_.reset(NewKey());
  std::copy(bytes.begin(), bytes.end(), master.key_.get());
  sodium_mprotect_readonly(master.key_.get());
  return master;
}

std::vector<std::uint8_t> MasterKey::Seal(std::span<const std::uint8_t> plain,
                                          std::string_view context) const {
  std::vector<std::uint8_t> sealed(plain.size() + kSealOverheadBytes);
  FillRandom(std::span(sealed).first(kNonceBytes));
  crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data() + kNonceBytes, nullptr, plain.data(),
                                             plain.size(), Bytes(context), context.size(), nullptr,
                                             sealed.data(), key_.get());
  return sealed;
}

Result<SecretBytes> MasterKey::Open(std::span<const std::uint8_t> sealed,
                                    std::string_view context) const {
  const auto damaged = [] { return Error{ErrorCode::kDamaged, "a sealed value does not verify"}; };
  if (sealed.size() < kSealOverheadBytes) return damaged();
  SecretBytes plain(sealed.size() - kSealOverheadBytes);
  const auto body = sealed.subspan(kNonceBytes);
  const int refused = crypto_aead_xchacha20poly1305_ietf_decrypt(
      plain.Expose().data(), nullptr, nullptr, body.data(), body.size(), Bytes(context),
      context.size(), sealed.data(), key_.get());
  if (refused != 0) return damaged();
  return plain;
}

SecretBytes MasterKey::Derive(std::uint64_t id, std::string_view purpose8) const {
  char purpose[crypto_kdf_CONTEXTBYTES] = {};
  std::copy_n(purpose8.begin(), std::min(purpose8.size(), sizeof(purpose)), purpose);
  SecretBytes key(kMasterKeyBytes);
  crypto_kdf_derive_from_key(key.Expose().data(), key.size(), id, purpose, key_.get());
  return key;
}

}  // namespace sparekey
