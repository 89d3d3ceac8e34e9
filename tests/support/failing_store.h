// SPDX-License-Identifier: Apache-2.0
// A real store that a test lets fail, as on a disk that gives errors for a while.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/store.h"

namespace sparekey::testing {

struct StoreFaults {
  std::atomic<bool> fails = false;
  std::atomic<int> failed = 0;  // calls
};

class FailingStore final : public Store {
 public:
  FailingStore(std::unique_ptr<Store> store, StoreFaults& faults)
      : store_(std::move(store)), faults_(faults) {}

  void Run(std::span<Work> works) override {
    if (!Fails()) return store_->Run(works);
    for (Work& work : works) work.status = Problem();
  }
  void Tidy() override { store_->Tidy(); }
  Result<AccountPage> ListAccounts(const std::string& after, std::size_t limit) override {
    if (Fails()) return Problem();
    return store_->ListAccounts(after, limit);
  }
  Result<AccountCounts> CountAccounts() override {
    if (Fails()) return Problem();
    return store_->CountAccounts();
  }
  Result<std::vector<std::string>> ListClosedGates() override {
    if (Fails()) return Problem();
    return store_->ListClosedGates();
  }
  Result<std::vector<std::string>> ListPending(const std::string& after,
                                               std::size_t limit) override {
    if (Fails()) return Problem();
    return store_->ListPending(after, limit);
  }
  Result<std::vector<std::string>> ListLocked(const std::string& after,
                                              std::size_t limit) override {
    if (Fails()) return Problem();
    return store_->ListLocked(after, limit);
  }
  Result<EventPage> ReadEvents(const EventQuery& query) override {
    if (Fails()) return Problem();
    return store_->ReadEvents(query);
  }
  Result<PrunedEvents> PruneEvents(const EventLimits& limits, std::int64_t after_id,
                                   std::size_t piece) override {
    if (Fails()) return Problem();
    return store_->PruneEvents(limits, after_id, piece);
  }
  Result<std::vector<Alert>> ListAlerts(const AlertQuery& query) override {
    if (Fails()) return Problem();
    return store_->ListAlerts(query);
  }
  Result<std::uint64_t> CountOpenAlerts() override {
    if (Fails()) return Problem();
    return store_->CountOpenAlerts();
  }
  void SetListener(Listener listener) override { store_->SetListener(std::move(listener)); }
  Result<CheckedPiece> Check(const std::string& from, const PieceLimits& limits) override {
    if (Fails()) return Problem();
    return store_->Check(from, limits);
  }
  void Idle() override { store_->Idle(); }

 private:
  bool Fails() {
    if (faults_.fails) ++faults_.failed;
    return faults_.fails;
  }
  static Error Problem() { return {ErrorCode::kUnavailable, "disk I/O error"}; }

  std::unique_ptr<Store> store_;
  StoreFaults& faults_;
};

}  // namespace sparekey::testing
