// SPDX-License-Identifier: Apache-2.0
#include "core/store_rows.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/record_codec.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostListed = 1000;
constexpr char kSystemRow[] = "system";
constexpr char kPolicyRow[] = "policy";
constexpr char kKeyCheckRow[] = "key_check";
constexpr std::string_view kKeyCheck = "sparekey";

constexpr std::size_t kUsualContext = 80;

constexpr std::int64_t kEnrolmentMask = 3;
constexpr std::int64_t kLockedFlag = 4, kSuperLockedFlag = 8;  // kListShut asks for >= 4
constexpr std::int64_t kGateFlag = 16;  // the highest: kListClosedGates asks for >= 16
static_assert(static_cast<int>(Enrolment::kNone) == 0 &&
              static_cast<int>(Enrolment::kPending) == 1 &&
              static_cast<int>(Enrolment::kActive) == 2);

constexpr char kSelectAccount[] = "SELECT name, uid, flags, record FROM account WHERE name=?";
constexpr char kSelectName[] = "SELECT name FROM account WHERE uid=?";
constexpr char kInsertAccount[] = "INSERT INTO account(uid, flags, record, name) VALUES(?,?,?,?)";
constexpr char kUpdateAccount[] = "UPDATE account SET uid=?, flags=?, record=? WHERE name=?";
// Leaves the indexes alone: a login changes one page.
constexpr char kUpdateRecord[] = "UPDATE account SET record=? WHERE name=?";
constexpr char kReleaseUid[] = "UPDATE account SET uid=NULL WHERE name=?";
constexpr char kListAccounts[] =
    "SELECT name, uid, flags, record FROM account WHERE name>? ORDER BY name";
constexpr char kListShut[] =
    "SELECT name FROM account INDEXED BY account_flags WHERE flags >= 4 ORDER BY name";
constexpr char kListClosedGates[] =
    "SELECT name FROM account INDEXED BY account_flags WHERE flags >= 16 ORDER BY name";
// Every value of the flags whose enrolment is pending.
constexpr char kListPending[] =
    "SELECT name FROM account INDEXED BY account_flags"
    " WHERE flags IN (1,5,9,13,17,21,25,29) AND name>? ORDER BY name LIMIT ?";
// The same of the lockouts.
constexpr char kListLocked[] =
    "SELECT name FROM account INDEXED BY account_flags"
    " WHERE flags IN (4,5,6,8,9,10,12,13,14,20,21,22,24,25,26,28,29,30) AND name>?"
    " ORDER BY name LIMIT ?";
constexpr char kCountAccounts[] = "SELECT flags, count(*) FROM account GROUP BY flags";

constexpr char kSelectState[] = "SELECT value FROM state WHERE name=?";
constexpr char kInsertState[] = "INSERT INTO state(value, name) VALUES(?,?)";
constexpr char kUpdateState[] = "UPDATE state SET value=? WHERE name=?";

constexpr char kLastId[] =
    "SELECT max(coalesce((SELECT max(id) FROM event), 0),"
    " coalesce((SELECT max(id) FROM alert), 0))";
// What stands for a uid in the row.
std::int64_t StoredUid(uid_t uid) { return uid == kNoUid ? -1 : std::int64_t{uid}; }

std::string AccountContext(const std::string& name, std::int64_t uid, std::int64_t flags) {
  return RowContext({"account", "record", "1", name, std::to_string(uid), std::to_string(flags)});
}

std::string StateContext(const char* name) { return RowContext({"state", "value", "1", name}); }

Error Damaged(const std::string& what) {
  return {ErrorCode::kDamaged, what + " in the store is damaged"};
}

Result<std::vector<std::string>> ReadNames(Statement row) {
  std::vector<std::string> names;
  for (;;) {
    const Result<bool> found = row.Next();
    if (!found) return found.error();
    if (!*found) return names;
    names.push_back(row.Text(0));
  }
}

// A name that is damaged itself must not reach a log.
Error DamagedRecord(const std::string& name) {
  if (!IsAccountName(name)) return Damaged("a record");
  Error error = Damaged("the record of " + name);
  error.message += "; at the local console this replaces it: sparekey console reset " + name;
  return error;
}

Statement& BindUid(Statement& statement, uid_t uid) {
  return uid == kNoUid ? statement.BindNull() : statement.Bind(StoredUid(uid));
}

}  // namespace

// Lengths keep the parts apart.
std::string RowContext(std::initializer_list<std::string_view> parts) {
  std::string context;
  context.reserve(kUsualContext);
  for (const std::string_view part : parts) {
    std::array<char, 24> size{};
    char* end = std::to_chars(size.begin(), size.end(), part.size()).ptr;
    *end++ = ':';
    context.append(size.begin(), end).append(part);
  }
  return context;
}

