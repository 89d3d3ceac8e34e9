// SPDX-License-Identifier: Apache-2.0
#include "core/sqlite_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>
#include <tuple>

#include "core/log_pace.h"
#include "core/sqlite.h"
#include "core/store_draft.h"
#include "core/store_files.h"
#include "core/store_migration.h"
#include "core/store_rows.h"
#include "core/store_schema.h"

namespace sparekey {
namespace {

constexpr int kIdleFrames = 32;  // of 4 KiB in the log: moved while nobody waits
constexpr auto kCheckpointRetry = std::chrono::seconds(1);
constexpr off_t kLogHeader = 32, kFrameHeader = 24;

void Fail(std::span<Work* const> works, const Error& error) {
  for (Work* work : works) work->status = error;
}

bool IsDamaged(const Status& status) {
  return !status && status.error().code == ErrorCode::kDamaged;
}

struct BatchEnd {
  // The work whose own records could not be written. It has its error.
  std::optional<std::size_t> culprit;
  bool lost = false;  // nothing of the batch was done
};

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string folder, MasterKey key, OwnerLock lock)
      : lock_(std::move(lock)), path_(StorePath(folder, kStoreFile)), key_(std::move(key)) {}

  Status Connect();

  void Run(std::span<Work> works) override;
  void Tidy() override;
  Result<AccountPage> ListAccounts(const std::string& after, std::size_t limit) override;
  Result<AccountCounts> CountAccounts() override;
  Result<std::vector<std::string>> ListClosedGates() override;
  Result<std::vector<std::string>> ListPending(const std::string& after,
                                               std::size_t limit) override;
  Result<std::vector<std::string>> ListLocked(const std::string& after, std::size_t limit) override;
  Result<EventPage> ReadEvents(const EventQuery& query) override;
  Result<PrunedEvents> PruneEvents(const EventLimits& limits, std::int64_t after_id,
                                   std::size_t piece) override;
  Result<std::vector<Alert>> ListAlerts(const AlertQuery& query) override;
  Result<std::uint64_t> CountOpenAlerts() override;
  void SetListener(Listener listener) override { listener_ = std::move(listener); }
  Result<CheckedPiece> Check(const std::string& from, const PieceLimits& limits) override;
  void Idle() override { MoveLog(kIdleFrames); }

 private:
  // The records that every work needs, as the transaction sees them.
  struct Cache {
    SystemState system;
    Policy policy;
    std::int64_t last_id = 0;
  };

  Status Reconnect() { return database_ ? Ok() : Connect(); }
  Status LoadCache();
  Status MeasureLog();
  Status RepairLog();
  void Disconnect();

  BatchEnd RunBatch(std::span<Work* const> works);
  bool MakeRoom();
  Status RunOne(Work& work);
  Status Write(const Work& work, const Draft& draft);
  Status Record(const Work& work, Event event);
  Status Begin();
  Status Commit();
  void Tell();
  void RollBack();
  void MoveLog(int frames);

  OwnerLock lock_;
  std::string path_;
  MasterKey key_;
  std::unique_ptr<Database> database_;  // none while a fault of the disk keeps it closed
  std::unique_ptr<StoreRows> rows_;
  Cache cache_;
  Cache before_;  // as of the last commit, while a transaction is open
  Listener listener_;
  std::vector<Event> recorded_;            // in the transaction, for the listener
  std::optional<FlagCounts> flag_counts_;  // once they were asked for
  bool begun_ = false;
  bool has_committed_ = false;  // since Tidy
  bool was_reopened_ = false;   // in this batch: the disk was not just full
  bool folds_alerts_ = true;
  std::optional<Error> broken_alerts_;  // some were not stored since the file was opened
  off_t frame_bytes_ = 0;
  std::optional<off_t> good_log_;  // the log must be cut to this before it is read again
  std::chrono::steady_clock::time_point next_move_{};
  LogPace pace_;
};

