// SPDX-License-Identifier: Apache-2.0
#include "service/decider.h"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <iterator>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace sparekey {
namespace {

using TimeLimit = std::chrono::steady_clock::time_point;

struct Request {
  Work work;
  TimeLimit deadline;
  Decider::Done done;
  Decider::Purpose purpose;
};

Error Busy(const char* why) { return {ErrorCode::kBusy, why}; }
Error NotDecided() { return {ErrorCode::kUnavailable, "the store could not decide"}; }

Step WithDeadline(Step step, TimeLimit deadline) {
  return [step = std::move(step), deadline](Records& records) -> Result<Changes> {
    if (std::chrono::steady_clock::now() > deadline) return Busy("its turn came too late");
    return step(records);
  };
}

// An answer that cannot be delivered is a denial at the asker's deadline.
template <typename Call>
void Guarded(const Call& call) {
  try {
    call();
  } catch (...) {
  }
}

}  // namespace

struct Decider::Impl {
  Impl(std::unique_ptr<Store> owned, Limits bounds) : store(std::move(owned)), limits(bounds) {
    batch.reserve(limits.batch);
    works.reserve(limits.batch);
    thread = std::thread([this] { Loop(); });
  }

  void Loop();
  void WaitForWork(std::unique_lock<std::mutex>& lock);
  template <typename Use>
  void UseStore(std::unique_lock<std::mutex>& lock, const Use& use);
  void TakeBatch();
  bool TakeLooks();
  void Decide();
  void Run(std::span<Request> turn);
  void NoteTime(TimeLimit begin, TimeLimit end);
  void WakeThread() {
    thread_wanted = true;
    woken.notify_one();
  }

  bool HasWork() const { return !requests.empty() || !reads.empty(); }
  // The thread has something to do, or to end, and nobody else is in the store.
  bool IsThreadsTurn() const { return !in_use && (stopping || thread_wanted); }

  const std::unique_ptr<Store> store;
  const Limits limits;
  // Whose `in_use` it is. Reserved, so that nothing but the store and the callbacks needs memory
  // there.
  std::vector<Request> batch;
  std::vector<Work> works;
  TimeLimit::duration slow_for{};  // batches in a row, together
  TimeLimit last_slow{}, no_help_until{};
  std::mutex mutex;  // guards what follows
  std::condition_variable woken;
  std::deque<Request> requests;
  std::vector<std::function<void(Store& store)>> reads;
  bool in_use = false;         // a thread is in the store
  bool thread_wanted = false;  // there is work that no helper will come for
  std::thread::id helper;
  bool has_looked = false;  // the helper did, for those who look; the others are next
  std::uint64_t turns = 1, turns_at_idle = 0;  // of threads in the store, but for Store::Idle
  bool stopping = false;
  std::thread thread;  // last: it uses all of the above
};

template <typename Use>
void Decider::Impl::UseStore(std::unique_lock<std::mutex>& lock, const Use& use) {
  in_use = true;
  lock.unlock();
  use();
  lock.lock();
  in_use = false;
}

void Decider::Impl::Loop() {
  std::unique_lock lock(mutex);
  for (;;) {
    WaitForWork(lock);
    if (!HasWork() && stopping) return;
    TakeBatch();
    std::vector<std::function<void(Store & store)>> between;
    between.swap(reads);
    ++turns;
    UseStore(lock, [&] {
      Decide();
      for (const auto& read : between) Guarded([&] { read(*store); });
      between.clear();
    });
    thread_wanted = HasWork();
  }
}

// Returns with work, or when it is time to end. Keeps house once nobody was in the store for a
// while.
void Decider::Impl::WaitForWork(std::unique_lock<std::mutex>& lock) {
  while (!IsThreadsTurn()) {
    if (turns == turns_at_idle) {
      woken.wait(lock, [this] { return IsThreadsTurn() || turns != turns_at_idle; });
      continue;
    }
    const auto before = turns;
    if (woken.wait_for(lock, limits.idle, [this] { return IsThreadsTurn(); })) return;
    if (turns != before || in_use) continue;
    turns_at_idle = turns;
    UseStore(lock, [this] { Guarded([this] { store->Idle(); }); });
  }
}

void Decider::Impl::TakeBatch() {
  while (!requests.empty() && batch.size() < limits.batch) {
    batch.push_back(std::move(requests.front()));
    requests.pop_front();
  }
}

