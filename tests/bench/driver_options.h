// SPDX-License-Identifier: Apache-2.0
// What the driver is told on its command line, as NAME=VALUE.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>

namespace sparekey::bench {

struct DriverOptions {
  std::string confdir;             // folder of PAM services
  std::string service = "sshd";    // one of them
  std::string mode = "login";      // login, access, race, memory
  std::string out;                 // where to write what was measured
  std::string append;              // a folder: after each login 4 KiB are appended and synced there
  std::string plan;                // a file: lines of an account and its answers, one line a login
  std::string remote_host;         // what PAM is told, as by sshd
  std::uint64_t accounts = 1;      // the system's
  std::uint64_t stride = 1;        // only every stride-th logs in,
  std::uint64_t offset = 0;        // from the offset-th on;
  std::uint64_t counter = 0;       // 1: they have HOTP,
  std::uint64_t counter_base = 0;  // whose first counter is this
  std::uint64_t ahead = 0;         // 1: an account's second code is of the step after now's
  std::uint64_t first = 0;         // how many have logged in before
  std::uint64_t sessions = 1;      // processes
  std::uint64_t count = 1;         // logins of each process; rounds of a race
  std::uint64_t warm = 0;          // and so many before, which are not written down
  std::uint64_t wrong = 0;         // 1: wrong codes
  std::uint64_t digits = 6;        // of a code
};

inline DriverOptions ReadDriverOptions(std::span<char*> words) {
  DriverOptions options;
  const std::map<std::string, std::string*> texts{{"confdir", &options.confdir},
                                                  {"service", &options.service},
                                                  {"mode", &options.mode},
                                                  {"out", &options.out},
                                                  {"append", &options.append},
                                                  {"plan", &options.plan},
                                                  {"remote_host", &options.remote_host}};
  const std::map<std::string, std::uint64_t*> numbers{{"accounts", &options.accounts},
                                                      {"stride", &options.stride},
                                                      {"offset", &options.offset},
                                                      {"counter", &options.counter},
                                                      {"ahead", &options.ahead},
                                                      {"first", &options.first},
                                                      {"counter_base", &options.counter_base},
                                                      {"sessions", &options.sessions},
                                                      {"count", &options.count},
                                                      {"warm", &options.warm},
                                                      {"wrong", &options.wrong},
                                                      {"digits", &options.digits}};
  for (const std::string word : words) {
    const std::string name = word.substr(0, word.find('='));
    const std::string value = word.substr(std::min(word.size(), name.size() + 1));
    if (const auto text = texts.find(name); text != texts.end()) {
      *text->second = value;
    } else if (const auto number = numbers.find(name); number != numbers.end()) {
      *number->second = std::stoull(value);
    } else {
      throw std::invalid_argument("unknown: " + word);
    }
  }
  if (options.accounts / options.stride == 0) throw std::invalid_argument("too few accounts");
  return options;
}

}  // namespace sparekey::bench
