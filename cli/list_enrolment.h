// SPDX-License-Identifier: Apache-2.0
// Enrols the accounts of a list: their secrets are on disk before the service hears of them, so
// that the same command goes on after a crash at any moment.
#pragma once

#include <cstddef>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cli/account_list.h"
#include "cli/api.h"
#include "cli/list_plan.h"
#include "cli/progress.h"
#include "cli/secret_folder.h"

namespace sparekey {

struct ListFailure {
  std::size_t line = 0;
  std::string account;
  std::string code;  // as the API names them
  std::string message;
};

struct ListTotals {
  std::size_t enrolled = 0;
  std::size_t unchanged = 0;  // they were so already
  std::size_t sheets = 0;     // made by this run
  std::vector<ListFailure> failed;
};

class ListEnrolment {
 public:
  static constexpr std::size_t kBatch = 128;         // accounts of a request: logins wait meanwhile
  static constexpr std::size_t kBatchBytes = 48000;  // of at most 64 KiB
  static constexpr std::size_t kChunk = 2048;        // accounts on their way between list and batch
  // The service hashes two sheets at once; a third one fills the gap while an answer is written.
  static constexpr std::size_t kSheetsAtOnce = 3;

  struct Order {
    std::string socket;
    ListPlan plan;
    bool with_sheets = false;
    bool sheets_as_json = false;
  };
  ListEnrolment(Order order, AccountList& list, const SecretFolder& folder, Progress& progress)
      : order_(std::move(order)), list_(list), folder_(folder), progress_(progress) {}

  // Runs until the end of the list, a failure that is not one account's (which is returned), or
  // until StopListEnrolment.
  std::optional<Failure> Run();
  const ListTotals& totals() const { return totals_; }

 private:
  struct Item;
  using Items = std::vector<Item>;

  Result<Items> TakeChunk();
  Result<std::optional<Item>> Prepare(ListEntry entry);
  Result<Authenticator> PlanSecret(const ListEntry& entry, Item& item) const;
  std::optional<Failure> Deliver(Items items);
  std::optional<Failure> Enrol(Api& api, std::span<Item> items);
  bool Settle(Item& item, const Json& result);
  void GiveUp(const Item& item, std::string code, std::string message);
  std::optional<Failure> MakeSheets(std::span<Item> items);
  std::optional<Failure> MakeSheet(Api& api, const Item& item);

  const Order order_;
  AccountList& list_;
  const SecretFolder& folder_;
  Progress& progress_;
  std::mutex mutex_;  // guards the totals
  ListTotals totals_;
};

// From a signal handler: the run ends behind what is under way.
void StopListEnrolment();
bool IsListEnrolmentStopped();

}  // namespace sparekey
