// SPDX-License-Identifier: Apache-2.0
// Which account logs in next, and with which answers.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/driver_options.h"
#include "tests/bench/login.h"

namespace sparekey::bench {

// Places are dealt to the sessions in turn. Where accounts come again within one run, their number
// must be a multiple of the sessions: then each is one session's, and its counters come in order.
class LoginPlan {
 public:
  explicit LoginPlan(const DriverOptions& options);
  // The login of one place in the order, at `now` (seconds). `seat` makes wrong codes differ.
  Login At(std::uint64_t place, std::uint64_t seat, std::uint64_t now) const;

 private:
  std::uint64_t StepOf(std::uint64_t pass, std::uint64_t now) const;

  const DriverOptions& options_;
  std::vector<Login> lines_;
};

}  // namespace sparekey::bench
