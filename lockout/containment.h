// SPDX-License-Identifier: Apache-2.0
// Containment: what a lockout does to the live SSH sessions. The mark in the records says that
// sessions are to be ended; here stands whose they are, what is done to a session at which moment,
// and when the mark goes. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/account.h"
#include "core/events.h"
#include "core/policy.h"
#include "lockout/ssh_sessions.h"

namespace sparekey {

// Whose sessions: an account's by uid (two names of one uid are one account) and by name, or
// everybody's.
struct ContainmentScope {
  std::string account;  // "": everybody's
  uid_t uid = kNoUid;
  bool Covers(const SshSession& session) const;
};

struct DueContainment {
  ContainmentScope scope;
  Containment why;
};
// What the records say is to be done.
std::vector<DueContainment> FindDueContainments(const SystemState& system, const Account* account);

// Sets the mark where the policy ends sessions, whatever the gate was before.
void BeginContainment(const Policy& policy, std::optional<Containment>& mark, std::string reason,
                      TimePoint now);
// Takes the mark away, unless a later lockout has set it anew; true: it is gone now.
bool EndContainment(std::optional<Containment>& mark, const Containment& done);

// Why a session that begins now should not: its door was shut between PAM's phases. "" where it
// may begin.
std::string FindReasonAgainst(const SystemState& system, const Account* account);

// How one session is ended, in this order. Each step is taken again until it has worked.
enum class EndingStep : std::uint8_t {
  kTell,         // a line on its terminals
  kTerminate,    // SIGTERM to the monitor: sshd disconnects and closes PAM's session
  kKillChild,    // SIGKILL to what speaks to the client, stopped or not
  kKillMonitor,  // SIGKILL; never before its child: the client would stay connected
};
inline constexpr std::chrono::milliseconds kTimeToRead{100};  // until sshd has sent the line
inline constexpr std::chrono::milliseconds kTimeToEnd{1000};
inline constexpr std::chrono::milliseconds kTimeAfterKill{500};
// The step that follows on one that worked, and how long after it.
struct NextStep {
  EndingStep step;
  std::chrono::milliseconds after;
};
NextStep FollowStep(EndingStep done, bool told);

// Opening a gate waits for its containment no longer than this.
inline constexpr std::chrono::seconds kContainmentBound{10};
// A login that is about to become a session is waited for so long.
inline constexpr std::chrono::seconds kTimeToSettle{2};

std::string DescribeEnded(std::size_t ended, std::size_t living);

}  // namespace sparekey
