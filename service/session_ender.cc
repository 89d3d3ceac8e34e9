// SPDX-License-Identifier: Apache-2.0
#include "service/session_ender.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "service/logging.h"

namespace sparekey {
namespace {

bool IsSame(const DueContainment& a, const DueContainment& b) {
  return a.why.since == b.why.since && a.why.reason == b.why.reason;
}

}  // namespace

void SessionEnder::Begin(const DueContainment& due, SteadyTime now) {
  const auto found = jobs_.find(due.scope.account);
  if (found != jobs_.end() && IsSame(found->second.due, due)) return;
  Job job{due, now, now, false, {}, 0};
  jobs_.insert_or_assign(due.scope.account, std::move(job));
}

void SessionEnder::Reconcile(const std::vector<DueContainment>& due, SteadyTime now) {
  std::vector<DueContainment> gone;
  for (const auto& entry : jobs_) {
    const Job& job = entry.second;
    const bool is_due = std::ranges::any_of(due, [&](const DueContainment& one) {
      return one.scope.account == job.due.scope.account && IsSame(one, job.due);
    });
    if (!is_due) gone.push_back(job.due);
  }
  for (const DueContainment& one : gone) Drop(one);
  for (const DueContainment& one : due) Begin(one, now);
}

void SessionEnder::BeginOne(const KnownSession& session, const std::string& reason,
                            SteadyTime now) {
  SshSession one;
  one.monitor = session.process;
  one.account = session.account;
  Take(one, reason, now);
}

void SessionEnder::Settle(const DueContainment& due, bool recorded, SteadyTime now) {
  const auto job = jobs_.find(due.scope.account);
  if (job == jobs_.end() || !IsSame(job->second.due, due)) return;
  if (recorded) {
    jobs_.erase(job);
    return;
  }
  job->second.next_report = now + kAfterTheBound;
}

// Who is let in again is not to be thrown out.
void SessionEnder::Drop(const DueContainment& due) {
  const auto found = jobs_.find(due.scope.account);
  if (found == jobs_.end() || !IsSame(found->second.due, due)) return;
  const Job job = std::move(found->second);
  jobs_.erase(found);
  for (const ProcessId& monitor : job.sessions) {
    if (!IsWanted(monitor)) endings_.erase(monitor);
  }
}

std::vector<SessionEnder::Report> SessionEnder::Sweep(const std::vector<KnownSession>& known,
                                                      SteadyTime now) {
  const auto settling = TakeAll(
      FindSshSessions(system_.ListSshProcesses(), known, system_.ListLogindSessions()), now);
  const bool saw_all = system_.SawAll();
  terminals_.reset();
  for (auto& [monitor, ending] : endings_) Advance(ending, now);
  std::vector<Report> reports;
  for (auto& [account, job] : jobs_) {
    LookAt(job, {saw_all, settling.contains(account)}, now, reports);
  }
  Forget(now);
  return reports;
}

// Returns the scopes in which somebody is about to get a session.
std::set<std::string> SessionEnder::TakeAll(const std::vector<SshSession>& sessions,
                                            SteadyTime now) {
  std::set<std::string> settling;
  for (const SshSession& session : sessions) {
    const auto ending = endings_.find(session.monitor);
    if (ending != endings_.end()) Take(session, ending->second.reason, now);
    for (auto& [account, job] : jobs_) {
      if (!job.due.scope.Covers(session)) continue;
      if (!session.established) {
        settling.insert(account);
        continue;
      }
      Take(session, job.due.why.reason, now);
      job.sessions.insert(session.monitor);
    }
  }
  return settling;
}

// A session that is being ended may have got its child since.
void SessionEnder::Take(const SshSession& session, const std::string& reason, SteadyTime now) {
  const auto [found, is_new] = endings_.try_emplace(session.monitor);
  Ending& ending = found->second;
  if (is_new) {
    ending.reason = reason;
    ending.since = ending.due = now;
  }
  ending.session = session;
  ending.held.try_emplace(session.monitor);
  for (const ProcessId& child : session.children) ending.held.try_emplace(child);
}

// Every step needs the monitor and the child in hand, so that none of them is forgotten.
Status SessionEnder::Hold(Ending& ending) {
  bool all_ended = true;
  for (auto& [id, held] : ending.held) {
    if (!held.tried) {
      auto process = system_.Hold(id);
      if (!process) return process.error();
      held.process = std::move(*process);
      held.tried = true;
    }
    all_ended = all_ended && held.HasEnded();
  }
  ending.gone = all_ended;
  return Ok();
}

void SessionEnder::Advance(Ending& ending, SteadyTime now) {
  bool told = false;
  Status done = Hold(ending);
  while (done && !ending.gone && ending.due <= now) {
    done = TakeStep(ending, told);
    if (!done) break;
    const NextStep next = FollowStep(ending.step, told);
    ending.step = next.step;
    ending.due = now + next.after;
  }
  if (done || std::exchange(ending.complained, true)) return;
  Log(LogLevel::kError,
      fmt::format("session account={} pid={} cannot be ended, trying again: {}",
                  EscapeForLog(ending.session.account), ending.session.monitor.pid,
                  EscapeForLog(done.error().message)));
}

Status SessionEnder::TakeStep(Ending& ending, bool& told) {
  switch (ending.step) {
    case EndingStep::kTell:
      told = Tell(ending);
      return Ok();
    case EndingStep::kTerminate: {
      Held& monitor = ending.held[ending.session.monitor];
      if (monitor.HasEnded()) return Ok();
      if (Status sent = monitor.process->Signal(SIGTERM); !sent) return sent;
      ending.signalled = true;
      Log(LogLevel::kInfo,
          fmt::format("session account={} pid={} ended: {}", EscapeForLog(ending.session.account),
                      ending.session.monitor.pid, EscapeForLog(ending.reason)));
      return Ok();
    }
    case EndingStep::kKillChild:
      return Kill(ending, false);
    case EndingStep::kKillMonitor:
      break;
  }
  return Kill(ending, true);
}

// The children first: without its monitor a child would keep the client connected.
Status SessionEnder::Kill(Ending& ending, bool monitor_too) {
  for (const bool of_monitor : {false, true}) {
    if (of_monitor && !monitor_too) break;
    for (auto& [id, held] : ending.held) {
      if ((id == ending.session.monitor) != of_monitor || held.HasEnded()) continue;
      if (Status sent = held.process->Signal(SIGKILL); !sent) return sent;
      ending.signalled = true;
    }
  }
  return Ok();
}

bool SessionEnder::Tell(const Ending& ending) {
  if (!ending.session.uid) return false;
  if (!terminals_) terminals_ = system_.ListTerminals();
  const std::string line = "\r\nclosed by sparekey: " + EscapeForLog(ending.reason) + "\r\n";
  bool told = false;
  for (const dev_t terminal : FindTerminals(*terminals_, ending.session)) {
    told = system_.Tell(terminal, *ending.session.uid, line) || told;
  }
  return told;
}

void SessionEnder::LookAt(Job& job, const View& view, SteadyTime now,
                          std::vector<Report>& reports) {
  std::erase_if(job.sessions, [&](const ProcessId& monitor) {
    const Ending& ending = endings_.find(monitor)->second;
    if (ending.gone && ending.signalled) ++job.ended;
    return ending.gone;
  });
  const std::size_t living = job.sessions.size();
  const auto age = now - job.since;
  if (living == 0 && view.whole && (!view.settling || age >= kTimeToSettle)) {
    if (job.next_report > now) return;
    job.next_report = now + kUnsettled;
    reports.push_back({job.due, State::kOver, job.ended, 0});
  } else if (!job.overdue && age >= kContainmentBound) {
    job.overdue = true;
    job.next_report = now + kAfterTheBound;
    reports.push_back({job.due, State::kOverdue, job.ended, living});
  } else if (job.overdue && job.next_report <= now) {
    job.next_report = now + kAfterTheBound;
    reports.push_back({job.due, State::kWaiting, job.ended, living});
  }
}

bool SessionEnder::IsWanted(const ProcessId& monitor) const {
  return std::ranges::any_of(
      jobs_, [&](const auto& entry) { return entry.second.sessions.contains(monitor); });
}

void SessionEnder::Forget(SteadyTime now) {
  std::erase_if(endings_, [&](const auto& entry) {
    const auto& [monitor, ending] = entry;
    if (ending.gone) return true;
    if (now - ending.since < kContainmentBound || IsWanted(monitor)) return false;
    Log(LogLevel::kError, fmt::format("session account={} pid={} could not be ended",
                                      EscapeForLog(ending.session.account), monitor.pid));
    return true;
  });
}

bool SessionEnder::IsWithinBound() const {
  if (std::ranges::any_of(jobs_, [](const auto& entry) { return !entry.second.overdue; })) {
    return true;
  }
  return std::ranges::any_of(endings_,
                             [this](const auto& entry) { return !IsWanted(entry.first); });
}

std::chrono::milliseconds SessionEnder::Pace() const {
  return IsWithinBound() ? kSweepEvery : kAfterTheBound;
}

std::set<std::string> SessionEnder::Overdue() const {
  std::set<std::string> accounts;
  for (const auto& [account, job] : jobs_) {
    if (job.overdue) accounts.insert(account);
  }
  return accounts;
}

}  // namespace sparekey
