// SPDX-License-Identifier: Apache-2.0
#include "service/containments.h"

#include <spdlog/fmt/fmt.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "lockout/transitions.h"
#include "service/account_step.h"
#include "service/logging.h"

namespace sparekey {
namespace {

using State = SessionEnder::State;
constexpr std::chrono::seconds kStoreDeadline{60};
constexpr int kExaminations = 5;  // of a session that begins, a second apart

std::string NameScope(const std::string& account) {
  return account.empty() ? "everybody" : EscapeForLog(account);
}

// A damaged record is named in the log, and stands in nobody else's way.
void ReadDue(Store& store, const AccountKey& key, std::vector<DueContainment>& due) {
  const Status read = ReadRecords(store, {key}, [&due](const Records& records) {
    const auto& account = records.accounts[0].account;
    for (DueContainment& one : FindDueContainments({}, account ? &*account : nullptr)) {
      due.push_back(std::move(one));
    }
  });
  if (!read) Log(LogLevel::kError, EscapeForLog(key.name + ": " + read.error().message));
}

// An account's mark comes with its closed gate.
Result<std::vector<DueContainment>> ReadAllDue(Store& store) {
  std::vector<DueContainment> due;
  const Status read = ReadRecords(
      store, {}, [&due](const Records& records) { due = FindDueContainments(records.system, {}); });
  if (!read) return read.error();
  const auto names = store.ListClosedGates();
  if (!names) return names.error();
  for (const std::string& name : *names) ReadDue(store, {name, std::nullopt}, due);
  return due;
}

std::vector<AccountKey> KeysOf(const DueContainment& due) {
  if (due.scope.account.empty()) return {};
  return {{due.scope.account, std::nullopt}};
}

// Takes the mark away; a mark that is gone, or a later one, is left as it is.
Result<Changes> Finish(Records& records, const SessionEnder::Report& report, TimePoint now) {
  Changes changes;
  const std::string detail = DescribeEnded(report.ended, report.living);
  if (report.due.scope.account.empty()) {
    changes.system = FinishContainment(records.system, report.due.why, detail, now, changes.events);
  } else if (auto& account = records.accounts[0].account) {
    if (FinishContainment(*account, report.due.why, detail, now, changes.events)) {
      changes.accounts.push_back(0);
    }
  }
  return changes;
}

Result<Changes> RecordOverdue(const SessionEnder::Report& report, TimePoint now) {
  Event event;
  event.kind = EventKind::kSessionsEnded;
  event.account = report.due.scope.account;
  event.detail = DescribeEnded(report.ended, report.living);
  event.time = now;
  return Changes{{}, false, false, {event}};
}

bool IsMarked(const Records& records, const DueContainment& due) {
  auto mark = due.scope.account.empty()     ? records.system.containment
              : records.accounts[0].account ? records.accounts[0].account->containment
                                            : std::nullopt;
  return EndContainment(mark, due.why);
}

}  // namespace

struct Containments::Impl {
  using Task = std::function<void(SessionEnder& ender)>;

  Impl(const Backend& owner, SessionSystem& system, Known known_sessions)
      : backend(owner), known(std::move(known_sessions)), ender(system) {
    thread = std::thread([this] { Loop(); });
  }

  void Loop();
  void Turn();
  void Carry(const SessionEnder::Report& report);
  void Submit(const SessionEnder::Report& report, Step step, Decider::Done done);
  void Push(Task task);
  void TryAgainLater();  // with what the records say is due
  void Resume();
  void Examine(const KnownSession& session, std::vector<AccountKey> keys, int tries);

  const Backend& backend;
  const Known known;
  SessionEnder ender;                           // the thread's own
  std::map<std::string, std::string> reported;  // too: by scope, while it cannot be recorded
  std::atomic<bool> lost = false;  // memory or the store was out: the records know what is due
  std::atomic<bool> complained = false;
  mutable std::mutex mutex;  // guards what follows
  std::condition_variable woken;
  std::vector<Task> tasks;
  std::set<std::string> overdue;
  bool quiet = true;
  bool stopping = false;
  std::thread thread;  // last: it uses all of the above
};

void Containments::Impl::Loop() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    lock.unlock();
    try {
      Turn();
    } catch (...) {
      lost = true;
    }
    lock.lock();
    const auto has_work = [this] { return stopping || !tasks.empty(); };
    if (!ender.IsIdle()) {
      woken.wait_for(lock, ender.Pace(), has_work);
      continue;
    }
    woken.wait(lock, [&] { return has_work() || lost; });
    if (lost) woken.wait_for(lock, SessionEnder::kAfterTheBound, [this] { return stopping; });
  }
}

void Containments::Impl::Turn() {
  std::vector<Task> taken;
  {
    const std::lock_guard lock(mutex);
    taken.swap(tasks);
  }
  for (const Task& task : taken) task(ender);
  if (lost.exchange(false)) Resume();
  if (!ender.IsIdle()) {
    for (const auto& report : ender.Sweep(known(), std::chrono::steady_clock::now())) {
      Carry(report);
    }
  }
  auto now_overdue = ender.Overdue();
  const std::lock_guard lock(mutex);
  overdue.swap(now_overdue);
  quiet = tasks.empty() && !ender.IsWithinBound();
}

