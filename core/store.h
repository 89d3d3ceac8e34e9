// SPDX-License-Identifier: Apache-2.0
// The seam between the rules and what keeps their outcome. The heart is one operation: load
// records, run a pure step over them, make the outcome durable, or say why not.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/account.h"
#include "core/alerts.h"
#include "core/events.h"
#include "core/policy.h"
#include "core/result.h"

namespace sparekey {

// Whose record a step needs. With a uid, a record of another name that has this uid is found too:
// "not found" is believed only when the name and the uid are both unknown.
struct AccountKey {
  std::string name;
  std::optional<uid_t> uid;
};

struct LoadedAccount {
  std::optional<Account> account;        // the record of this name
  std::optional<std::string> uid_taken;  // the uid's record, where it has another name
  // Only in a work that replaces_damaged: there is a record of this name, but it cannot be read.
  bool damaged = false;
};

// What a step sees and may change. Accounts stand in the order in which they were asked for.
struct Records {
  std::vector<LoadedAccount> accounts;
  SystemState system;
  Policy policy;
  std::optional<Alert> alert;  // to be looked at: events alone change alerts
};

// What a step changed. Records not named here are not written. An account that the step created
// (was nullopt) is inserted; where its record is damaged, it takes that one's place. A damaged one
// that is named and left without an account gives up its uid and stays damaged. `deleted` is not
// possible: a removed enrolment keeps its counters.
struct Changes {
  std::vector<std::size_t> accounts;  // indexes into Records::accounts
  bool system = false;
  bool policy = false;
  std::vector<Event> events;  // ids are given by the store
};

// Pure: no clock, no I/O, no log; may be run again on fresh records. An error leaves the step
// without effect and becomes its status.
using Step = std::function<Result<Changes>(Records& records)>;

struct Work {
  std::vector<AccountKey> accounts;
  Step step;
  Status status = Ok();  // out
  // For the console reset alone: a damaged record is no error, but LoadedAccount::damaged.
  bool replaces_damaged = false;
  // The alert to look at; kNotFound where it is settled.
  std::optional<std::int64_t> alert = std::nullopt;
};

// An account in a list: one damaged record must not hide the others, nor look like "not enrolled".
struct ListedAccount {
  std::string name;
  std::optional<Account> account;  // none: its record is damaged
};

struct AccountPage {
  std::vector<ListedAccount> accounts;
  std::uint64_t nameless = 0;  // records between these whose very name is damaged
};

struct EventQuery {
  std::optional<std::string> account;
  std::optional<std::int64_t> after_id;   // ascending, ids above this
  std::optional<std::int64_t> before_id;  // descending, ids below this; default: newest first
  std::optional<TimePoint> since;
  std::size_t limit = 100;  // at most 1000
};

// Events in the order asked for; those that cannot be read come as Event::damaged.
struct EventPage {
  std::vector<Event> events;
  std::optional<std::int64_t> next;  // where to go on (after_id or before_id); none: the end
};

struct AlertQuery {
  std::int64_t after_id = 0;         // ascending, ids above this
  std::optional<bool> acknowledged;  // none: both
  std::size_t limit = 100;           // at most 1000
};

struct AccountCounts {
  std::uint64_t none = 0, active = 0, pending = 0, locked = 0, super_locked = 0;
};

// A piece of the full check. Damage is told in lines for people: "the record of ada ... is
// damaged".
struct CheckedPiece {
  std::uint64_t rows = 0;           // looked at
  bool structure = false;           // the database's structure was looked at, too
  std::vector<std::string> damage;  // empty: none in this piece
  std::optional<std::string> next;  // where to go on; none: the end
};

struct PieceLimits {
  std::size_t rows = 200;
  // A larger database file keeps its structure for the check with the service stopped, since that
  // is one piece whatever its size. What its rows hold and how they are found is checked all the
  // same.
  std::int64_t structure_bytes = std::int64_t{16} << 20;
};

// Which events are too many: those before `time`, and all but the newest `most` (alerts share their
// ids, so that it may be some fewer). The newest event always stays.
struct EventLimits {
  std::optional<TimePoint> time;
  std::optional<std::int64_t> most;
  bool any() const { return time || most; }
};

struct PrunedEvents {
  std::int64_t pruned = 0;
  std::optional<std::int64_t> next;  // the id to go on after; none: there are no more
};

class Store {
 public:
  virtual ~Store() = default;

  // Runs the works one after the other, each seeing the outcome of those before it, and makes all
  // changes durable with one commit before it returns. A work whose records are damaged or whose
  // step fails gets its error and changes nothing; the others go on. If the commit fails, nothing is
  // changed, and every work from the first that changed something on gets the error. Works without
  // changes cost no commit.
  virtual void Run(std::span<Work> works) = 0;
  // What a Run has left to do and nobody needs to wait for: for when its works have been answered.
  // Where it is not called, the next Run does it first.
  virtual void Tidy() = 0;

  // Ascending by name, names above `after` ("" : from the first), at most `limit` (<= 1000).
  virtual Result<AccountPage> ListAccounts(const std::string& after, std::size_t limit) = 0;
  virtual Result<AccountCounts> CountAccounts() = 0;
  // Names of the accounts whose own SSH gate is closed, by their flags: opens no record.
  virtual Result<std::vector<std::string>> ListClosedGates() = 0;
  // Names above `after`, ascending, at most `limit` (<= 1000), of the accounts whose first
  // enrolment is pending: by their flags too.
  virtual Result<std::vector<std::string>> ListPending(const std::string& after,
                                                       std::size_t limit) = 0;
  // The same of the accounts that are locked or super-locked.
  virtual Result<std::vector<std::string>> ListLocked(const std::string& after,
                                                      std::size_t limit) = 0;
  // Looks through a bounded number of events.
  virtual Result<EventPage> ReadEvents(const EventQuery& query) = 0;

  // Deletes up to `piece` of the oldest events above `after_id` that are too many, with one commit.
  // Looks through a bounded number.
  virtual Result<PrunedEvents> PruneEvents(const EventLimits& limits, std::int64_t after_id,
                                           std::size_t piece) = 0;

  // One that cannot be read comes as Alert::damaged.
  virtual Result<std::vector<Alert>> ListAlerts(const AlertQuery& query) = 0;
  // kDamaged also where some could not be stored since the store was opened.
  virtual Result<std::uint64_t> CountOpenAlerts() = 0;

  // Told what was recorded, with ids, in order, after each commit and before Run returns. On the
  // thread of Run: it must not wait for anything.
  using Listener = std::function<void(std::span<const Event> recorded)>;
  virtual void SetListener(Listener listener) = 0;

  // The full check by pieces, so that logins are decided between them: `from` is "" at first, then
  // the last piece's `next` (else kInvalid). kUnavailable: it could not be checked.
  virtual Result<CheckedPiece> Check(const std::string& from, const PieceLimits& limits) = 0;

  // Housekeeping that must stay off the path of logins; called when no work waits.
  virtual void Idle() = 0;
};

}  // namespace sparekey
