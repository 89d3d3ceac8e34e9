// SPDX-License-Identifier: Apache-2.0
// The service, the store and the accounts in it.
#include <algorithm>
#include <set>

#include "cli/doctor.h"
#include "cli/local_users.h"
#include "version.h"

namespace sparekey {
namespace {

std::vector<std::string> NamesOf(const OwnFacts& own, bool (*is_one)(const AccountFacts&)) {
  std::vector<std::string> names;
  for (const AccountFacts& account : own.accounts) {
    if (is_one(account)) names.push_back(account.name);
  }
  return names;
}

void Tell(Findings& findings, const char* id, Severity severity,
          const std::vector<std::string>& names, const std::string& found,
          const std::string& advice) {
  if (names.empty()) return;
  findings.push_back({id, severity, found + ": " + NameSome(names) + '.', advice});
}

std::vector<std::string> LowSheets(const OwnFacts& own) {
  std::vector<std::string> names;
  for (const AccountFacts& account : own.accounts) {
    const bool low = account.codes_left <= own.policy->codes_low ||
                     account.codes_left < 2 * own.policy->codes_required;
    if (account.active && low) {
      names.push_back(account.name + " (" + std::to_string(account.codes_left) + ')');
    }
  }
  return names;
}

bool IsInOneOf(const LocalUsers& users, const LocalUser& user,
               const std::vector<std::string>& groups) {
  return std::any_of(groups.begin(), groups.end(),
                     [&](const std::string& group) { return users.IsMember(user, group); });
}

// Of the local files alone: a directory may be large, or hang.
std::vector<std::string> RequiredButNotEnrolled(const System& system, const Config& config,
                                                const OwnFacts& own) {
  const Policy& policy = *own.policy;
  if (policy.required_for == RequiredFor::kEnrolled || config.accounts == AccountNames::kAny) {
    return {};
  }
  std::set<std::string> enrolled;
  for (const AccountFacts& account : own.accounts) {
    if (account.active) enrolled.insert(account.name);
  }
  std::vector<std::string> names;
  const LocalUsers users(system);
  for (const LocalUser& user : users.all()) {
    const bool required = policy.required_for == RequiredFor::kEveryone ||
                          IsInOneOf(users, user, policy.required_groups);
    const bool exempt = user.uid != 0 && IsInOneOf(users, user, policy.exempt_groups);
    if (user.has_shell && user.has_password && required && !exempt &&
        !enrolled.contains(user.name)) {
      names.push_back(user.name);
    }
  }
  return names;
}

void CheckPolicy(const Policy& policy, Findings& findings) {
  if (!policy.enabled) {
    findings.push_back({"service.disabled", Severity::kWarning,
                        "Two-factor logins are switched off: no code is asked anywhere.",
                        "Run: sparekey settings set enabled=true"});
  } else if (!policy.services_ssh) {
    findings.push_back({"service.ssh_off", Severity::kWarning,
                        "SSH logins are asked for no codes (services.ssh=false).",
                        "Run: sparekey settings set services.ssh=true"});
  }
}

void CheckLockouts(const OwnFacts& own, Findings& findings) {
  if (own.super_locked) {
    findings.push_back({"service.super_locked", Severity::kProblem,
                        "A super-lockout shuts SSH, web and other doors for everybody.",
                        "At the local console, as root: sparekey console"});
  }
  Tell(findings, "accounts.super_locked", Severity::kProblem,
       NamesOf(own, [](const AccountFacts& account) { return account.super_locked; }),
       "Super-locked accounts", "At the local console, as root: sparekey console reset NAME");
  if (own.gate_closed) {
    findings.push_back({"service.gate_closed", Severity::kWarning,
                        "The SSH gate is closed: nobody logs in over SSH.",
                        "See why with: sparekey ssh status. Open it with: sparekey ssh enable"});
  }
  Tell(findings, "accounts.gate_closed", Severity::kWarning,
       NamesOf(own, [](const AccountFacts& account) { return account.gate_closed; }),
       "Accounts whose own SSH gate is closed", "Open it with: sparekey ssh enable NAME");
}

}  // namespace

Findings CheckService(const OwnFacts& own, const Config& config) {
  Findings findings;
  if (!own.service_answers) {
    findings.push_back(
        {"service.down", Severity::kProblem,
         "sparekeyd does not answer at " + config.socket +
             ": every login that needs a code is denied.",
         "Run: systemctl start sparekeyd. See why it ended: journalctl -u sparekeyd"});
  } else if (own.version != kVersion) {
    findings.push_back(
        {"service.version", Severity::kWarning,
         "sparekeyd is version " + own.version + ", this program is " + kVersion + '.',
         "Run: systemctl restart sparekeyd"});
  }
  if (own.policy) CheckPolicy(*own.policy, findings);
  CheckLockouts(own, findings);
  if (findings.empty()) {
    findings.push_back({"service.running", Severity::kOk,
                        "sparekeyd answers; no lockout, no closed "
                        "gate.",
                        ""});
  }
  return findings;
}

Findings CheckStore(const OwnFacts& own) {
  Findings findings;
  if (!own.trouble.empty()) {
    findings.push_back({"store.not_checked", Severity::kProblem,
                        "The store could not be checked: " + own.trouble,
                        "Put that right and run doctor again."});
  }
  if (!own.store) return findings;
  if (!own.store->damage.empty()) {
    findings.push_back({"store.damaged", Severity::kProblem,
                        "The store is damaged; what is damaged is denied: " +
                            NameSome(own.store->damage, 10) + '.',
                        "For one account, at the local console: sparekey console reset NAME. Else "
                        "put the store back from a backup."});
  } else if (own.trouble.empty()) {
    findings.push_back({"store.sound", Severity::kOk,
                        "Every record of the store verifies (" + std::to_string(own.store->rows) +
                            " looked at" +
                            (own.store->structure ? ")."
                                                  : "; it is too large to look at the "
                                                    "database's structure while logins go on: "
                                                    "stop sparekeyd and its sockets for that)."),
                        ""});
  }
  return findings;
}

Findings CheckAccounts(const System& system, const Config& config, const OwnFacts& own) {
  Findings findings;
  if (!own.policy) return findings;
  Tell(findings, "accounts.low_sheets", Severity::kWarning, LowSheets(own),
       "Few backup codes are left", "Make a new sheet: sparekey codes new NAME");
  Tell(findings, "accounts.must_enrol", Severity::kWarning,
       NamesOf(own, [](const AccountFacts& a) { return a.must_enrol && !a.active; }),
       "Denied until they enrol again, after a console reset", "Run: sparekey user enroll NAME");
  Tell(findings, "accounts.required", Severity::kWarning,
       RequiredButNotEnrolled(system, config, own),
       "Not enrolled, though required_for demands it; denied from outside",
       "Run: sparekey user enroll NAME. Or leave them out: exempt_groups");
  std::vector<std::string> pending;
  for (const AccountFacts& account : own.accounts) {
    const bool old =
        account.pending_since && system.now - *account.pending_since > kPendingLifetime;
    if (old) pending.push_back(account.name);
  }
  Tell(findings, "accounts.pending", Severity::kWarning, pending,
       "Enrolments that were begun more than a day ago and not confirmed, and so have ended",
       "Begin anew: sparekey user enroll NAME");
  const auto active = NamesOf(own, [](const AccountFacts& account) { return account.active; });
  if (findings.empty() && own.accounts_complete) {
    const std::string enrolled =
        active.size() == 1 ? "One account is" : std::to_string(active.size()) + " accounts are";
    findings.push_back({"accounts.ready", Severity::kOk,
                        active.empty() ? "Nobody is enrolled yet."
                                       : enrolled + " enrolled, with enough backup codes.",
                        ""});
  }
  return findings;
}

}  // namespace sparekey