// Only those that look. False: there are none, or nobody else.
bool Decider::Impl::TakeLooks() {
  const auto looks = [](const Request& request) { return request.purpose == Purpose::kLooks; };
  const auto changing = std::stable_partition(requests.begin(), requests.end(), looks);
  if (changing == requests.begin() || changing == requests.end()) return false;
  const auto count = std::min<std::size_t>(changing - requests.begin(), limits.batch);
  const auto end = requests.begin() + static_cast<std::ptrdiff_t>(count);
  std::move(requests.begin(), end, std::back_inserter(batch));
  requests.erase(requests.begin(), end);
  return true;
}

void Decider::Impl::Decide() {
  const auto start = std::chrono::steady_clock::now();
  const auto late = std::stable_partition(batch.begin(), batch.end(), [&](const Request& request) {
    return request.deadline >= start;
  });
  const auto changing = std::stable_partition(batch.begin(), late, [](const Request& request) {
    return request.purpose == Purpose::kLooks;
  });
  Run({batch.begin(), changing});
  std::for_each(late, batch.end(), [](const Request& request) {
    Guarded([&] { request.done(Busy("the request waited too long")); });
  });
  if (changing != late) {
    const auto begin = std::chrono::steady_clock::now();
    Run({changing, late});
    Guarded([this] { store->Tidy(); });
    NoteTime(begin, std::chrono::steady_clock::now());
  }
  batch.clear();
}

// Of a turn that the disk was awaited for. One alone may have moved the log, or have waited for a
// processor.
void Decider::Impl::NoteTime(TimeLimit begin, TimeLimit end) {
  const bool is_quick = end - begin <= limits.quick;
  if (is_quick || begin - last_slow > limits.alone) slow_for = {};
  if (is_quick) return;
  slow_for += end - begin;
  last_slow = end;
  if (slow_for > limits.patience) no_help_until = end + limits.alone;
}

void Decider::Impl::Run(std::span<Request> turn) {
  if (turn.empty()) return;
  for (Request& request : turn) works.push_back(std::move(request.work));
  bool failed = true;
  Guarded([&] {
    store->Run(works);
    failed = false;
  });
  for (std::size_t i = 0; i < works.size(); ++i) {
    Guarded([&] { turn[i].done(failed ? Status(NotDecided()) : works[i].status); });
  }
  works.clear();
}

Decider::Decider(std::unique_ptr<Store> store, Limits limits)
    : impl_(std::make_unique<Impl>(std::move(store), limits)) {}

Decider::~Decider() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->woken.notify_one();
  impl_->thread.join();
}

void Decider::Submit(std::vector<AccountKey> accounts, Step step, TimeLimit deadline, Done done,
                     Purpose purpose) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->requests.size() < impl_->limits.waiting) {
      impl_->requests.push_back({Work{std::move(accounts), WithDeadline(std::move(step), deadline)},
                                 deadline, std::move(done), purpose});
      if (std::this_thread::get_id() != impl_->helper) impl_->WakeThread();
      return;
    }
  }
  done(Busy("too many requests wait"));
}

void Decider::Read(std::function<void(Store& store)> read) {
  const std::lock_guard lock(impl_->mutex);
  impl_->reads.push_back(std::move(read));
  impl_->WakeThread();
}

void Decider::BeginHelping() {
  const std::lock_guard lock(impl_->mutex);
  impl_->helper = std::this_thread::get_id();
}

void Decider::EndHelping() {
  const std::lock_guard lock(impl_->mutex);
  impl_->helper = {};
  if (impl_->HasWork()) impl_->WakeThread();
}

bool Decider::Help() {
  Impl& impl = *impl_;
  std::unique_lock lock(impl.mutex);
  if (!impl.HasWork() || impl.thread_wanted) return false;
  if (impl.in_use || std::chrono::steady_clock::now() < impl.no_help_until) {
    impl.WakeThread();
    return false;
  }
  const bool looks_alone = !std::exchange(impl.has_looked, false) && impl.TakeLooks();
  if (!looks_alone) impl.TakeBatch();
  if (impl.turns++ == impl.turns_at_idle) impl.woken.notify_one();  // to keep house afterwards
  impl.UseStore(lock, [&impl] { impl.Decide(); });
  const bool for_helper = looks_alone && !impl.requests.empty() && !impl.thread_wanted;
  if (!for_helper && impl.HasWork()) impl.WakeThread();
  return impl.has_looked = for_helper;
}

}  // namespace sparekey
