// SPDX-License-Identifier: Apache-2.0
#include "service/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "core/account.h"
#include "core/console_config.h"
#include "service/logging.h"

namespace sparekey {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kBlank = " \t\r\n";

struct Key {
  const char* name;
  Status (*set)(Config& config, const std::string& value);
};

Status SetPath(std::string& path, const std::string& value) {
  if (value.empty() || value.front() != '/') return Invalid("an absolute path");
  path = value;
  return Ok();
}

Status SetAccounts(Config& config, const std::string& value) {
  if (value != "nss" && value != "any") return Invalid("nss or any");
  config.accounts = value == "any" ? AccountNames::kAny : AccountNames::kNss;
  return Ok();
}

Status SetAdminAccounts(Config& config, const std::string& value) {
  std::istringstream items(value);
  config.admin_accounts.clear();
  for (std::string item; std::getline(items, item, ',');) {
    const std::size_t first = item.find_first_not_of(kBlank);
    if (first == std::string::npos) continue;
    item = item.substr(first, item.find_last_not_of(kBlank) - first + 1);
    if (!IsAccountName(item)) return Invalid("account names separated by commas");
    config.admin_accounts.push_back(std::move(item));
  }
  return Ok();
}

Status SetLogLevel(Config& config, const std::string& value) {
  if (const auto level = ParseLogLevel(value); !level) return level.error();
  config.log_level = value;
  return Ok();
}

Status SetCount(std::int64_t& count, const std::string& value, std::int64_t least,
                std::int64_t most) {
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool is_number = error == std::errc() && end == value.data() + value.size();
  if (!is_number || (number != 0 && (number < least || number > most))) {
    return Invalid("0 or " + std::to_string(least) + ".." + std::to_string(most));
  }
  count = number;
  return Ok();
}

constexpr std::array<Key, 11> kKeys{{
    {"accounts", SetAccounts},
    {"admin_accounts", SetAdminAccounts},
    {"master_key", [](Config& c, const std::string& v) { return SetPath(c.master_key, v); }},
    {"state_dir", [](Config& c, const std::string& v) { return SetPath(c.state_dir, v); }},
    {"socket", [](Config& c, const std::string& v) { return SetPath(c.socket, v); }},
    {"log_level", SetLogLevel},
    {"events.keep_days",
     [](Config& c, const std::string& v) { return SetCount(c.keep_event_days, v, 1, 36'500); }},
    {"events.keep",
     [](Config& c, const std::string& v) {
       return SetCount(c.keep_events, v, 1'000, 1'000'000'000);
     }},
    {"console.ttys", [](Config& c, const std::string& v) { return SetConsoleTtys(c.console, v); }},
    {"console.services",
     [](Config& c, const std::string& v) { return SetConsoleServices(c.console, v); }},
    {"console.allow",
     [](Config& c, const std::string& v) { return SetConsoleAllow(c.console, v); }},
}};

Error BadFile(const std::string& path, const std::string& why) {
  return {ErrorCode::kInvalid, "configuration file " + path + ": " + why};
}

// nullopt: there is none.
Result<std::optional<std::string>> ReadConfigFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 && errno == ENOENT) return std::optional<std::string>();
  if (fd < 0) return BadFile(path, std::strerror(errno));
  struct stat status {};
  std::string text(kMaxConfigBytes + 1, '\0');
  const bool is_trusted = fstat(fd, &status) == 0 && IsTrustedConfig(status);
  const ssize_t bytes = is_trusted ? read(fd, text.data(), text.size()) : 0;
  const int error = errno;
  close(fd);
  if (!is_trusted) {
    return BadFile(path,
                   "must be a file that belongs to root or to you and that nobody else may "
                   "write to");
  }
  if (bytes < 0) return BadFile(path, std::strerror(error));
  if (static_cast<std::size_t>(bytes) > kMaxConfigBytes) return BadFile(path, "more than 64 KiB");
  text.resize(static_cast<std::size_t>(bytes));
  if (text.find('\0') != std::string::npos) return BadFile(path, "holds a NUL byte");
  return std::optional<std::string>(std::move(text));
}

// Finds the line of what Boost reports without one, and "[]", which it does not survive.
Status CheckLines(const std::string& path, const std::string& text) {
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line.erase(std::min(line.find('#'), line.size()));
    const std::size_t first = line.find_first_not_of(kBlank);
    if (first == std::string::npos) continue;
    line = line.substr(first, line.find_last_not_of(kBlank) - first + 1);
    const bool is_section = line.front() == '[' && line.back() == ']';
    if (is_section ? line == "[]" : line.find('=') == std::string::npos) {
      return BadFile(path, "line " + std::to_string(number) +
                               " is no \"key = value\": " + EscapeForLog(line, 80));
    }
  }
  return Ok();
}

std::string KeyNames() {
  std::string names;
  for (const Key& key : kKeys) names += (names.empty() ? "" : ", ") + std::string(key.name);
  return names;
}

// Sets what the file says; `given` gets the names of the keys that it holds.
Status ApplyFile(Config& config, const std::string& text, std::set<std::string>& given) {
  if (auto status = CheckLines(config.path, text); !status) return status;
  po::options_description description;
  for (const Key& key : kKeys) description.add_options()(key.name, po::value<std::string>());
  try {
    std::istringstream stream(text);
    const auto parsed = po::parse_config_file(stream, description);
    for (const po::option& option : parsed.options) {
      if (!given.insert(option.string_key).second) {
        return BadFile(config.path, option.string_key + " is there twice");
      }
      for (const Key& key : kKeys) {
        if (option.string_key != key.name) continue;
        if (const Status status = key.set(config, option.value.at(0)); !status) {
          return BadFile(config.path, option.string_key + ": " + status.error().message);
        }
      }
    }
  } catch (const po::unknown_option& error) {
    return BadFile(config.path, "unknown key " + EscapeForLog(error.get_option_name(), 80) +
                                    "; possible keys: " + KeyNames());
  } catch (const std::exception& error) {
    return BadFile(config.path, EscapeForLog(error.what(), 200));
  }
  return Ok();
}

Result<std::string> AbsolutePath(const char* option, const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (path.empty() || error) return Invalid(std::string(option) + ": not a path");
  return absolute.lexically_normal().string();
}

Status ApplyOptions(Config& config, const ConfigOptions& options,
                    const std::set<std::string>& given) {
  if (options.state_dir) {
    const auto folder = AbsolutePath("--state-dir", *options.state_dir);
    if (!folder) return folder.error();
    config.state_dir = *folder;
    const std::filesystem::path base(*folder);
    // Several may run side by side: the system's own file does not count for them.
    const bool named = options.config.has_value();
    if (!named || !given.contains("socket")) config.socket = (base / "api.sock").string();
    if (!named || !given.contains("master_key")) config.master_key = (base / "master.key").string();
  }
  if (options.socket) {
    const auto socket = AbsolutePath("--socket", *options.socket);
    if (!socket) return socket.error();
    config.socket = *socket;
  }
  if (config.socket == config.PamSocket() || config.socket.back() == '/') {
    return Invalid("socket: " + config.socket + " must be a file, and not pam.sock");
  }
  return Ok();
}

}  // namespace

std::string Config::PamSocket() const {
  return (std::filesystem::path(socket).parent_path() / "pam.sock").string();
}

Result<Config> LoadConfig(const ConfigOptions& options) {
  Config config;
  if (options.config) {
    auto path = AbsolutePath("--config", *options.config);
    if (!path) return path.error();
    config.path = *std::move(path);
  }
  const auto text = ReadConfigFile(config.path);
  if (!text) return text.error();
  if (!*text && options.config) return BadFile(config.path, "there is no such file");
  std::set<std::string> given;
  if (*text) {
    if (auto status = ApplyFile(config, **text, given); !status) return status.error();
  }
  if (auto status = ApplyOptions(config, options, given); !status) return status.error();
  const bool apart = options.state_dir && !options.config;
  const std::filesystem::path beside =
      apart ? config.state_dir : std::filesystem::path(config.path).parent_path().string();
  config.notify_dir = (beside / "notify.d").string();
  return config;
}

}  // namespace sparekey
