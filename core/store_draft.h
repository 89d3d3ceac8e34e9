// SPDX-License-Identifier: Apache-2.0
// A work on its way to the disk: the records that it asked for, what its step made of them, and
// whether that may be stored.
#pragma once

#include <optional>
#include <vector>

#include "core/store_rows.h"

namespace sparekey {

struct Draft {
  Records records;
  std::vector<std::optional<AccountRow>> rows;  // as stored, beside records.accounts
  Changes changes;

  const Account& Changed(std::size_t index) const { return *records.accounts[index].account; }
  bool IsEmpty() const {
    return changes.accounts.empty() && !changes.system && !changes.policy && changes.events.empty();
  }
};

// Loads, decides and checks; nothing is written. The error is the work's alone.
Result<Draft> DecideWork(const Work& work, StoreRows& rows, const SystemState& system,
                         const Policy& policy);

// Within a transaction: an error leaves it half done.
Status WriteAccounts(const Work& work, const Draft& draft, StoreRows& rows);

}  // namespace sparekey
