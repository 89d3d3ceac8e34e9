// SPDX-License-Identifier: Apache-2.0
// One login through the real libpam, as its speed is measured: pam_start_confdir, pam_authenticate
// and pam_end, with no failure delay.
#pragma once

#include <security/pam_appl.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sparekey::bench {

std::uint64_t NanosecondsNow();  // CLOCK_MONOTONIC, which all processes share

struct Login {
  std::string account;
  std::string remote_host;           // "": PAM is told of none
  std::vector<std::string> answers;  // to the prompts, in this order
};

class PamStack {
 public:
  PamStack(std::string folder, std::string service)
      : folder_(std::move(folder)), service_(std::move(service)) {}

  // Opens a handle, calls `use`, ends the handle. `last`: called before the last answer is given.
  void With(const Login& login, const std::function<void()>& last,
            const std::function<int(pam_handle_t*)>& use) const;

 private:
  std::string folder_, service_;
};

}  // namespace sparekey::bench
