// SPDX-License-Identifier: Apache-2.0
// What is common to the roles that have one account of their own.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/races/roles.h"

namespace sparekey::races {

using Json = nlohmann::json;
using testing::Owner;
using testing::RealService;

inline constexpr int kOtpLimit = 5;        // the default of lockout.otp_attempts
inline constexpr int kRecoveryLimit = 10;  // and of backup_codes.max_attempts

inline int CountOf(const std::vector<Entry>& entries, Heard heard) {
  return static_cast<int>(std::count_if(entries.begin(), entries.end(),
                                        [heard](const Entry& e) { return e.heard == heard; }));
}

inline void Note(const std::vector<Entry>& entries, Totals& totals) {
  totals.acknowledged += CountOf(entries, Heard::kDone);
  totals.unknown += CountOf(entries, Heard::kNothing);
  for (const Entry& entry : entries) {
    EXPECT_NE(entry.heard, Heard::kRefused) << entry.account << " " << entry.number;
  }
}

class OneAccount : public Role {
 protected:
  OneAccount(const Stage& stage, Owner owner) : stage_(stage), owner_(std::move(owner)) {}

  Ending LogIn(const std::string& code, Way way = Way::kPamAskFirst) const {
    return stage_.ways.Run(OneTime(way, Door::kSsh, owner_.name, code), [] {});
  }
  Ending Recover(std::size_t place, Way way = Way::kPamAskFirst) const {
    return stage_.ways.Run(
        Recovery(way, Door::kOther, owner_.name, owner_.sheet[place], owner_.sheet[place + 1]),
        [] {});
  }
  Json Show() const { return stage_.service.Show(owner_.name); }
  // Denied, whether as a replay or as a wrong code, without locking the account.
  void ExpectSpent(const std::vector<std::string>& codes, Totals& totals) const {
    for (std::size_t i = 0; i < codes.size(); ++i, ++totals.replays) {
      EXPECT_EQ(LogIn(codes[i]), Ending::kDenied) << owner_.name << " " << i << " of its codes";
      if (i % (kOtpLimit - 1) == kOtpLimit - 2) stage_.service.Unlock(owner_.name);
    }
    if (!codes.empty()) stage_.service.Unlock(owner_.name);
  }

  const Stage stage_;
  Owner owner_;
};

}  // namespace sparekey::races
