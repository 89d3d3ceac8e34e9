// SPDX-License-Identifier: Apache-2.0
// Base32 (RFC 4648 section 6), as authenticator apps read it: upper case, no padding.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/secret.h"

namespace sparekey {

SecretBytes EncodeBase32(std::span<const std::uint8_t> bytes);
// Any case; spaces, dashes and trailing '=' are ignored. nullopt: another character, an impossible
// length, or left-over bits that are not zero.
std::optional<SecretBytes> DecodeBase32(std::string_view text);

}  // namespace sparekey
