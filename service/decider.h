// SPDX-License-Identifier: Apache-2.0
// Owns the store: takes all works that wait, runs them in one transaction and reports after its
// single fsync (group commit), then has the store tidied; those that only look it answers before.
// On its own thread, or on that of a helper, who saves two changes of threads a work where the disk
// is quick. One thread at a time is in the store.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "core/store.h"

namespace sparekey {

class Decider {
 public:
  struct Limits {
    std::size_t waiting = 4096;  // beyond: kBusy
    std::size_t batch = 256;
    std::chrono::milliseconds idle{20};       // without work: Store::Idle
    std::chrono::milliseconds quick{5};       // a batch that took longer was slow
    std::chrono::milliseconds patience{250};  // of slow batches in a row, or of one: then no help
    std::chrono::milliseconds alone{1000};    // for so long
  };
  explicit Decider(std::unique_ptr<Store> store) : Decider(std::move(store), Limits{}) {}
  Decider(std::unique_ptr<Store> store, Limits limits);
  ~Decider();  // finishes what waits

  using Done = std::function<void(Status status)>;  // on the thread that decided
  enum class Purpose {
    kMayChange,
    kLooks
  };  // what looks has its turn first, and no disk to wait for
  // A work whose turn has not come by `deadline`, also within its batch, gets kBusy and does
  // nothing. While too many wait, kBusy comes at once, on the caller's thread. A store that throws
  // is kUnavailable for the whole batch.
  void Submit(std::vector<AccountKey> accounts, Step step,
              std::chrono::steady_clock::time_point deadline, Done done,
              Purpose purpose = Purpose::kMayChange);
  // Runs a read between transactions, on the decider's thread.
  void Read(std::function<void(Store& store)> read);

  // From here on what the calling thread submits wakes nobody: it must call Help() before it waits
  // for anything. One thread at a time may help.
  void BeginHelping();
  void EndHelping();
  // Decides what waits, unless another thread is in the store or the disk was slow of late: then
  // the decider's thread does, so that a slow disk holds up no helper for long (one that hangs for
  // the first time does, once, for as long as it hangs). Where some
  // only look, it answers them alone; true: the others wait for the next call, to which who comes
  // meanwhile comes in time.
  bool Help();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparekey
