// SPDX-License-Identifier: Apache-2.0
// The rows of the store: records sealed into an open database and back. Every value is bound to its
// row by the context under which it is sealed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/seal.h"
#include "core/sqlite.h"
#include "core/store.h"

namespace sparekey {

// Summary of an account that can be counted without opening its record.
std::int64_t FlagsOf(const Account& account);

// What stands in an account's row beside the record.
struct AccountRow {
  uid_t uid = kNoUid;
  std::int64_t flags = 0;
  bool damaged = false;
};

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
  Result<AccountCounts> CountAccounts();
  Result<std::vector<std::string>> ListClosedGates();
  Result<std::vector<std::string>> ListPending(const std::string& after, std::size_t limit);

  Result<std::int64_t> LastEvent();
  Status AppendEvent(const Event& event, std::int64_t id);
  Result<std::vector<Event>> ReadEvents(const EventQuery& query);

  Result<CheckedPiece> Check(const std::string& from, const PieceLimits& limits);  // store_check.cc

 private:
  void CheckState(const PieceLimits& limits, CheckedPiece& piece);
  Status CheckStructure(CheckedPiece& piece);
  Status CheckAccounts(const std::string& after, std::size_t limit, CheckedPiece& piece);
  Status CheckUids(std::int64_t after, std::size_t limit, CheckedPiece& piece);
  Status CheckEvents(std::int64_t after, std::size_t limit, CheckedPiece& piece);

  Result<Account> OpenAccount(const Statement& row);
  Result<Event> OpenEvent(const Statement& row);
  Result<SecretBytes> LoadState(const char* name);
  Status StoreState(const char* name, const SecretBytes& value);
  Status InsertStateRow(const char* name, const SecretBytes& value);
  Status ChangeOneRow(Statement statement, const std::string& what);

  Database& database_;
  const MasterKey& key_;
};

}  // namespace sparekey
