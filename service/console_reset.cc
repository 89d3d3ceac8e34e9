// SPDX-License-Identifier: Apache-2.0
#include "service/console_reset.h"

#include "lockout/transitions.h"
#include "service/account_step.h"

namespace sparekey {
namespace {

constexpr char kWasDamaged[] = "its record was damaged";

// A record that cannot be read stands in nobody's way here: the reset replaces it.
Status RunOverDamage(Store& store, std::vector<AccountKey> accounts, Step step) {
  Work work{std::move(accounts), std::move(step), Ok(), true};
  store.Run({&work, 1});
  return std::move(work.status);
}

// Whether the gate was closed is not known, so it is: only an administrator opens it.
void ReplaceDamaged(Account& account, TimePoint now, std::vector<Event>& events) {
  events.back().detail += std::string("; ") + kWasDamaged;
  CloseGate(account.gate, account.name, kWasDamaged, now, events);
}

Result<Changes> ResetStep(Records& records, const ResetPlan& plan, TimePoint now) {
  Changes changes;
  for (std::size_t i = 0; i < plan.accounts.size(); ++i) {
    auto& [account, uid_taken, damaged] = records.accounts[i];
    if (!account) {
      if (!plan.accounts[i].uid && !damaged) return NoSuchAccount(plan.accounts[i].name);
      account.emplace();
      account->name = plan.accounts[i].name;
      account->uid = kNoUid;
    }
    account->uid = plan.accounts[i].uid.value_or(account->uid);
    ResetAccount(*account, now, changes.events);
    if (damaged) ReplaceDamaged(*account, now, changes.events);
    changes.accounts.push_back(i);
  }
  if (plan.uid_holder) {
    const LoadedAccount& holder = records.accounts.back();
    if (!holder.account && !holder.damaged) return NoSuchAccount(*plan.uid_holder);
    if (holder.account) {
      GiveUpUid(*records.accounts.back().account, plan.accounts[0].name, now, changes.events);
    }
    changes.accounts.push_back(plan.accounts.size());
  }
  if (plan.end_super_lockout) {
    EndSuperLockout(records.system, now, changes.events);
    changes.system = true;
  }
  for (Event& event : changes.events) event.door = Door::kConsole;
  return changes;
}

}  // namespace

std::vector<std::string> ResetPlan::Names() const {
  std::vector<std::string> names;
  for (const AccountKey& key : accounts) names.push_back(key.name);
  return names;
}

Result<ResetPlan> PlanReset(Store& store, const ResetRequest& request) {
  ResetPlan plan;
  std::vector<AccountKey> keys;
  if (request.account) keys.push_back({*request.account, request.uid});
  bool known = true;
  std::optional<SystemSuperLockout> lockout;
  const Status read = RunOverDamage(store, keys, [&](Records& records) -> Result<Changes> {
    lockout = records.system.super_locked;
    if (request.account) {
      const LoadedAccount& loaded = records.accounts[0];
      known = loaded.account || loaded.damaged || request.uid;
      plan.uid_holder = loaded.uid_taken;
    }
    return Changes{};
  });
  if (!read) return read.error();
  if (request.account) {
    if (!known) return NoSuchAccount(*request.account);
    plan.accounts = keys;
    return plan;
  }
  if (!lockout) {
    return Error{ErrorCode::kConflict, "no super-lockout of the system is in force"};
  }
  plan.end_super_lockout = true;
  for (const std::string& name : lockout->causes) plan.accounts.push_back({name, std::nullopt});
  return plan;
}

Status CarryOutReset(Store& store, const ResetPlan& plan, TimePoint now) {
  std::vector<AccountKey> keys = plan.accounts;
  if (plan.uid_holder) keys.push_back({*plan.uid_holder, std::nullopt});
  return RunOverDamage(store, std::move(keys),
                       [&](Records& records) { return ResetStep(records, plan, now); });
}

}  // namespace sparekey