Status SqliteStore::Connect() {
  const Status repaired = RepairLog();
  if (!repaired) return repaired;
  Result<std::unique_ptr<Database>> database =
      OpenWithSchema(path_, [this](Database& opened, std::int64_t version) {
        return MigrateStoreRows(opened, key_, version);
      });
  if (!database) return database.error();
  database_ = std::move(*database);
  rows_ = std::make_unique<StoreRows>(*database_, key_);
  const Status loaded = LoadCache();
  if (!loaded) {
    Disconnect();
    return loaded;
  }
  const Status measured = MeasureLog();
  if (!measured && database_->distrusted()) {
    Disconnect();
    return measured;
  }
  if (!measured) next_move_ = std::chrono::steady_clock::now() + kCheckpointRetry;
  database_->MoveLogAtClose(true);
  return Ok();
}

// So that the log's length is known when a commit fails. To move a long log takes longer than the
// first caller should wait: a commit that changes nothing tells its length, too. A full disk must
// not keep the store closed; one that cannot even sync must.
Status SqliteStore::MeasureLog() {
  struct stat info {};
  const bool is_long = ::stat((path_ + "-wal").c_str(), &info) == 0 &&
                       info.st_size > LogPace::kFewestFrames * frame_bytes_;
  if (is_long) {
    const Status marked = database_->CommitNothing();
    if (marked || database_->distrusted()) return marked;
  }
  return database_->Checkpoint();
}

Status SqliteStore::LoadCache() {
  const Status key = rows_->CheckKey();
  if (!key) return key;
  Result<SystemState> system = rows_->LoadSystem();
  if (!system) return system.error();
  Result<Policy> policy = rows_->LoadPolicy();
  if (!policy) return policy.error();
  const Result<std::int64_t> last_id = rows_->LastId();
  if (!last_id) return last_id.error();
  const Result<std::int64_t> page = database_->ReadNumber("PRAGMA page_size");
  if (!page) return page.error();
  cache_ = {std::move(*system), std::move(*policy), *last_id};
  frame_bytes_ = kFrameHeader + *page;
  return Ok();
}

// A commit whose sync failed is answered with an error, but may stand whole in the log. It must not
// come back when the log is read again.
Status SqliteStore::RepairLog() {
  if (!good_log_) return Ok();
  const std::string path = path_ + "-wal";
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno != ENOENT) return SystemError(path, "open");
  struct stat info {};
  if (fd && ::fstat(fd.get(), &info) != 0) return SystemError(path, "look at");
  if (info.st_size > *good_log_ && ::ftruncate(fd.get(), *good_log_) != 0) {
    return SystemError(path, "shorten");
  }
  if (fd && ::fsync(fd.get()) != 0) return SystemError(path, "sync");
  good_log_.reset();
  return Ok();
}

void SqliteStore::Disconnect() {
  const std::optional<int> frames = database_->log_frames();
  if (database_->distrusted() && frames) {
    good_log_ = *frames == 0 ? 0 : kLogHeader + *frames * frame_bytes_;
  }
  if (database_->distrusted()) database_->MoveLogAtClose(false);
  flag_counts_.reset();
  rows_.reset();
  database_.reset();
}

void SqliteStore::Run(std::span<Work> works) {
  Tidy();
  std::vector<Work*> waiting;
  for (Work& work : works) waiting.push_back(&work);
  bool made_room = false;
  folds_alerts_ = true;
  while (!waiting.empty()) {
    const bool folded = folds_alerts_;
    was_reopened_ = false;
    BatchEnd end;
    try {
      end = RunBatch(waiting);
    } catch (const std::bad_alloc&) {
      RollBack();
      Fail(waiting, {ErrorCode::kUnavailable, "out of memory"});
    }
    if (end.lost && folds_alerts_ != folded) {
      continue;  // SQLite commits nothing after damage was met: the same again, without alerts
    } else if (end.culprit) {
      // Without the one that cannot be written, the others are decided again.
      waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(*end.culprit));
    } else if (end.lost && !made_room && !was_reopened_) {
      made_room = true;
      if (!MakeRoom()) break;
    } else {
      break;
    }
  }
  if (has_committed_) pace_.Committed(works.size());
}

void SqliteStore::Tidy() {
  if (std::exchange(has_committed_, false)) MoveLog(pace_.Frames());
}

