// SPDX-License-Identifier: Apache-2.0
#include "core/sqlite.h"

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/files.h"

namespace sparekey {
namespace {

bool IsOver(int code) { return code == SQLITE_ROW || code == SQLITE_DONE || code == SQLITE_OK; }

// Reads that failed say nothing about what was written.
bool LeavesDoubt(int code) {
  return (code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_READ &&
         code != SQLITE_IOERR_SHORT_READ && code != SQLITE_IOERR_NOMEM &&
         code != SQLITE_IOERR_CORRUPTFS;
}

// A commit's own failure does not leave its errno with the connection, but with the log.
int WriteErrno(sqlite3* connection) {
  int reason = 0;
  sqlite3_file* log = nullptr;
  sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log != nullptr && log->pMethods != nullptr) {
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &reason);
  }
  return reason;
}

// A quota or a limit on the size of files is a full disk too.
bool IsFull(int code, int reason) {
  return code == SQLITE_FULL ||
         (code == SQLITE_IOERR_WRITE && (reason == ENOSPC || reason == EDQUOT || reason == EFBIG));
}

// "file:" and the path, whose bytes of another meaning there are written as %NN.
std::string ToUri(const std::string& path) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '?' || c == '#' || c == '%') {
      uri += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      uri += c;
    }
  }
  return uri;
}

}  // namespace

Statement::Statement(Database* database, sqlite3_stmt* statement, int code)
    : database_(database), statement_(statement), code_(code) {}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      code_(other.code_),
      bound_(other.bound_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::Bind(std::int64_t number) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_, ++bound_, number);
  return *this;
}

