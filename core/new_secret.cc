// SPDX-License-Identifier: Apache-2.0
#include "core/new_secret.h"

namespace sparekey {
namespace {

// RFC 4226 section 4 recommends 160 bits, which is SHA-1's.
std::size_t SecretLength(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha256:
      return 32;
    case HashAlgorithm::kSha512:
      return 64;
    case HashAlgorithm::kSha1:
      break;
  }
  return 20;
}

}  // namespace

SecretBytes MakeSecret(HashAlgorithm algorithm, const RandomSource& random) {
  SecretBytes secret(SecretLength(algorithm));
  random(secret.Expose());
  return secret;
}

}  // namespace sparekey
