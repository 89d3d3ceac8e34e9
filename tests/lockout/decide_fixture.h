// SPDX-License-Identifier: Apache-2.0
// One account, the system and the clock, and what somebody may try at a door.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lockout/decide.h"
#include "tests/support/accounts.h"

namespace sparekey::testing {

class DecideTest : public ::testing::Test {
 protected:
  Decision Try(const Attempt& attempt, Door door = Door::kSsh) {
    return Decide(policy, account, system, subject, door, attempt, clock);
  }
  Decision TryCode(const std::string& code, Door door = Door::kSsh) {
    return Try(OneTimeCode{code}, door);
  }
  Decision TryRight(int steps = 0) {
    return TryCode(CodeAt(account.authenticators[0], clock.now, steps));
  }
  static std::string CounterCode(const Authenticator& hotp, std::uint64_t counter) {
    return std::string(ComputeOtp(hotp.algorithm, hotp.secret, counter, 6).ExposeText());
  }
  Decision TryWrong() {
    // Six digits that no step of the window has.
    for (int i = 0;; ++i) {
      std::string code = std::to_string(100000 + i);
      bool hit = false;
      for (int step = -3; step <= 3; ++step) {
        hit = hit || code == CodeAt(account.authenticators[0], clock.now, step);
      }
      if (!hit) return TryCode(code);
    }
  }
  Decision TrySet(std::vector<std::optional<std::uint8_t>> matches) {
    return Try(BackupCodeSet{account.sheet ? account.sheet->number : 0, std::move(matches)});
  }
  static std::vector<EventKind> Kinds(const Decision& decision) {
    std::vector<EventKind> kinds;
    for (const Event& event : decision.events) kinds.push_back(event.kind);
    return kinds;
  }

  Policy policy;
  Account account = MakeAccount();
  SystemState system;
  Subject subject;
  Clock clock{kNow, kBuilt};
};

}  // namespace sparekey::testing
