// SPDX-License-Identifier: Apache-2.0
#include "service/hash_pool.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "service/logging.h"

namespace sparekey {

struct HashPool::Impl {
  explicit Impl(std::size_t waiting) : limit(waiting) {}

  void Run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stopping || !queue.empty(); });
      if (stopping) return;
      std::function<void()> work = std::move(queue.front());
      queue.pop_front();
      ++busy;
      lock.unlock();
      try {
        work();
      } catch (const std::exception& exception) {
        Log(LogLevel::kError, std::string("a hash failed: ") + exception.what());
      }
      work = nullptr;  // what it holds ends outside the lock
      lock.lock();
      --busy;
    }
  }

  const std::size_t limit;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  std::size_t busy = 0;
  bool stopping = false;
  std::vector<std::thread> threads;
};

HashPool::HashPool(std::size_t threads, std::size_t waiting)
    : impl_(std::make_unique<Impl>(waiting)) {
  for (std::size_t i = 0; i < threads; ++i) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->Run(); });
  }
}

HashPool::~HashPool() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    dropped.swap(impl_->queue);
  }
  impl_->changed.notify_all();
  dropped.clear();
  for (std::thread& thread : impl_->threads) thread.join();
}

bool HashPool::Submit(std::function<void()> work) {
  {
    const std::lock_guard lock(impl_->mutex);
    // A work for an idle thread does not wait.
    const std::size_t idle = impl_->threads.size() - impl_->busy;
    if (impl_->stopping || impl_->queue.size() >= impl_->limit + idle) return false;
    impl_->queue.push_back(std::move(work));
  }
  impl_->changed.notify_one();
  return true;
}

}  // namespace sparekey