Statement& Statement::Bind(std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.empty() ? "" : text.data();
  if (code_ == SQLITE_OK) {
    code_ =
        sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  return *this;
}

Statement& Statement::Bind(std::span<const std::uint8_t> blob) {
  if (code_ == SQLITE_OK) {
    code_ = sqlite3_bind_blob64(statement_, ++bound_, blob.data(), blob.size(), SQLITE_STATIC);
  }
  return *this;
}

Statement& Statement::BindNull() {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_null(statement_, ++bound_);
  return *this;
}

Result<bool> Statement::Next() {
  if (code_ == SQLITE_OK || code_ == SQLITE_ROW) code_ = sqlite3_step(statement_);
  if (!IsOver(code_)) return database_->ToError(code_);
  return code_ == SQLITE_ROW;
}

Status Statement::Finish() {
  for (;;) {
    const Result<bool> row = Next();
    if (!row) return row.error();
    if (!*row) return Ok();
  }
}

bool Statement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Statement::Number(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::Text(int column) const {
  const auto bytes = Blob(column);
  return {bytes.begin(), bytes.end()};
}

std::span<const std::uint8_t> Statement::Blob(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
}

Result<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  return Connect(path, path, SQLITE_OPEN_READWRITE, nullptr);
}

Result<std::unique_ptr<Database>> Database::OpenToLook(const std::string& path) {
  // SQLite would make a log that is missing. "Immutable" is the one word that keeps it from that,
  // and leaves a log unread, so it is for files without one.
  if (::access((path + "-wal").c_str(), F_OK) != 0) {
    return Connect(path, ToUri(path) + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                   nullptr);
  }
  // Alone, so that the log's index is in memory and not in a file; the lock for that is a lock
  // for writing, which this file system does not take.
  Result<std::unique_ptr<Database>> database =
      Connect(path, path, SQLITE_OPEN_READONLY, "unix-none");
  if (!database) return database;
  const Status alone = (*database)->Execute("PRAGMA locking_mode=EXCLUSIVE");
  if (!alone) return alone.error();
  return database;
}

Result<std::unique_ptr<Database>> Database::Connect(const std::string& path,
                                                    const std::string& name, int flags,
                                                    const char* file_system) {
  // Nobody asks how much memory SQLite has, and each of its allocations would take a lock to count.
  [[maybe_unused]] static const int uncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  std::unique_ptr<Database> database(new Database(path));
  const int code = sqlite3_open_v2(name.c_str(), &database->connection_,
                                   flags | SQLITE_OPEN_NOMUTEX, file_system);
  if (database->connection_ == nullptr) {
    return Error{ErrorCode::kUnavailable, path + ": no memory to open it"};
  }
  if (code != SQLITE_OK) return database->ToError(code);
  sqlite3* connection = database->connection_;
  sqlite3_extended_result_codes(connection, 1);
  // What stands in the file must not run code or write the schema.
  for (const auto& [option, value] :
       {std::pair(SQLITE_DBCONFIG_DEFENSIVE, 1), std::pair(SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
        std::pair(SQLITE_DBCONFIG_ENABLE_VIEW, 0), std::pair(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        std::pair(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)}) {
    const int set = sqlite3_db_config(connection, option, value, nullptr);
    if (set != SQLITE_OK) return database->ToError(set);
  }
  // Takes the place of SQLite's own checkpoints, which would stall commits ("PRAGMA
  // wal_autocheckpoint" would undo this).
  sqlite3_wal_hook(
      connection,
      [](void* frames, sqlite3*, const char*, int in_log) {
        *static_cast<std::optional<int>*>(frames) = in_log;
        return SQLITE_OK;
      },
      &database->log_frames_);
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(connection_);
}

Status Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Ok() : Status(ToError(code));
}

Statement Database::Use(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  int code = SQLITE_OK;
  if (statement == nullptr) {
    code = sqlite3_prepare_v3(connection_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  }
  return {this, statement, code};
}

Result<std::int64_t> Database::ReadNumber(const char* sql) {
  Statement statement = Use(sql);
  const Result<bool> row = statement.Next();
  if (!row) return row.error();
  return *row ? statement.Number(0) : 0;
}

Result<std::string> Database::ReadText(const char* sql) {
  Statement statement = Use(sql);
  const Result<bool> row = statement.Next();
  if (!row) return row.error();
  return *row ? statement.Text(0) : std::string();
}

bool Database::InTransaction() const { return sqlite3_get_autocommit(connection_) == 0; }

std::int64_t Database::ChangedRows() const { return sqlite3_changes64(connection_); }

Status Database::Checkpoint() {
  int frames = 0;
  int moved = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(connection_, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
  if (code != SQLITE_OK) return ToError(code);
  log_frames_ = frames == moved ? 0 : frames;
  return Ok();
}

Status Database::CommitNothing() {
  const Result<std::int64_t> version = ReadNumber("PRAGMA user_version");
  if (!version) return version.error();
  Status done =
      Execute("BEGIN IMMEDIATE; PRAGMA user_version=" + std::to_string(*version) + "; COMMIT");
  if (!done && InTransaction()) (void)Execute("ROLLBACK");
  return done;
}

void Database::MoveLogAtClose(bool move) {
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, move ? 0 : 1, nullptr);
}

Error Database::ToError(int code) {
  if (LeavesDoubt(code)) distrusted_ = true;
  const int primary = code & 0xff;
  const bool io = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
  int reason = io ? sqlite3_system_errno(connection_) : 0;
  if (code == SQLITE_IOERR_WRITE && reason == 0) reason = WriteErrno(connection_);
  if (IsFull(code, reason)) {
    return {ErrorCode::kUnavailable, "the disk that holds " + ParentFolder(path_) + " is full"};
  }
  const bool newest = sqlite3_extended_errcode(connection_) == code;
  std::string text = path_ + ": " + (newest ? sqlite3_errmsg(connection_) : sqlite3_errstr(code));
  if (reason != 0) text += " (" + std::generic_category().message(reason) + ")";
  switch (primary) {
    case SQLITE_CONSTRAINT:
      return {ErrorCode::kConflict, text};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
    case SQLITE_TOOBIG:
      return {ErrorCode::kDamaged, text};
    default:
      return {ErrorCode::kUnavailable, text};
  }
}

}  // namespace sparekey
