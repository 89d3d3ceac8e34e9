// SPDX-License-Identifier: Apache-2.0
// A thin owner of one SQLite connection and its prepared statements. SQLite's result codes end
// here: beyond this file there are only Errors.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sparekey {

class Database;

// One execution of a prepared statement; leaves it ready for the next one. Values are bound in the
// order of the statement's parameters and must outlive the execution. A failure to prepare or bind
// comes out of Next.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& Bind(std::int64_t number);
  Statement& Bind(std::string_view text);
  Statement& Bind(std::span<const std::uint8_t> blob);
  Statement& BindNull();

  // true: there is a row, whose columns can be read until the next call.
  Result<bool> Next();
  // Runs it to its end. kConflict: a constraint forbids it.
  Status Finish();

  bool IsNull(int column) const;
  std::int64_t Number(int column) const;
  std::string Text(int column) const;
  std::span<const std::uint8_t> Blob(int column) const;

 private:
  friend class Database;
  Statement(Database* database, sqlite3_stmt* statement, int code);

  Database* database_;
  sqlite3_stmt* statement_;
  int code_;
  int bound_ = 0;
};

// For one thread at a time.
class Database {
 public:
  // Opens an existing file, or ":memory:". Nothing is read yet.
  static Result<std::unique_ptr<Database>> Open(const std::string& path);
  // Opens an existing file to be looked at by somebody who writes nothing and takes no lock; what
  // its log holds is seen. Whether somebody else wrote meanwhile, the caller must find out.
  static Result<std::unique_ptr<Database>> OpenToLook(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Statements without a result, separated by semicolons; not kept.
  Status Execute(const std::string& sql);
  // `sql` must live as long as the database: it is prepared once and found by its address.
  Statement Use(const char* sql);
  // The first column of the first row.
  Result<std::int64_t> ReadNumber(const char* sql);
  Result<std::string> ReadText(const char* sql);

  bool InTransaction() const;
  std::int64_t ChangedRows() const;

  // A write, sync or truncation has failed: what reached the disk is unknown until the file is
  // opened anew.
  bool distrusted() const { return distrusted_; }

  // Frames of committed transactions in the write-ahead log; 0 when all of them are in the database
  // file too; unknown before the first commit or checkpoint.
  std::optional<int> log_frames() const { return log_frames_; }
  // Moves what the log holds into the database file, keeps the log's size.
  Status Checkpoint();
  // A commit that changes nothing, after which log_frames() is known.
  Status CommitNothing();
  // Whether closing moves the log and removes it; at first it leaves the log alone.
  void MoveLogAtClose(bool move);

 private:
  friend class Statement;
  explicit Database(std::string path) : path_(std::move(path)) {}
  static Result<std::unique_ptr<Database>> Connect(const std::string& path, const std::string& name,
                                                   int flags, const char* file_system);
  Error ToError(int code);

  std::string path_;
  sqlite3* connection_ = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
  std::optional<int> log_frames_;
  bool distrusted_ = false;
};

}  // namespace sparekey
