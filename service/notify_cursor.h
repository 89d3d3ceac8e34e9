// SPDX-License-Identifier: Apache-2.0
// The file that says up to which event everything was told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/result.h"
#include "core/seal.h"

namespace sparekey {

// Another key, another store: a word of hexadecimal digits.
std::string NameStore(const MasterKey& key);

// "12 9f86d081884c7d65\n"; without a word it fits every store.
struct NotifyCursor {
  std::int64_t id = 0;
  std::string store;
  TimePoint written{};
};

// nullopt: there is none, or nothing that can be read.
std::optional<NotifyCursor> ReadNotifyCursor(const std::string& path);

// Synced, since a cut to nothing would look as if everything had been told. A whole one that a
// power cut takes back leads to telling twice.
Status WriteNotifyCursor(const std::string& path, std::int64_t id, const std::string& store);

}  // namespace sparekey
