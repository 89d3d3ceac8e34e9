// SPDX-License-Identifier: Apache-2.0
#include "pam/options.h"

#include <array>
#include <charconv>
#include <string_view>

#include "core/utf8.h"
#include "pam/text.h"

namespace sparekey::pam {
namespace {

using std::string_view_literals::operator""sv;  // for words whose length is known

std::optional<int> ParseNumber(std::string_view text, int least, int most) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || number < least || number > most) return std::nullopt;
  return number;
}

bool SetFlag(Options& options, std::string_view word) {
  struct Flag {
    std::string_view name;
    bool Options::*member;
  };
  static constexpr std::array<Flag, 7> kFlags{{
      {"echo_code", &Options::echo_code},
      {"debug", &Options::debug},
      {"no_recovery", &Options::no_recovery},
      {"ask_first", &Options::ask_first},
      {"try_first_pass", &Options::try_first_pass},
      {"use_first_pass", &Options::use_first_pass},
      {"forward_pass", &Options::forward_pass},
  }};
  for (const auto& [name, member] : kFlags) {
    if (word != name) continue;
    options.*member = true;
    return true;
  }
  return false;
}

bool SetPath(std::string_view& path, std::string_view value) {
  path = value;
  return value.starts_with('/');
}

bool SetText(std::string& text, std::string_view value) {
  text = value;
  return !value.empty() && value.size() <= 256 && IsUtf8(value);
}

bool SetTimeout(Options& options, std::string_view value) {
  const auto seconds = ParseNumber(value, 1, 30);
  if (seconds) options.timeout = std::chrono::seconds(*seconds);
  return seconds.has_value();
}

bool SetDigits(Options& options, std::string_view value) {
  const auto digits = ParseNumber(value, 6, 8);
  if (digits) options.code_digits = static_cast<std::size_t>(*digits);
  return digits.has_value();
}

bool SetFirstFactor(Options& options, std::string_view value) {
  options.waive_first_factor = value == "none"sv;
  return value == "none"sv || value == "auto"sv;
}

bool SetUnenrolled(Options& options, std::string_view value) {
  options.unenrolled = value == "deny"sv ? Unenrolled::kDeny : Unenrolled::kSkip;
  return value == "deny"sv || value == "skip"sv;
}

bool SetDoor(Options& options, std::string_view value) {
  options.door = ParseDoor(value);
  return options.door.has_value();
}

bool SetValue(Options& options, std::string_view name, std::string_view value) {
  if (name == "socket"sv) return SetPath(options.socket, value);
  if (name == "config"sv) return SetPath(options.config, value);
  if (name == "prompt"sv) return SetText(options.prompt, value);
  if (name == "timeout"sv) return SetTimeout(options, value);
  if (name == "code_digits"sv) return SetDigits(options, value);
  if (name == "first_factor"sv) return SetFirstFactor(options, value);
  if (name == "unenrolled"sv) return SetUnenrolled(options, value);
  if (name == "door"sv) return SetDoor(options, value);
  return false;
}

}  // namespace

Result<Options> ParseOptions(std::span<const char* const> words) {
  Options options;
  for (const std::string_view word : words) {
    const auto equals = word.find('=');
    const bool known = equals == std::string_view::npos
                           ? SetFlag(options, word)
                           : SetValue(options, word.substr(0, equals), word.substr(equals + 1));
    if (!known) return Invalid("unknown option or bad value: \"" + Escaped(word) + "\"");
  }
  return options;
}

}  // namespace sparekey::pam
