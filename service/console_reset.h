// SPDX-License-Identifier: Apache-2.0
// The console reset: what it will do, and doing it in one commit. Used by sparekeyd for the API and
// by the command line on the store itself when sparekeyd is down.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/store.h"

namespace sparekey {

struct ResetRequest {
  std::optional<std::string> account;  // nullopt: the system's super-lockout
  std::optional<uid_t> uid;            // where the directory knows the account; maybe kNoUid
};

struct ResetPlan {
  std::vector<AccountKey> accounts;       // that will be reset
  std::optional<std::string> uid_holder;  // gives its uid up to the account that is reset
  bool end_super_lockout = false;

  std::vector<std::string> Names() const;
};

// kNotFound: the account is neither stored nor known; kConflict: no super-lockout of the system is
// in force.
Result<ResetPlan> PlanReset(Store& store, const ResetRequest& request);
Status CarryOutReset(Store& store, const ResetPlan& plan, TimePoint now);

}  // namespace sparekey