std::int64_t FlagsOf(const Account& account) {
  return static_cast<std::int64_t>(account.enrolment()) | (account.locked ? kLockedFlag : 0) |
         (account.super_locked ? kSuperLockedFlag : 0) | (account.gate ? kGateFlag : 0);
}

Status StoreRows::CheckKey() {
  const Result<SecretBytes> value = LoadState(kKeyCheckRow);
  if (value && ConstantTimeEqual(value->ExposeText(), kKeyCheck)) return Ok();
  if (!value && value.error().code != ErrorCode::kDamaged) return value.error();
  return Error{ErrorCode::kDamaged,
               "the master key does not fit the store (or the store's check value is damaged); "
               "restore the key and the store that belong together"};
}

Status StoreRows::InsertState(const SystemState& system, const Policy& policy) {
  Status status = InsertStateRow(kKeyCheckRow, SecretBytes(kKeyCheck));
  if (status) status = InsertStateRow(kSystemRow, EncodeSystem(system));
  if (status) status = InsertStateRow(kPolicyRow, EncodePolicy(policy));
  return status;
}

Result<SystemState> StoreRows::LoadSystem() {
  const Result<SecretBytes> value = LoadState(kSystemRow);
  if (!value) return value.error();
  return DecodeSystem(value->Expose());
}

Result<Policy> StoreRows::LoadPolicy() {
  const Result<SecretBytes> value = LoadState(kPolicyRow);
  if (!value) return value.error();
  return DecodePolicy(value->Expose());
}

Status StoreRows::StoreSystem(const SystemState& system) {
  return StoreState(kSystemRow, EncodeSystem(system));
}

Status StoreRows::StorePolicy(const Policy& policy) {
  return StoreState(kPolicyRow, EncodePolicy(policy));
}

Result<StoredAccount> StoreRows::LoadAccount(const AccountKey& key, bool tolerant) {
  StoredAccount stored;
  {
    Statement row = database_.Use(kSelectAccount);
    const Result<bool> found = row.Bind(key.name).Next();
    if (!found) return found.error();
    if (*found) {
      Result<Account> account = OpenAccount(row);
      stored.loaded.damaged = !account && tolerant && account.error().code == ErrorCode::kDamaged;
      if (!account && !stored.loaded.damaged) return account.error();
      stored.row = account ? AccountRow{account->uid, row.Number(2)}
                           : AccountRow{kNoUid, 0, true};  // what stands there counts for nothing
      if (account) stored.loaded.account = std::move(*account);
    }
  }
  if (!key.uid || (stored.row && stored.row->uid == *key.uid)) return stored;
  Result<std::optional<std::string>> name = FindNameOf(*key.uid);
  if (!name) return name.error();
  if (*name == key.name && stored.loaded.damaged) return stored;
  // Known by uid, but not found by name, or found there with another uid.
  if (*name == key.name) return Damaged("the record of " + key.name);
  stored.loaded.uid_taken = std::move(*name);
  return stored;
}

Result<std::optional<std::string>> StoreRows::FindNameOf(uid_t uid) {
  Statement row = database_.Use(kSelectName);
  const Result<bool> found = row.Bind(std::int64_t{uid}).Next();
  if (!found) return found.error();
  if (!*found) return std::optional<std::string>();
  return std::optional(row.Text(0));
}

Status StoreRows::StoreAccount(const Account& account, const std::optional<AccountRow>& before) {
  const std::int64_t flags = FlagsOf(account);
  const auto record = key_.Seal(EncodeAccount(account).Expose(),
                                AccountContext(account.name, StoredUid(account.uid), flags));
  const bool record_only =
      before && !before->damaged && before->uid == account.uid && before->flags == flags;
  const char* sql = record_only ? kUpdateRecord : (before ? kUpdateAccount : kInsertAccount);
  Statement statement = database_.Use(sql);
  if (!record_only) BindUid(statement, account.uid).Bind(flags);
  statement.Bind(record).Bind(account.name);
  const Status stored = ChangeOneRow(std::move(statement), "the record of " + account.name);
  if (!stored || record_only) return stored;
  if (before) --flag_changes_[before->flags];
  ++flag_changes_[flags];
  return stored;
}

Status StoreRows::ReleaseUid(const std::string& name) {
  Statement statement = database_.Use(kReleaseUid);
  statement.Bind(name);
  return ChangeOneRow(std::move(statement), "the record of " + name);
}

