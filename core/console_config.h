// SPDX-License-Identifier: Apache-2.0
// What the two readers of the configuration file share (core/console_config.cc without Boost for
// the PAM module, service/config.cc with it), so that they agree. libc only.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <string_view>

#include "core/local_console.h"
#include "core/result.h"

namespace sparekey {

inline constexpr std::size_t kMaxConfigBytes = 64 * 1024;

// A regular file of root or of this process's user that nobody else may write to.
bool IsTrustedConfig(const struct stat& status);

// Errors say what is possible, without the key.
Status SetConsoleTtys(ConsoleConfig& config, std::string_view value);
Status SetConsoleServices(ConsoleConfig& config, std::string_view value);
Status SetConsoleAllow(ConsoleConfig& config, std::string_view value);

}  // namespace sparekey
