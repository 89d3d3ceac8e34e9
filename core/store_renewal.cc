// SPDX-License-Identifier: Apache-2.0
#include "core/store_renewal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <set>
#include <vector>

#include "core/sqlite_store.h"
#include "core/store_create.h"
#include "core/store_files.h"
#include "core/store_rows.h"
#include "core/store_schema.h"

namespace sparekey {
namespace {

constexpr char kReason[] = "the master key was replaced";
constexpr char kReasonUnknown[] =
    "the master key was replaced; there may be more accounts than were found";

// Names and numbers are not sealed. Each b-tree that has names is read: one may have lost some.
// Without the name of the table's own, SQLite would take an index.
constexpr const char* kListNames[] = {
    "SELECT name, uid FROM account INDEXED BY sqlite_autoindex_account_1",
    "SELECT name, uid FROM account INDEXED BY account_uid",
    "SELECT name, NULL FROM account INDEXED BY account_flags",
};
constexpr char kIntegrity[] = "PRAGMA integrity_check(1)";
constexpr char kCountAccounts[] = "SELECT count(*) FROM account";

struct Places {
  std::string folder, store, draft;  // draft: the new store before it takes the old one's place
  std::string key, new_key;
};

bool Exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 || errno != ENOENT;
}

// --- what the old store tells without its key

struct Known {
  std::vector<Account> accounts;
  bool all = false;
};

Account MakeMarked(const Statement& row) {
  constexpr std::int64_t kMost = std::numeric_limits<uid_t>::max();
  Account account;
  account.name = row.Text(0);
  const std::int64_t uid = row.IsNull(1) ? -1 : row.Number(1);
  account.uid = uid < 0 || uid > kMost ? kNoUid : static_cast<uid_t>(uid);
  account.must_enrol = true;
  return account;
}

class NameReader {
 public:
  explicit NameReader(Database& database) : database_(database) {}

  Known Read() {
    const Result<std::string> integrity = database_.ReadText(kIntegrity);
    known_.all = integrity && *integrity == "ok";
    for (const char* list : kListNames) ReadList(list);
    return std::move(known_);
  }

 private:
  void ReadList(const char* list) {
    Statement row = database_.Use(list);
    Result<bool> found = row.Next();
    for (; found && *found; found = row.Next()) Add(MakeMarked(row));
    known_.all = known_.all && found;
  }

  void Add(Account account) {
    if (!IsAccountName(account.name)) known_.all = false;
    if (!IsAccountName(account.name) || !names_.insert(account.name).second) return;
    if (!uids_.insert(account.uid).second) account.uid = kNoUid;
    known_.accounts.push_back(std::move(account));
  }

  Database& database_;
  Known known_;
  std::set<std::string> names_;
  std::set<uid_t> uids_{kNoUid};
};

// Where the old store is away already, the draft of an interrupted renewal has its names.
Known ReadKnown(const Places& places) {
  const bool away = !Exists(places.store);
  const Result<std::unique_ptr<Database>> database =
      OpenWithSchema(away ? places.draft : places.store);
  Known known = database ? NameReader(**database).Read() : Known{};
  known.all = known.all && !away;
  return known;
}

// --- the new store

Event MakeEvent(const std::string& account, const std::string& reason, TimePoint now) {
  Event event;
  event.kind = EventKind::kConsoleReset;
  event.account = account;
  event.door = Door::kConsole;
  event.detail = reason;
  event.time = now;
  return event;
}

FirstRecords MakeRecords(Known known, TimePoint now) {
  const std::string reason = known.all ? kReason : kReasonUnknown;
  FirstRecords first;
  first.system.gate = GateClosure{now, reason};
  // Whom the old settings required to enrol is sealed.
  first.policy.required_for = RequiredFor::kEveryone;
  first.events.push_back(MakeEvent("", reason, now));
  for (const Account& account : known.accounts) {
    first.events.push_back(MakeEvent(account.name, reason, now));
  }
  first.accounts = std::move(known.accounts);
  return first;
}

// ".old-20261123T140200Z"
std::string SuffixOf(TimePoint now) {
  std::string time = FormatTime(now);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return ".old-" + time;
}

// `now`, or the next second whose suffix no older files have.
TimePoint FreeTime(const Places& places, TimePoint now) {
  const TimePoint latest = now + std::chrono::seconds(100);
  while (now < latest &&
         (Exists(places.store + SuffixOf(now)) || Exists(places.key + SuffixOf(now)))) {
    now += std::chrono::seconds(1);
  }
  return now;
}

void RemoveDraft(const Places& places) {
  for (const char* end : {"", "-wal", "-journal"}) ::unlink((places.draft + end).c_str());
  ::unlink(places.new_key.c_str());
}

Status WriteDraft(const Places& places, const FirstRecords& first) {
  const Status created = MasterKey::Create(places.new_key);
  if (!created) return created;
  const Result<MasterKey> key = MasterKey::Load(places.new_key);
  if (!key) return key.error();
  const Status written = WriteStoreFile(places.draft, *key, first);
  return written ? SyncFolder(places.folder) : written;
}

// New store and new key, whole and on the disk, beside the old ones.
Result<Renewal> Prepare(const Places& places, TimePoint now) {
  now = FreeTime(places, now);
  Known known = ReadKnown(places);
  const Renewal renewal{known.accounts.size(), !known.all, SuffixOf(now)};
  RemoveDraft(places);
  const Status written = WriteDraft(places, MakeRecords(std::move(known), now));
  if (written) return renewal;
  RemoveDraft(places);
  return written.error();
}

// --- a renewal that was interrupted

Result<Renewal> ReadRenewal(const std::string& path, const MasterKey& key) {
  const Result<std::unique_ptr<Database>> database = OpenWithSchema(path);
  if (!database) return database.error();
  StoreRows rows(**database, key);
  const Status fits = rows.CheckKey();
  if (!fits) return fits.error();
  const Result<SystemState> system = rows.LoadSystem();
  if (!system) return system.error();
  const Result<std::int64_t> count = (*database)->ReadNumber(kCountAccounts);
  if (!count) return count.error();
  if (!system->gate ||
      (system->gate->reason != kReason && system->gate->reason != kReasonUnknown)) {
    return Error{ErrorCode::kDamaged, path + ": is not a renewed store"};
  }
  (*database)->MoveLogAtClose(true);
  return Renewal{static_cast<std::size_t>(*count), system->gate->reason == kReasonUnknown,
                 SuffixOf(system->gate->since)};
}

// None: there is nothing to go on with. While the old store stands in its place nothing has
// happened yet, and what it holds may have changed since.
Result<std::optional<Renewal>> FindInterrupted(const Places& places) {
  const Result<MasterKey> key = MasterKey::Load(places.new_key);
  if (!key) return std::optional<Renewal>();
  const bool moved = !Exists(places.store);
  const Result<Renewal> renewal = ReadRenewal(moved ? places.draft : places.store, *key);
  if (renewal) return std::optional(*renewal);
  // The draft may be all that tells who must enrol.
  if (moved && renewal.error().code == ErrorCode::kUnavailable && Exists(places.draft)) {
    return renewal.error();
  }
  return std::optional<Renewal>();
}

// --- putting it in place

// A file that is not there is no error.
Status Move(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) return Ok();
  return SystemError(from, "move");
}