// Only the server's thread submits: the decider may be gone before this one is.
void Containments::Impl::Submit(const SessionEnder::Report& report, Step step, Decider::Done done) {
  backend.post([this, keys = KeysOf(report.due), step = std::move(step), done = std::move(done)] {
    backend.decider.Submit(keys, step, std::chrono::steady_clock::now() + kStoreDeadline, done);
  });
}

void Containments::Impl::Carry(const SessionEnder::Report& report) {
  const TimePoint now = backend.clock();
  const std::string text = fmt::format("containment of {}: {}", NameScope(report.due.scope.account),
                                       DescribeEnded(report.ended, report.living));
  if (report.state == State::kOver) {
    const bool is_new = std::exchange(reported[report.due.scope.account], text) != text;
    if (is_new) Log(LogLevel::kInfo, text);
    const auto finish = [report, now](Records& records) { return Finish(records, report, now); };
    return Submit(report, finish, [this, is_new, due = report.due](const Status& status) {
      if (!status && is_new) Log(LogLevel::kError, EscapeForLog(status.error().message));
      Push([this, due, recorded = status.ok()](SessionEnder& own) {
        if (recorded) reported.erase(due.scope.account);
        own.Settle(due, recorded, std::chrono::steady_clock::now());
      });
    });
  }
  if (report.state == State::kOverdue) {
    Log(LogLevel::kError, text + "; it goes on. Look at these processes");
    const auto record = [report, now](Records&) { return RecordOverdue(report, now); };
    return Submit(report, record, [](const Status&) {});
  }
  const auto marked = std::make_shared<bool>(true);
  const auto look = [marked, due = report.due](Records& records) -> Result<Changes> {
    *marked = IsMarked(records, due);
    return Changes{};
  };
  Submit(report, look, [this, marked, due = report.due](const Status& status) {
    if (!status || *marked) return;
    Push([this, due](SessionEnder& own) {
      reported.erase(due.scope.account);
      own.Drop(due);
    });
  });
}

void Containments::Impl::Push(Task task) {
  try {
    const std::lock_guard lock(mutex);
    tasks.push_back(std::move(task));
    quiet = false;
  } catch (...) {
    const std::lock_guard lock(mutex);
    lost = true;
  }
  woken.notify_one();
}

void Containments::Impl::TryAgainLater() {
  {
    const std::lock_guard lock(mutex);
    lost = true;
  }
  woken.notify_one();
}

void Containments::Impl::Resume() {
  backend.post([this] {
    backend.decider.Read([this](Store& store) {
      auto due = ReadAllDue(store);
      if (!due) {
        if (!complained.exchange(true)) {
          Log(LogLevel::kError, "containment: " + EscapeForLog(due.error().message));
        }
        return TryAgainLater();
      }
      complained = false;
      Push([list = std::move(*due)](SessionEnder& own) {
        own.Reconcile(list, std::chrono::steady_clock::now());
      });
    });
  });
}

// What cannot be read now is looked at again; where the account's record is damaged, the system's
// still counts.
void Containments::Impl::Examine(const KnownSession& late, std::vector<AccountKey> keys,
                                 int tries) {
  const auto reason = std::make_shared<std::string>();
  const auto look = [reason](Records& records) -> Result<Changes> {
    const auto* found = records.accounts.empty() ? nullptr : &records.accounts[0].account;
    *reason = FindReasonAgainst(records.system, found && *found ? &**found : nullptr);
    return Changes{};
  };
  const auto done = [this, reason, late, keys, tries](const Status& status) {
    if (!status) {
      Log(LogLevel::kWarning, fmt::format("session account={} pid={} cannot be examined: {}",
                                          EscapeForLog(late.account), late.process.pid,
                                          EscapeForLog(status.error().message)));
      if (tries <= 1) return;
      const bool damaged = status.error().code == ErrorCode::kDamaged;
      backend.post([this, late, left = damaged ? std::vector<AccountKey>() : keys, tries] {
        backend.after(SessionEnder::kAfterTheBound,
                      [this, late, left, tries] { Examine(late, left, tries - 1); });
      });
      return;
    }
    if (reason->empty()) return;
    Log(LogLevel::kWarning, fmt::format("session account={} pid={} began behind a closed gate",
                                        EscapeForLog(late.account), late.process.pid));
    Push([reason, late](SessionEnder& own) {
      own.BeginOne(late, *reason, std::chrono::steady_clock::now());
    });
  };
  backend.decider.Submit(keys, look, std::chrono::steady_clock::now() + kStoreDeadline, done);
}

Containments::Containments(const Backend& backend, SessionSystem& system, Known known)
    : impl_(std::make_unique<Impl>(backend, system, std::move(known))) {}

Containments::~Containments() { Stop(); }

void Containments::Begin(const std::vector<DueContainment>& due) {
  if (due.empty()) return;
  impl_->Push([due](SessionEnder& ender) {
    for (const auto& one : due) ender.Begin(one, std::chrono::steady_clock::now());
  });
}

void Containments::Resume() { impl_->Resume(); }

void Containments::Examine(const std::string& account, const ProcessId& session) {
  impl_->Examine({session, account}, {{account, std::nullopt}}, kExaminations);
}

std::set<std::string> Containments::Overdue() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->overdue;
}

bool Containments::IsQuiet() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->quiet && impl_->tasks.empty() && !impl_->lost;
}

void Containments::Stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->woken.notify_one();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace sparekey
