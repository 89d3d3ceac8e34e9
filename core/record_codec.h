// SPDX-License-Identifier: Apache-2.0
// Records as bytes: what is sealed into a row of the store. A version byte, then fields in a fixed
// order; whole numbers as LEB128, signed ones zigzagged, texts and lists with their length in
// front. Every read is bounded and every value checked, so that hostile bytes give an error and
// nothing else. A record that has been written can always be read back.
#pragma once

#include <cstdint>
#include <span>

#include "core/account.h"
#include "core/alerts.h"
#include "core/events.h"
#include "core/policy.h"
#include "core/result.h"
#include "core/secret.h"

namespace sparekey {

// kInvalid, with the account and the field, where a record is outside the limits of core/account.h.
Status CheckAccount(const Account& account);

// Without name and uid, which are the row's. `account` passes CheckAccount.
SecretBytes EncodeAccount(const Account& account);
Result<Account> DecodeAccount(std::span<const std::uint8_t> bytes);

SecretBytes EncodeSystem(const SystemState& system);
Result<SystemState> DecodeSystem(std::span<const std::uint8_t> bytes);

// The settings that differ from the default, as text: new settings and new defaults take effect
// when the program is upgraded. A setting that this program does not know is kDamaged.
SecretBytes EncodePolicy(const Policy& policy);
Result<Policy> DecodePolicy(std::span<const std::uint8_t> bytes);

// Kind, door, remote host and detail; id, time and account are the row's. Texts beyond
// kMaxEventText bytes are cut off.
inline constexpr std::size_t kMaxEventText = 1024;
SecretBytes EncodeEvent(const Event& event);
Result<Event> DecodeEvent(std::span<const std::uint8_t> bytes);

// Times, count and detail; the rest is the row's.
SecretBytes EncodeAlert(const Alert& alert);
Result<Alert> DecodeAlert(std::span<const std::uint8_t> bytes);

}  // namespace sparekey