// Its mode may be why it was given up.
void MakePrivate(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return;
  (void)::fchmod(fd.get(), info.st_mode & 0600);
}

Status KeepAside(const std::string& from, const std::string& to) {
  if (!Exists(from)) return Ok();
  if (Exists(to)) return Error{ErrorCode::kConflict, to + ": exists already; move it away"};
  const Status moved = Move(from, to);
  if (moved) MakePrivate(to);
  return moved;
}

// The old log is away before the new store comes: SQLite would read it into that.
Status PutStoreInPlace(const Places& places, const std::string& suffix) {
  if (!Exists(places.draft)) return Ok();
  const std::string old = places.store + suffix;
  Status status = KeepAside(places.store, old);
  if (status) status = KeepAside(places.store + "-wal", old + "-wal");
  if (status) status = SyncFolder(places.folder);
  if (status) status = Move(places.draft, places.store);
  if (status) status = SyncFolder(places.folder);
  return status;
}

// The new store comes before the new key: in between, nothing fits and everybody is denied.
Status PutInPlace(const Places& places, const std::string& suffix) {
  Status status = PutStoreInPlace(places, suffix);
  if (status) status = KeepAside(places.key, places.key + suffix);
  if (status) status = Move(places.new_key, places.key);
  if (status) status = SyncFolder(ParentFolder(places.key));
  if (status) return status;
  return Error{status.error().code, status.error().message +
                                        "; new store and new key are made, but not in place: "
                                        "mend this and do it again"};
}

}  // namespace

std::string NewKeyPath(const std::string& key_path) { return key_path + ".new"; }

Result<Renewal> RenewStore(const std::string& state_dir, const std::string& key_path,
                           TimePoint now) {
  const Status folder = CheckStoreFolder(state_dir);
  if (!folder) return folder.error();
  const Result<OwnerLock> lock = OwnerLock::Take(state_dir);
  if (!lock) return lock.error();
  const std::string store = StorePath(state_dir, kStoreFile);
  const Places places{state_dir, store, store + ".renewed", key_path, NewKeyPath(key_path)};
  // Its names could not be read here, and everything of it would be lost without need.
  const Status known = RefuseNewer(Exists(places.store) ? places.store : places.draft);
  if (!known) return Error{known.error().code, known.error().message + "; nothing was changed"};
  const Result<std::optional<Renewal>> interrupted = FindInterrupted(places);
  if (!interrupted) return interrupted.error();
  const Result<Renewal> renewal =
      *interrupted ? Result<Renewal>(**interrupted) : Prepare(places, now);
  if (!renewal) return renewal;
  const Status status = PutInPlace(places, renewal->suffix);
  if (!status) return status.error();
  return renewal;
}

}  // namespace sparekey