BatchEnd SqliteStore::RunBatch(std::span<Work* const> works) {
  const Status connected = Reconnect();
  if (!connected) Fail(works, connected.error());
  if (!connected) return {};
  const auto alerts_before = std::pair(folds_alerts_, broken_alerts_);
  std::size_t first_change = works.size();
  std::optional<std::size_t> damaged;  // the first that read what is damaged
  for (std::size_t i = 0; i < works.size(); ++i) {
    const Status written = RunOne(*works[i]);
    if (begun_) first_change = std::min(first_change, i);
    if (written) {
      if (!damaged && IsDamaged(works[i]->status)) damaged = i;
      continue;
    }
    RollBack();
    // After one that met a damaged page SQLite writes and commits nothing for the others.
    if (damaged) std::tie(folds_alerts_, broken_alerts_) = alerts_before;
    if (damaged) return {damaged, true};
    works[i]->status = written.error();
    if (written.error().code != ErrorCode::kUnavailable) return {i, true};
    Fail(works.subspan(std::min(first_change, i)), written.error());
    return {std::nullopt, true};
  }
  const Status committed = Commit();
  if (committed) return {};
  RollBack();
  if (damaged) return {damaged, true};
  // Also those who only looked: what they saw did not come to be.
  Fail(works.subspan(first_change), {ErrorCode::kUnavailable, committed.error().message});
  return {std::nullopt, true};
}

// A log whose frames are all in the database file is written over from its start, which takes no
// space on a full disk.
bool SqliteStore::MakeRoom() {
  return database_ && !database_->distrusted() && database_->log_frames().value_or(1) > 0 &&
         database_->Checkpoint().ok();
}

// An error means that the transaction is lost. All that concerns this work alone is its status.
Status SqliteStore::RunOne(Work& work) {
  Result<Draft> draft = DecideWork(work, *rows_, cache_.system, cache_.policy);
  // SQLite ends a transaction by itself after some faults, even of a read.
  if (begun_ && !database_->InTransaction()) {
    return Error{ErrorCode::kUnavailable, draft ? "the store gave up" : draft.error().message};
  }
  work.status = draft ? Ok() : Status(draft.error());
  return draft ? Write(work, *draft) : Ok();
}

Status SqliteStore::Write(const Work& work, const Draft& draft) {
  if (draft.IsEmpty()) return Ok();
  Status status = begun_ ? Ok() : Begin();
  if (status) status = WriteAccounts(work, draft, *rows_);
  if (status && draft.changes.system) {
    cache_.system = draft.records.system;
    status = rows_->StoreSystem(cache_.system);
  }
  if (status && draft.changes.policy) {
    cache_.policy = draft.records.policy;
    status = rows_->StorePolicy(cache_.policy);
  }
  for (const Event& event : draft.changes.events) {
    if (status) status = Record(work, event);
  }
  return status;
}

// With what it does to alerts. No alert is worth a lockout that does not happen: where their table
// is damaged, they stay as they are, unless the work is about one.
Status SqliteStore::Record(const Work& work, Event event) {
  event.id = ++cache_.last_id;
  Status status = rows_->AppendEvent(event, event.id);
  if (status && (folds_alerts_ || work.alert)) {
    status = rows_->FoldIntoAlerts(event, cache_.system);
    if (IsDamaged(status)) {
      broken_alerts_ = status.error();
      folds_alerts_ = work.alert.has_value();
    }
  }
  if (listener_) recorded_.push_back(std::move(event));
  return status;
}

Status SqliteStore::Begin() {
  before_ = cache_;
  Status status = database_->Use("BEGIN IMMEDIATE").Finish();
  begun_ = status.ok();
  return status;
}

Status SqliteStore::Commit() {
  if (!begun_) return Ok();
  Status status = database_->Use("COMMIT").Finish();
  if (!status) return status;
  begun_ = false;
  has_committed_ = true;
  Tell();
  try {
    for (const auto& [flags, more] : rows_->TakeFlagChanges()) {
      if (flag_counts_) (*flag_counts_)[flags] += more;
    }
  } catch (const std::bad_alloc&) {
    flag_counts_.reset();  // counted anew when they are asked for
  }
  return status;
}

// What is on the disk is done, whatever becomes of telling it.
void SqliteStore::Tell() {
  try {
    if (listener_ && !recorded_.empty()) listener_(recorded_);
  } catch (...) {
  }
  recorded_.clear();
}

