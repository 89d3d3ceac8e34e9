// SPDX-License-Identifier: Apache-2.0
#include "service/decider.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
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
  void TakeBatch();
  void Decide();

  bool HasWork() const { return !requests.empty() || !reads.empty(); }

  const std::unique_ptr<Store> store;
  const Limits limits;
  // The thread's own. Reserved, so that nothing but the store and the callbacks needs memory there.
  std::vector<Request> batch;
  std::vector<Work> works;
  std::mutex mutex;  // guards what follows
  std::condition_variable woken;
  std::deque<Request> requests;
  std::vector<std::function<void(Store& store)>> reads;
  bool stopping = false;
  std::thread thread;  // last: it uses all of the above
};

void Decider::Impl::Loop() {
  std::unique_lock lock(mutex);
  for (;;) {
    WaitForWork(lock);
    if (!HasWork()) return;
    TakeBatch();
    std::vector<std::function<void(Store & store)>> between;
    between.swap(reads);
    lock.unlock();
    Decide();
    for (const auto& read : between) Guarded([&] { read(*store); });
    between.clear();
    lock.lock();
  }
}

// Returns with work, or when it is time to end.
void Decider::Impl::WaitForWork(std::unique_lock<std::mutex>& lock) {
  const auto ready = [this] { return stopping || HasWork(); };
  if (woken.wait_for(lock, limits.idle, ready)) return;
  lock.unlock();
  Guarded([this] { store->Idle(); });
  lock.lock();
  woken.wait(lock, ready);
}

void Decider::Impl::TakeBatch() {
  while (!requests.empty() && batch.size() < limits.batch) {
    batch.push_back(std::move(requests.front()));
    requests.pop_front();
  }
}

void Decider::Impl::Decide() {
  const auto now = std::chrono::steady_clock::now();
  const auto late = std::stable_partition(
      batch.begin(), batch.end(), [&](const Request& request) { return request.deadline >= now; });
  for (auto request = batch.begin(); request != late; ++request) {
    works.push_back(std::move(request->work));
  }
  bool failed = !works.empty();
  Guarded([&] {
    if (!works.empty()) store->Run(works);
    failed = false;
  });
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Guarded([&] {
      if (i >= works.size()) return batch[i].done(Busy("the request waited too long"));
      batch[i].done(failed ? Status(NotDecided()) : works[i].status);
    });
  }
  works.clear();
  batch.clear();
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

void Decider::Submit(std::vector<AccountKey> accounts, Step step, TimeLimit deadline, Done done) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->requests.size() < impl_->limits.waiting) {
      impl_->requests.push_back({Work{std::move(accounts), WithDeadline(std::move(step), deadline)},
                                 deadline, std::move(done)});
      done = nullptr;
    }
  }
  if (done == nullptr)
    impl_->woken.notify_one();
  else
    done(Busy("too many requests wait"));
}

void Decider::Read(std::function<void(Store& store)> read) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->reads.push_back(std::move(read));
  }
  impl_->woken.notify_one();
}

}  // namespace sparekey
