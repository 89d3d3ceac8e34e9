// SPDX-License-Identifier: Apache-2.0
#include "core/store_schema.h"

#include <array>

#include "core/sqlite_store.h"

namespace sparekey {
namespace {

constexpr std::int64_t kApplicationId = 0x73706b79;  // "spky"

// What came later is there for speed alone: where a full disk has no room for it, the store goes on
// as it is.
constexpr std::int64_t kLeastSchema = 2;

// Each leads from the version before it to its own. Never changed once released.
constexpr std::array<const char*, kSchemaVersion> kMigrations = {
    // 1. An account is found by its name in one b-tree and by its uid in another, so that damage to
    // one of them cannot make it look unknown. uid is NULL where it was given to somebody else.
    "CREATE TABLE account(name TEXT PRIMARY KEY, uid INTEGER, flags INTEGER NOT NULL,"
    " record BLOB NOT NULL) WITHOUT ROWID, STRICT;"
    "CREATE UNIQUE INDEX account_uid ON account(uid);"
    "CREATE INDEX account_flags ON account(flags);"
    "CREATE TABLE state(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;"
    "CREATE TABLE event(id INTEGER PRIMARY KEY, time INTEGER NOT NULL, account TEXT NOT NULL,"
    " body BLOB NOT NULL) STRICT;"
    "CREATE INDEX event_account ON event(account);",
    // 2. Alerts; store_migration.cc fills in those that the records imply. state: 0 open, 1
    // acknowledged. Their ids and those of events are one sequence.
    "CREATE TABLE alert(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, account TEXT NOT NULL,"
    " state INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX alert_of ON alert(account, kind);"
    "CREATE INDEX alert_state ON alert(state);",
    // 3. An account's events are found block by block (store_events.cc): entries that are made one
    // after the other lie together, where those of an index by account alone lie anywhere, so that
    // each login wrote a page of it.
    "DROP INDEX event_account;"
    "CREATE INDEX event_block ON event(id >> 10, account);",
    // 4. Smaller blocks: what comes into a block lies anywhere in its pages, some two now for six.
    "DROP INDEX event_block;"
    "CREATE INDEX event_block ON event(id >> 8, account);",
};

// Before anything is read: with shared memory for the log, others could join.
constexpr char kAlone[] = "PRAGMA locking_mode=EXCLUSIVE";
constexpr char kPrepareWrites[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;";
constexpr char kPrepareReads[] =
    "PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF;"
    "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA cache_size=-8192;";

constexpr char kReadSchema[] =
    "SELECT group_concat(type || '|' || name || '|' || tbl_name || '|' || coalesce(sql, ''), ';')"
    " FROM (SELECT * FROM sqlite_schema ORDER BY name, type)";

Status Migrate(Database& database, std::int64_t from, const MigrateRows& rows,
               std::int64_t to = kSchemaVersion) {
  for (auto version = from; version < to; ++version) {
    Status done = database.Execute(std::string("BEGIN IMMEDIATE;") +
                                   kMigrations[static_cast<std::size_t>(version)] +
                                   "PRAGMA application_id=" + std::to_string(kApplicationId) +
                                   ";PRAGMA user_version=" + std::to_string(version + 1));
    if (done && rows) done = rows(database, version + 1);
    if (done) done = database.Execute("COMMIT");
    if (done) continue;
    if (database.InTransaction()) (void)database.Execute("ROLLBACK");
    return done;
  }
  return Ok();
}

// journal_mode and locking_mode answer with what they could do.
Status Prepare(Database& database, const std::string& path) {
  Status prepared = database.Execute(kPrepareWrites);
  if (prepared) prepared = database.Execute(kPrepareReads);
  if (!prepared) return prepared;
  const Result<std::string> journal = database.ReadText("PRAGMA journal_mode");
  const Result<std::string> locking = database.ReadText("PRAGMA locking_mode");
  const Result<std::int64_t> synchronous = database.ReadNumber("PRAGMA synchronous");
  if (!journal) return journal.error();
  if (!locking) return locking.error();
  if (!synchronous) return synchronous.error();
  if (*journal != "wal" || *locking != "exclusive" || *synchronous != 2) {
    return Error{
        ErrorCode::kUnavailable,
        path + ": SQLite cannot work here with a write-ahead log, alone and synchronously"};
  }
  return Ok();
}

Result<std::string> ExpectedSchema(std::int64_t version) {
  Result<std::unique_ptr<Database>> scratch = Database::Open(":memory:");
  if (!scratch) return scratch.error();
  const Status migrated = Migrate(**scratch, 0, nullptr, version);
  if (!migrated) return migrated.error();
  return (*scratch)->ReadText(kReadSchema);
}

Error Damaged(const std::string& path, const std::string& text) {
  return {ErrorCode::kDamaged, path + ": " + text};
}

// Not damaged: nobody is to make it anew.
Error TooNew(const std::string& path, std::int64_t version) {
  return {ErrorCode::kUnavailable, path + ": was written by a newer sparekey (schema " +
                                       std::to_string(version) + ", this one knows " +
                                       std::to_string(kSchemaVersion) +
                                       " at most): install that version again, or a later one"};
}

Status CheckIdentity(Database& database, const std::string& path) {
  const Result<std::int64_t> application = database.ReadNumber("PRAGMA application_id");
  if (!application) return application.error();
  if (*application != kApplicationId) return Damaged(path, "is not a store of sparekey");
  const Result<std::int64_t> version = database.ReadNumber("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > kSchemaVersion) return TooNew(path, *version);
  if (*version < 1) return Damaged(path, "has no schema version");
  return Ok();
}

Status MigrateToNewest(Database& database, const MigrateRows& rows) {
  const Result<std::int64_t> version = database.ReadNumber("PRAGMA user_version");
  if (!version) return version.error();
  return Migrate(database, *version, rows);
}

// An older schema must be whole before it is migrated, too.
Status CompareSchema(Database& database, const std::string& path) {
  const Result<std::int64_t> version = database.ReadNumber("PRAGMA user_version");
  if (!version) return version.error();
  const Result<std::string> expected = ExpectedSchema(*version);
  if (!expected) return expected.error();
  const Result<std::string> found = database.ReadText(kReadSchema);
  if (!found) return found.error();
  return *found == *expected ? Ok() : Status(Damaged(path, "its tables are not those of sparekey"));
}

Status RefuseOlder(Database& database, const std::string& path) {
  const Result<std::int64_t> version = database.ReadNumber("PRAGMA user_version");
  if (!version) return version.error();
  if (*version == kSchemaVersion) return Ok();
  return Damaged(path, "has the older schema " + std::to_string(*version) +
                           "; sparekeyd brings it up to date when it starts");
}

Result<std::unique_ptr<Database>> OpenAlone(const std::string& path) {
  Result<std::unique_ptr<Database>> database = Database::Open(path);
  if (!database) return database;
  const Status alone = (*database)->Execute(kAlone);
  if (!alone) return alone.error();
  return database;
}

}  // namespace

Result<std::unique_ptr<Database>> CreateSchema(const std::string& path) {
  Result<std::unique_ptr<Database>> database = OpenAlone(path);
  if (!database) return database;
  Status status = Prepare(**database, path);
  if (status) status = Migrate(**database, 0, nullptr);
  if (!status) return status.error();
  return database;
}

Result<std::unique_ptr<Database>> OpenWithSchema(const std::string& path, const MigrateRows& rows) {
  Result<std::unique_ptr<Database>> database = OpenAlone(path);
  if (!database) return database;
  // A file that is refused is left as it is.
  for (auto check : {CheckIdentity, Prepare, CompareSchema}) {
    const Status status = check(**database, path);
    if (!status) return status.error();
  }
  const Status migrated = rows ? MigrateToNewest(**database, rows) : Ok();
  if (migrated) return database;
  const Result<std::int64_t> version = (*database)->ReadNumber("PRAGMA user_version");
  const bool is_for_speed = version && *version >= kLeastSchema;
  if (!is_for_speed || migrated.error().code != ErrorCode::kUnavailable) return migrated.error();
  database = Error{ErrorCode::kUnavailable, ""};  // closed before it is opened again
  return OpenWithSchema(path, nullptr);
}

Status RefuseNewer(const std::string& path) {
  Result<std::unique_ptr<Database>> database = OpenAlone(path);
  if (!database) return Ok();
  const Result<std::int64_t> application = (*database)->ReadNumber("PRAGMA application_id");
  const Result<std::int64_t> version = (*database)->ReadNumber("PRAGMA user_version");
  const bool newer =
      application && *application == kApplicationId && version && *version > kSchemaVersion;
  return newer ? Status(TooNew(path, *version)) : Ok();
}

Result<std::unique_ptr<Database>> LookWithSchema(const std::string& path) {
  Result<std::unique_ptr<Database>> database = Database::OpenToLook(path);
  if (!database) return database;
  Status status = CheckIdentity(**database, path);
  if (status) status = (*database)->Execute(kPrepareReads);
  if (status) status = CompareSchema(**database, path);
  if (status) status = RefuseOlder(**database, path);
  if (!status) return status.error();
  return database;
}

}  // namespace sparekey
