// SPDX-License-Identifier: Apache-2.0
// The rows of the store: records sealed into an open database and back. Every value is bound to its
// row by the context under which it is sealed.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/seal.h"
#include "core/sqlite.h"
#include "core/store.h"

namespace sparekey {

// Table, field, version of the layout, then what names the row: under this a value is sealed.
std::string RowContext(std::initializer_list<std::string_view> parts);

// Summary of an account that can be counted without opening its record.
std::int64_t FlagsOf(const Account& account);

// What stands in an account's row beside the record.
struct AccountRow {
  uid_t uid = kNoUid;
  std::int64_t flags = 0;
  bool damaged = false;
};

// How many accounts have these flags; or how many more.
using FlagCounts = std::map<std::int64_t, std::int64_t>;
AccountCounts SumUp(const FlagCounts& flag_counts);

struct StoredAccount {
  LoadedAccount loaded;
  std::optional<AccountRow> row;  // of loaded.account, or of the damaged record
};

class StoreRows {
 public:
  // Both must outlive this.
  StoreRows(Database& database, const MasterKey& key) : database_(database), key_(key) {}

  // kDamaged: `key` does not fit.
  Status CheckKey();
  Status InsertState(const SystemState& system, const Policy& policy);
  Result<SystemState> LoadSystem();
  Result<Policy> LoadPolicy();
  Status StoreSystem(const SystemState& system);
  Status StorePolicy(const Policy& policy);

  // kDamaged where the record cannot be read, or, with `tolerant`, StoredAccount of that.
  Result<StoredAccount> LoadAccount(const AccountKey& key, bool tolerant = false);
  Result<std::optional<std::string>> FindNameOf(uid_t uid);
  // `before`: its row now; without one it is inserted.
  Status StoreAccount(const Account& account, const std::optional<AccountRow>& before);
  Status ReleaseUid(const std::string& name);
  Result<AccountPage> ListAccounts(const std::string& after, std::size_t limit);
  Result<FlagCounts> CountFlags();  // looks at every account
  // What StoreAccount has done to the counts since this was called last.
  FlagCounts TakeFlagChanges();
  Result<std::vector<std::string>> ListClosedGates();
  Result<std::vector<std::string>> ListPending(const std::string& after, std::size_t limit);
  Result<std::vector<std::string>> ListLocked(const std::string& after, std::size_t limit);

  // Of events and alerts, which share their ids.
  Result<std::int64_t> LastId();
  Status AppendEvent(const Event& event, std::int64_t id);
  Result<EventPage> ReadEvents(const EventQuery& query);
  Result<PrunedEvents> PruneEvents(const EventLimits& limits, std::int64_t after_id,
                                   std::size_t piece);

  // store_alerts.cc
  Status FoldIntoAlerts(const Event& event, const SystemState& system);
  // Where an alert of this kind and account stands already, it stays. `alert` has an id.
  Status AddAlert(const Alert& alert);
  Result<Alert> LoadAlert(std::int64_t id);  // kNotFound, kDamaged
  Result<std::vector<Alert>> ListAlerts(const AlertQuery& query);
  Result<std::uint64_t> CountOpenAlerts();
  // Accounts that are locked or super-locked, or whose gate is closed, by their flags.
  Result<std::vector<std::string>> ListShut();

  Result<CheckedPiece> Check(const std::string& from, const PieceLimits& limits);  // store_check.cc

 private:
  void CheckState(const PieceLimits& limits, CheckedPiece& piece);
  Status CheckStructure(CheckedPiece& piece);
  Status CheckAccounts(const std::string& after, std::size_t limit, CheckedPiece& piece);
  Status CheckUids(std::int64_t after, std::size_t limit, CheckedPiece& piece);
  Status CheckEvents(std::int64_t after, std::size_t limit, CheckedPiece& piece);
  Status CheckAlerts(std::int64_t after, std::size_t limit, CheckedPiece& piece);

  Result<Alert> OpenAlert(const Statement& row);
  Result<std::optional<Alert>> FindAlert(const AlertChange& change);
  Status StoreAlert(const Alert& alert);
  Status ChangeAlert(const AlertChange& change, const Event& event);

  Result<Account> OpenAccount(const Statement& row);
  Result<Event> OpenEvent(const Statement& row);
  Result<EventPage> ReadEventsOf(const std::string& account, const EventQuery& query);
  Result<bool> FillPage(Statement& row, const EventQuery& query, EventPage& page,
                        std::size_t& looked_at);
  Result<SecretBytes> LoadState(const char* name);
  Status StoreState(const char* name, const SecretBytes& value);
  Status InsertStateRow(const char* name, const SecretBytes& value);
  Status ChangeOneRow(Statement statement, const std::string& what);

  FlagCounts flag_changes_;
  Database& database_;
  const MasterKey& key_;
};

}  // namespace sparekey
