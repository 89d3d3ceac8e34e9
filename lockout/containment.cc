// SPDX-License-Identifier: Apache-2.0
#include "lockout/containment.h"

#include <utility>

namespace sparekey {
namespace {

std::string CountSessions(std::size_t count) {
  if (count == 0) return "no SSH session";
  if (count == 1) return "1 SSH session";
  return std::to_string(count) + " SSH sessions";
}

}  // namespace

bool ContainmentScope::Covers(const SshSession& session) const {
  if (account.empty()) return true;
  return session.account == account || (uid != kNoUid && session.uid == uid);
}

std::vector<DueContainment> FindDueContainments(const SystemState& system, const Account* account) {
  std::vector<DueContainment> due;
  if (system.containment) due.push_back({{}, *system.containment});
  if (account && account->containment) {
    due.push_back({{account->name, account->uid}, *account->containment});
  }
  return due;
}

void BeginContainment(const Policy& policy, std::optional<Containment>& mark, std::string reason,
                      TimePoint now) {
  if (policy.ssh_end_sessions) mark = Containment{now, std::move(reason)};
}

bool EndContainment(std::optional<Containment>& mark, const Containment& done) {
  if (!mark || mark->since != done.since || mark->reason != done.reason) return false;
  mark.reset();
  return true;
}

std::string FindReasonAgainst(const SystemState& system, const Account* account) {
  if (system.gate) return system.gate->reason;
  if (account && account->gate) return account->gate->reason;
  if (system.super_locked && !system.super_locked->causes.empty()) {
    return "super-lockout of " + system.super_locked->causes.front();
  }
  if (account && account->super_locked) return "super-lockout of " + account->name;
  return system.super_locked ? "super-lockout" : "";
}

NextStep FollowStep(EndingStep done, bool told) {
  using std::chrono::milliseconds;
  if (done == EndingStep::kTell) {
    return {EndingStep::kTerminate, told ? kTimeToRead : milliseconds(0)};
  }
  if (done == EndingStep::kTerminate) return {EndingStep::kKillChild, kTimeToEnd};
  return {EndingStep::kKillMonitor, kTimeAfterKill};
}

std::string DescribeEnded(std::size_t ended, std::size_t living) {
  std::string text = CountSessions(ended) + " ended";
  if (living > 0) text += "; " + std::to_string(living) + " could not be ended yet";
  return text;
}

}  // namespace sparekey
