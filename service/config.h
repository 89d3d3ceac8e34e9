// SPDX-License-Identifier: Apache-2.0
// The configuration file (INI, Boost.Program_options) and the command-line options that all
// programs share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/local_console.h"
#include "core/result.h"

namespace sparekey {

inline constexpr char kDefaultConfig[] = "/etc/sparekey/sparekey.conf";
inline constexpr char kDefaultStateDir[] = "/var/lib/sparekey";
inline constexpr char kDefaultSocket[] = "/run/sparekey/api.sock";
inline constexpr char kDefaultMasterKey[] = "/etc/sparekey/master.key";

enum class AccountNames : std::uint8_t { kNss, kAny };

struct Config {
  std::string path = kDefaultConfig;
  std::string state_dir = kDefaultStateDir;
  std::string socket = kDefaultSocket;  // api.sock
  std::string master_key = kDefaultMasterKey;
  std::string notify_dir;  // notify.d, beside the configuration file
  AccountNames accounts = AccountNames::kNss;
  std::vector<std::string> admin_accounts;  // with accounts = any
  ConsoleConfig console;
  std::int64_t keep_event_days = 365, keep_events = 1'000'000;  // 0: for ever, all
  std::string log_level = "info";                               // trace debug info warn error

  std::string PamSocket() const;  // pam.sock beside `socket`
};

struct ConfigOptions {
  std::optional<std::string> config, state_dir, socket;
};
// A missing file at the default place is an empty one; a file that was named must exist. With a
// state_dir on the command line, socket and master_key default to files in it (api.sock,
// master.key); so does notify_dir (notify.d) where no configuration file is named. Errors name
// file, line or key, and the values that are possible.
Result<Config> LoadConfig(const ConfigOptions& options);

}  // namespace sparekey