void SqliteStore::RollBack() {
  if (begun_) cache_ = std::move(before_);
  begun_ = false;
  recorded_.clear();
  if (!database_) return;
  (void)rows_->TakeFlagChanges();
  if (database_->InTransaction()) (void)database_->Use("ROLLBACK").Finish();
  if (!database_->distrusted() && !database_->InTransaction()) return;
  Disconnect();
  was_reopened_ = true;
  (void)Connect();  // or when the next work comes
}

void SqliteStore::MoveLog(int frames) {
  const auto begin = std::chrono::steady_clock::now();
  if (!database_ || begin < next_move_) return;
  const int in_log = database_->log_frames().value_or(frames);
  if (in_log < frames) return;
  if (database_->Checkpoint()) {
    pace_.Moved(in_log, std::chrono::steady_clock::now() - begin);
  } else {
    next_move_ = begin + kCheckpointRetry;
  }
}

Result<AccountPage> SqliteStore::ListAccounts(const std::string& after, std::size_t limit) {
  const Status connected = Reconnect();
  if (!connected) return connected.error();
  return rows_->ListAccounts(after, limit);
}

Result<AccountCounts> SqliteStore::CountAccounts() {
  const Status connected = Reconnect();
  if (!connected) return connected.error();
  if (!flag_counts_) {
    Result<FlagCounts> counts = rows_->CountFlags();
    if (!counts) return counts.error();
    flag_counts_ = std::move(*counts);
  }
  return SumUp(*flag_counts_);
}

Result<std::vector<std::string>> SqliteStore::ListClosedGates() {
  const Status connected = Reconnect();
  if (!connected) return connected.error();
  return rows_->ListClosedGates();
}

Result<std::vector<std::string>> SqliteStore::ListPending(const std::string& after,
                                                          std::size_t limit) {
  const Status connected = Reconnect();
  if (!connected) return connected.error();
  return rows_->ListPending(after, limit);
}

Result<std::vector<std::string>> SqliteStore::ListLocked(const std::string& after,
                                                         std::size_t limit) {
  const Status connected = Reconnect();
  if (!connected) return connected.error();
  return rows_->ListLocked(after, limit);
}

Result<EventPage> SqliteStore::ReadEvents(const EventQuery& query) {
  const Status connected = Reconnect();
  if (!connected) return connected.error();
  return rows_->ReadEvents(query);
}

Result<PrunedEvents> SqliteStore::PruneEvents(const EventLimits& limits, std::int64_t after_id,
                                              std::size_t piece) {
  const Status connected = Reconnect();
  if (!connected) return connected.error();
  Result<PrunedEvents> pruned = Error{ErrorCode::kUnavailable, "out of memory"};
  Status done = Begin();
  try {
    if (done) pruned = rows_->PruneEvents(limits, after_id, piece);
    if (done) done = pruned ? Commit() : Status(pruned.error());
  } catch (const std::bad_alloc&) {
    done = pruned.error();
  }
  if (!done) RollBack();
  MoveLog(kIdleFrames);
  return done ? std::move(pruned) : done.error();
}

Result<std::vector<Alert>> SqliteStore::ListAlerts(const AlertQuery& query) {
  const Status connected = Reconnect();
  if (!connected) return connected.error();
  return rows_->ListAlerts(query);
}

Result<std::uint64_t> SqliteStore::CountOpenAlerts() {
  const Status connected = Reconnect();
  if (!connected) return connected.error();
  if (broken_alerts_) return *broken_alerts_;
  return rows_->CountOpenAlerts();
}

Result<CheckedPiece> SqliteStore::Check(const std::string& from, const PieceLimits& limits) {
  const Status connected = Reconnect();
  if (!connected) return connected.error();
  return rows_->Check(from, limits);
}

}  // namespace

Result<std::unique_ptr<Store>> OpenSqliteStore(const std::string& state_dir, MasterKey key) {
  const Status place = CheckStorePlace(state_dir);
  if (!place) return place.error();
  Result<OwnerLock> lock = OwnerLock::Take(state_dir);
  if (!lock) return lock.error();
  auto store = std::make_unique<SqliteStore>(state_dir, std::move(key), std::move(*lock));
  const Status connected = store->Connect();
  if (!connected) return connected.error();
  if (::access(StorePath(state_dir, kReserveFile).c_str(), F_OK) != 0) {
    (void)WriteReserve(state_dir);  // as soon as there is space
  }
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace sparekey
