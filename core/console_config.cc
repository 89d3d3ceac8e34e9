// SPDX-License-Identifier: Apache-2.0
// The console.* keys of the configuration file, for the PAM module: the same INI as
// service/config.cc reads with Boost, without Boost.
#include "core/console_config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/unique_fd.h"

namespace sparekey {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<std::string> ReadAll(int fd) {
  std::string text;
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t bytes = read(fd, piece.data(), piece.size());
    if (bytes == 0) return text;
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0 || text.size() + static_cast<std::size_t>(bytes) > kMaxConfigBytes) {
      return std::nullopt;
    }
    text.append(piece.data(), static_cast<std::size_t>(bytes));
  }
}

std::optional<std::string> ReadTrustedFile(const std::string& path) {
  // Nothing to wait for: a FIFO put there must not hold up a login.
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!fd || fstatat(fd.get(), "", &status, AT_EMPTY_PATH) != 0 || !IsTrustedConfig(status))
    return std::nullopt;
  return ReadAll(fd.get());
}

// "[section]" and "key = value" lines, '#' begins a comment anywhere: what Boost reads.
class IniReader {
 public:
  // False: the file is bad.
  bool ReadLine(std::string_view line) {
    line = Trim(line.substr(0, line.find('#')));
    if (line.empty()) return true;
    if (line.front() == '[' && line.back() == ']') {
      section_ = line.substr(1, line.size() - 2);
      if (section_.empty()) return false;
      if (section_.back() != '.') section_ += '.';
      return true;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return false;
    return Set(section_ + std::string(Trim(line.substr(0, equals))), Trim(line.substr(equals + 1)));
  }

  ConsoleConfig config;

 private:
  bool Set(std::string_view key, std::string_view value) {
    if (key == "console.ttys") return SetOnce(ttys_, SetConsoleTtys(config, value));
    if (key == "console.services") return SetOnce(services_, SetConsoleServices(config, value));
    if (key == "console.allow") return SetOnce(allow_, SetConsoleAllow(config, value));
    return !key.starts_with("console.");  // the others are service/config.cc's
  }
  static bool SetOnce(bool& was_set, const Status& status) {
    return !std::exchange(was_set, true) && status.ok();
  }

  std::string section_;
  bool ttys_ = false, services_ = false, allow_ = false;
};

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = Trim(text.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

Result<std::vector<std::string>> ParseNames(std::string_view text, std::string_view allowed) {
  std::vector<std::string> items = SplitList(text);
  for (const std::string& item : items) {
    for (const char c : item) {
      const bool is_alphanumeric =
          (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (!is_alphanumeric && allowed.find(c) == std::string_view::npos) {
        return Invalid("names separated by commas, made of letters, digits and " +
                       std::string(allowed));
      }
    }
  }
  return items;
}

}  // namespace

bool IsTrustedConfig(const struct stat& status) {
  return S_ISREG(status.st_mode) && (status.st_uid == 0 || status.st_uid == geteuid()) &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

Status SetConsoleTtys(ConsoleConfig& config, std::string_view value) {
  auto names = ParseNames(value, "_-.*?[]!");  // below /dev, so without '/'
  if (!names) return names.error();
  config.ttys = *std::move(names);
  return Ok();
}

Status SetConsoleServices(ConsoleConfig& config, std::string_view value) {
  auto names = ParseNames(value, "_-.@");
  if (!names) return names.error();
  config.services = *std::move(names);
  return Ok();
}

Status SetConsoleAllow(ConsoleConfig& config, std::string_view value) {
  if (value != "console" && value != "root") return Invalid("console or root");
  config.allow_root = value == "root";
  return Ok();
}

ConsoleConfig LoadConsoleConfig(const std::string& path) {
  const auto text = ReadTrustedFile(path);
  if (!text || text->find('\0') != std::string::npos) return {};
  IniReader reader;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (!reader.ReadLine(rest.substr(0, end))) return {};
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return std::move(reader.config);
}

}  // namespace sparekey
