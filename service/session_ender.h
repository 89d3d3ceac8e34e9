// SPDX-License-Identifier: Apache-2.0
// Ends SSH sessions step by step: each sweep looks anew who has a session in the scopes that are
// due, so that late ones and forks are found too, and does to each what is due now. Knows no
// records and no thread; the clock is passed in.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lockout/containment.h"
#include "service/session_system.h"

namespace sparekey {

class SessionEnder {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds kSweepEvery{100};
  static constexpr std::chrono::milliseconds kAfterTheBound{1000};
  static constexpr std::chrono::seconds kUnsettled{90};  // then a report of kOver is made again

  enum class State : std::uint8_t {
    kOver,     // nobody in scope has a session: the mark may go
    kOverdue,  // told once: some could not be ended within the bound; it goes on
    kWaiting,  // after that: is the mark still there?
  };
  struct Report {
    DueContainment due;
    State state;
    std::size_t ended = 0;   // sessions, so far
    std::size_t living = 0;  // sessions still there
  };

  explicit SessionEnder(SessionSystem& system) : system_(system) {}

  void Begin(const DueContainment& due, SteadyTime now);
  // All that is due, as the records say: begins it, and drops what is due no more.
  void Reconcile(const std::vector<DueContainment>& due, SteadyTime now);
  // One session that should not have begun; without a mark, and no longer than the bound.
  void BeginOne(const KnownSession& session, const std::string& reason, SteadyTime now);
  // What came of a report of kOver: the mark is gone or another's, or it could not be written.
  void Settle(const DueContainment& due, bool recorded, SteadyTime now);
  void Drop(const DueContainment& due);  // the mark is gone

  std::vector<Report> Sweep(const std::vector<KnownSession>& known, SteadyTime now);

  bool IsIdle() const { return jobs_.empty() && endings_.empty(); }
  bool IsWithinBound() const;  // there is something to do that is not overdue
  std::chrono::milliseconds Pace() const;
  std::set<std::string> Overdue() const;  // accounts of their scopes, "": everybody's

 private:
  struct Job {
    DueContainment due;
    SteadyTime since;
    SteadyTime next_report;
    bool overdue = false;
    std::set<ProcessId> sessions;
    std::size_t ended = 0;
  };
  struct Held {
    bool tried = false;
    std::unique_ptr<HeldProcess> process;  // nullptr after that: it has ended
    bool HasEnded() const { return tried && (!process || process->HasEnded()); }
  };
  struct Ending {
    SshSession session;
    std::string reason;
    SteadyTime since;
    EndingStep step = EndingStep::kTell;
    SteadyTime due;
    std::map<ProcessId, Held> held;  // monitor and children, also those that have ended
    bool signalled = false;
    bool complained = false;
    bool gone = false;
  };

  void Take(const SshSession& session, const std::string& reason, SteadyTime now);
  std::set<std::string> TakeAll(const std::vector<SshSession>& sessions, SteadyTime now);
  Status Hold(Ending& ending);
  void Advance(Ending& ending, SteadyTime now);
  Status TakeStep(Ending& ending, bool& told);
  Status Kill(Ending& ending, bool monitor_too);
  bool Tell(const Ending& ending);
  struct View {
    bool whole;     // every process could be looked at
    bool settling;  // somebody in scope is about to get a session
  };
  void LookAt(Job& job, const View& view, SteadyTime now, std::vector<Report>& reports);
  bool IsWanted(const ProcessId& monitor) const;  // by a job
  void Forget(SteadyTime now);

  SessionSystem& system_;
  std::map<std::string, Job> jobs_;                    // by the scope's account
  std::map<ProcessId, Ending> endings_;                // by monitor
  std::optional<std::vector<TerminalUse>> terminals_;  // of this sweep
};

}  // namespace sparekey
