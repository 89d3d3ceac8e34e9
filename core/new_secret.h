// SPDX-License-Identifier: Apache-2.0
// A new one-time secret, as long as its algorithm deserves.
#pragma once

#include "core/account.h"
#include "core/random.h"

namespace sparekey {

// As many bytes as the algorithm's output has (RFC 6238 section 5.1): 20, 32 or 64.
SecretBytes MakeSecret(HashAlgorithm algorithm, const RandomSource& random);

}  // namespace sparekey