Result<AccountPage> StoreRows::ListAccounts(const std::string& after, std::size_t limit) {
  AccountPage page;
  Statement row = database_.Use(kListAccounts);
  row.Bind(after);
  while (page.accounts.size() < std::min(limit, kMostListed)) {
    const Result<bool> found = row.Next();
    if (!found) return found.error();
    if (!*found) break;
    Result<Account> account = OpenAccount(row);
    if (!account && account.error().code != ErrorCode::kDamaged) return account.error();
    const std::string name = row.Text(0);
    if (account) {
      page.accounts.push_back({name, std::move(*account)});
    } else if (IsAccountName(name)) {
      page.accounts.push_back({name, std::nullopt});
    } else {
      ++page.nameless;
    }
  }
  return page;
}

Result<FlagCounts> StoreRows::CountFlags() {
  FlagCounts counts;
  Statement row = database_.Use(kCountAccounts);
  for (;;) {
    const Result<bool> found = row.Next();
    if (!found) return found.error();
    if (!*found) return counts;
    counts[row.Number(0)] = row.Number(1);
  }
}

FlagCounts StoreRows::TakeFlagChanges() { return std::exchange(flag_changes_, {}); }

AccountCounts SumUp(const FlagCounts& flag_counts) {
  AccountCounts counts;
  for (const auto& [flags, number] : flag_counts) {
    const auto accounts = static_cast<std::uint64_t>(number);
    switch (static_cast<Enrolment>(flags & kEnrolmentMask)) {
      case Enrolment::kNone:
        counts.none += accounts;
        break;
      case Enrolment::kPending:
        counts.pending += accounts;
        break;
      case Enrolment::kActive:
        counts.active += accounts;
        break;
    }
    if ((flags & kLockedFlag) != 0) counts.locked += accounts;
    if ((flags & kSuperLockedFlag) != 0) counts.super_locked += accounts;
  }
  return counts;
}

Result<std::vector<std::string>> StoreRows::ListClosedGates() {
  return ReadNames(database_.Use(kListClosedGates));
}

Result<std::vector<std::string>> StoreRows::ListShut() {
  return ReadNames(database_.Use(kListShut));
}

Result<std::vector<std::string>> StoreRows::ListPending(const std::string& after,
                                                        std::size_t limit) {
  Statement row = database_.Use(kListPending);
  row.Bind(after).Bind(static_cast<std::int64_t>(std::min(limit, kMostListed)));
  return ReadNames(std::move(row));
}

Result<std::vector<std::string>> StoreRows::ListLocked(const std::string& after,
                                                       std::size_t limit) {
  Statement row = database_.Use(kListLocked);
  row.Bind(after).Bind(static_cast<std::int64_t>(std::min(limit, kMostListed)));
  return ReadNames(std::move(row));
}

Result<std::int64_t> StoreRows::LastId() { return database_.ReadNumber(kLastId); }

Result<Account> StoreRows::OpenAccount(const Statement& row) {
  const std::string name = row.Text(0);
  const std::int64_t uid = row.IsNull(1) ? StoredUid(kNoUid) : row.Number(1);
  const Result<SecretBytes> record =
      key_.Open(row.Blob(3), AccountContext(name, uid, row.Number(2)));
  if (!record) return DamagedRecord(name);
  Result<Account> account = DecodeAccount(record->Expose());
  if (!account) return account.error();
  account->name = name;
  account->uid = static_cast<uid_t>(uid);
  return account;
}

Result<SecretBytes> StoreRows::LoadState(const char* name) {
  Statement row = database_.Use(kSelectState);
  const Result<bool> found = row.Bind(std::string_view(name)).Next();
  if (!found) return found.error();
  if (!*found) return Damaged(std::string("the record \"") + name + "\"");
  Result<SecretBytes> value = key_.Open(row.Blob(0), StateContext(name));
  if (!value) return Damaged(std::string("the record \"") + name + "\"");
  return value;
}

Status StoreRows::StoreState(const char* name, const SecretBytes& value) {
  const auto sealed = key_.Seal(value.Expose(), StateContext(name));
  Statement statement = database_.Use(kUpdateState);
  statement.Bind(sealed).Bind(std::string_view(name));
  return ChangeOneRow(std::move(statement), std::string("the record \"") + name + "\"");
}

Status StoreRows::InsertStateRow(const char* name, const SecretBytes& value) {
  const auto sealed = key_.Seal(value.Expose(), StateContext(name));
  return database_.Use(kInsertState).Bind(sealed).Bind(std::string_view(name)).Finish();
}

Status StoreRows::ChangeOneRow(Statement statement, const std::string& what) {
  const Status done = statement.Finish();
  if (!done) return done;
  return database_.ChangedRows() == 1 ? Ok() : Status(Damaged(what));
}

}  // namespace sparekey
