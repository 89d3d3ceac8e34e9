// SPDX-License-Identifier: Apache-2.0
// The state of everything on one screen of the local console, also where the service is down.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/console_place.h"

namespace sparekey {

struct ConsoleState {
  std::optional<Failure> failure;                 // why the rest of this block is not known
  SecretJson status;                              // as GET /v1/status
  std::vector<std::string> locked, super_locked;  // the first few names

  ConsolePlace::Service service = ConsolePlace::Service::kDown;
  bool mounted = false;
  std::string holder;  // of a service that hangs
  std::string state_dir;
  std::optional<std::uint64_t> bytes_free;  // of the store's disk
  bool disk_full = false;                   // of bytes or of files
  bool has_reserve = false;

  bool IsSuperLocked() const;
  bool IsGateClosed() const;
  std::optional<bool> IsTwoFactorOn() const;  // none: it is not known
};

ConsoleState LoadConsoleState(const Config& config, ConsolePlace& place);

// At most 12 lines.
std::vector<std::string> LinesOf(const ConsoleState& state);
Json JsonOf(const ConsoleState& state);

}  // namespace sparekey
