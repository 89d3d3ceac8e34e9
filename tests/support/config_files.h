// SPDX-License-Identifier: Apache-2.0
// Configuration files for the two readers of them, which must agree (tests of core and service).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/local_console.h"

namespace sparekey {

struct ConfigFileCase {
  std::string text;
  // What both say about console.*; nullopt: bad, so the service refuses and the module takes the
  // defaults.
  std::optional<ConsoleConfig> console;
};

inline ConsoleConfig Console(std::vector<std::string> ttys, std::vector<std::string> services,
                             bool allow_root) {
  return {std::move(ttys), std::move(services), allow_root};
}

inline std::vector<ConfigFileCase> ConfigFileCases() {
  using std::string_literals::operator""s;
  const ConsoleConfig defaults;
  const auto ttys = [&](std::vector<std::string> names) {
    return Console(std::move(names), defaults.services, false);
  };
  const auto services = [&](std::vector<std::string> names) {
    return Console(defaults.ttys, std::move(names), false);
  };
  return {
      {"", defaults},
      {"\n\n  \n", defaults},
      {"# console.allow = root\n", defaults},
      {"accounts = any\nadmin_accounts = ada, bob\nlog_level = debug\n", defaults},
      {"console.ttys = tty1", ttys({"tty1"})},
      {"console.ttys=tty1,ttyS*\n", ttys({"tty1", "ttyS*"})},
      {"\t console.ttys \t=\t tty[1-6] , ttyS0\t\r\n", ttys({"tty[1-6]", "ttyS0"})},
      {"console.ttys = tty1 # the first, tty2\n", ttys({"tty1"})},
      {"console.ttys =\n", ttys({})},
      {"console.ttys = ,, tty1,,\n", ttys({"tty1"})},
      {"[console]\nttys = hvc0\nallow = root\n", Console({"hvc0"}, defaults.services, true)},
      {"[ignored]\n[console]\nservices = login\n", services({"login"})},
      {"[console.]\nservices = login, su\n", services({"login", "su"})},
      {"  [console]  # here\nallow=root", Console(defaults.ttys, defaults.services, true)},
      {"console.allow = console\n", defaults},
      {"console.allow = root\n", Console(defaults.ttys, defaults.services, true)},
      {"console.ttys = a\nconsole.services = b\nconsole.allow = root", Console({"a"}, {"b"}, true)},
      // bad
      {"console.ttys\n", std::nullopt},
      {"nonsense\n", std::nullopt},
      {"[console\nttys = tty1\n", std::nullopt},
      {"[]\nconsole.ttys = tty1\n", std::nullopt},
      {"console.tty = tty1\n", std::nullopt},
      {"console. = tty1\n", std::nullopt},
      {"console.Ttys = tty1\n", std::nullopt},
      {"console.ttys = tty1\nconsole.ttys = tty2\n", std::nullopt},
      {"[console]\nttys = tty1\n[]\n", std::nullopt},
      {"console.ttys = /dev/tty1\n", std::nullopt},
      {"console.ttys = tty1;tty2\n", std::nullopt},
      {"console.ttys = tty1 tty2\n", std::nullopt},
      {"console.ttys = \"tty1\"\n", std::nullopt},
      {"console.ttys = t\xc3\xa4\n", std::nullopt},
      {"console.services = ../sshd\n", std::nullopt},
      {"console.services = login = su\n", std::nullopt},
      {"console.allow =\n", std::nullopt},
      {"console.allow = Root\n", std::nullopt},
      {"console.allow = root, console\n", std::nullopt},
      {"console.allow = root\nconsole.ttys = /\n", std::nullopt},
      {"console.allow = root\n\0"s, std::nullopt},
      {"console.allow = root\n#" + std::string(64 * 1024, 'x'), std::nullopt},
  };
}

}  // namespace sparekey
