// SPDX-License-Identifier: Apache-2.0
#include "service/login.h"

#include <utility>

#include "lockout/owner_notice.h"

namespace sparekey {

Step MakeLoginStep(const Login& login, std::shared_ptr<LoginOutcome> out,
                   std::function<std::optional<Attempt>()> attempt, Clock clock, bool beginning) {
  return [opening = login.opening, id = login.identity, beginning, resolve = !login.alias_checked,
          out = std::move(out), attempt = std::move(attempt),
          clock](Records& records) -> Result<Changes> {
    *out = LoginOutcome{};
    LoadedAccount& loaded = records.accounts[0];
    if (resolve && loaded.uid_taken) {
      out->uid_holder = loaded.uid_taken;
      return Changes{};
    }
    Account* account = loaded.account ? &*loaded.account : nullptr;
    const auto subject = MakeSubject(records.policy, loaded, id);
    if (!subject) return subject.error();
    out->admission = opening.by_owner
                         ? AdmitOwner(account, records.system, *subject)
                         : Admit(records.policy, account, records.system, *subject, opening.door);
    out->words =
        MakeWords(records.policy, account, records.system, opening.account, opening.recovery);
    if (account) out->sheet = account->sheet;
    const bool asks_codes = out->admission.admission == Admission::kAskBackupCodes;
    if (out->admission.admission == Admission::kDecided) {
      out->decided = out->admission.reason;
      return Changes{};
    }
    if (asks_codes && beginning) {
      if (!out->words.recovery_possible) out->decided = Reason::kLocked;
      return Changes{};
    }
    const std::optional<Attempt> made = attempt ? attempt() : std::nullopt;
    if (!made || !opening.first_factor) return Changes{};
    const auto last_login = account->last_login;
    Decision decision =
        Decide(records.policy, *account, records.system, *subject, opening.door, *made, clock);
    out->decided = decision.reason;
    out->words =
        MakeWords(records.policy, account, records.system, opening.account, opening.recovery);
    out->words.notice = KeepForOwner(*account, decision, opening.remote_host, clock.now);
    out->words.last_login = last_login;
    Changes changes;
    if (decision.account_changed) {
      if (id) account->administrator = subject->administrator;
      if (account->pending && account->pending->IsOver(clock.now)) account->pending.reset();
      changes.accounts.push_back(0);
    }
    changes.system = decision.system_changed;
    for (Event& event : decision.events) {
      event.door = opening.door;
      event.remote_host = opening.remote_host;
    }
    out->contained = FindDueContainments(records.system, account);
    changes.events = std::move(decision.events);
    return changes;
  };
}

}  // namespace sparekey
