// SPDX-License-Identifier: Apache-2.0
// A number in memory that processes share, and can wait for (futex(2)).
#pragma once

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <ctime>
#include <new>
#include <stdexcept>

namespace sparekey::races {

inline constexpr std::chrono::seconds kPatience{60};

class SharedNumber {
 public:
  void Set(std::uint32_t value) {
    value_ = value;
    Wake();
  }
  void Add() {
    ++value_;
    Wake();
  }
  std::uint32_t Get() const { return value_; }
  // False when it has not come to that within the patience.
  template <typename Reached>
  bool Await(Reached reached, std::chrono::milliseconds patience = kPatience) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const std::uint32_t seen = value_;
      if (reached(seen)) return true;
      const auto left = end - std::chrono::steady_clock::now();
      if (left <= left.zero()) return false;
      const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
      const timespec wait{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
      syscall(SYS_futex, &value_, FUTEX_WAIT, seen, &wait, nullptr, 0);
    }
  }
  bool AwaitAtLeast(std::size_t count, std::chrono::milliseconds patience = kPatience) const {
    return Await([count](std::uint32_t now) { return now >= count; }, patience);
  }

 private:
  void Wake() { syscall(SYS_futex, &value_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }
  std::atomic<std::uint32_t> value_ = 0;
};
static_assert(sizeof(SharedNumber) == sizeof(std::uint32_t));

// A T without pointers that this process and those it forks see.
template <typename T>
class Shared {
 public:
  Shared() {
    void* const memory =
        mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
    value_ = new (memory) T();
  }
  ~Shared() { munmap(value_, sizeof(T)); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  T& operator*() const { return *value_; }
  T* operator->() const { return value_; }

 private:
  T* value_;
};

}  // namespace sparekey::races
