// SPDX-License-Identifier: Apache-2.0
// The rows of the events: appended, read by pages, pruned.
#include <algorithm>
#include <limits>

#include "core/record_codec.h"
#include "core/store_rows.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostListed = 1000;
// Of which a page may need few: some milliseconds.
constexpr std::size_t kMostEventsLookedAt = 5000;

constexpr char kInsertEvent[] = "INSERT INTO event(id, time, account, body) VALUES(?,?,?,?)";
constexpr char kEventsUp[] =
    "SELECT id, time, account, body FROM event WHERE id>? AND id<? ORDER BY id";
constexpr char kEventsDown[] =
    "SELECT id, time, account, body FROM event WHERE id>? AND id<?"
    " ORDER BY id DESC";
// The index event_block has the events of 256 ids together.
constexpr int kBlockBits = 8;
// Of which a page may need few, too.
constexpr std::int64_t kMostBlocksLookedAt = 500;
constexpr char kBlockEventsUp[] =
    "SELECT id, time, account, body FROM event WHERE id>>8=? AND account=? AND id>? AND id<?"
    " ORDER BY id";
constexpr char kBlockEventsDown[] =
    "SELECT id, time, account, body FROM event WHERE id>>8=? AND account=? AND id>? AND id<?"
    " ORDER BY id DESC";

constexpr char kFirstEvent[] = "SELECT coalesce(min(id), 0) FROM event";
constexpr char kLastEvent[] = "SELECT coalesce(max(id), 0) FROM event";
constexpr char kEventTimes[] = "SELECT id, time FROM event WHERE id>? AND id<? ORDER BY id";
constexpr char kPruneEvents[] = "DELETE FROM event WHERE id>? AND id<=? AND (time<? OR id<=?)";

std::string EventContext(std::int64_t id, TimePoint time, const std::string& account) {
  return RowContext({"event", "body", "1", std::to_string(id),
                     std::to_string(time.time_since_epoch().count()), account});
}

std::int64_t AfterId(const EventQuery& query) {
  return query.after_id.value_or(std::numeric_limits<std::int64_t>::min());
}
std::int64_t BeforeId(const EventQuery& query) {
  return query.before_id.value_or(std::numeric_limits<std::int64_t>::max());
}

}  // namespace

Status StoreRows::AppendEvent(const Event& event, std::int64_t id) {
  const auto body =
      key_.Seal(EncodeEvent(event).Expose(), EventContext(id, event.time, event.account));
  Statement statement = database_.Use(kInsertEvent);
  statement.Bind(id).Bind(std::int64_t{event.time.time_since_epoch().count()});
  return statement.Bind(event.account).Bind(body).Finish();
}

Result<EventPage> StoreRows::ReadEvents(const EventQuery& query) {
  if (query.account) return ReadEventsOf(*query.account, query);
  EventPage page;
  std::size_t looked_at = 0;
  Statement row = database_.Use(query.after_id ? kEventsUp : kEventsDown);
  row.Bind(AfterId(query)).Bind(BeforeId(query));
  const Result<bool> full = FillPage(row, query, page, looked_at);
  if (!full) return full.error();
  if (!*full) page.next.reset();
  return page;
}

Result<EventPage> StoreRows::ReadEventsOf(const std::string& account, const EventQuery& query) {
  const Result<std::int64_t> first = database_.ReadNumber(kFirstEvent);
  if (!first) return first.error();
  const Result<std::int64_t> last = database_.ReadNumber(kLastEvent);
  if (!last) return last.error();
  const std::int64_t lowest = std::max(*first, AfterId(query)) >> kBlockBits;
  const std::int64_t highest = std::min(*last, BeforeId(query)) >> kBlockBits;
  const bool up = query.after_id.has_value();
  EventPage page;
  std::size_t looked_at = 0;
  for (std::int64_t i = 0; i <= highest - lowest; ++i) {
    if (i == kMostBlocksLookedAt) return page;
    const std::int64_t block = up ? lowest + i : highest - i;
    // The ids of the block, too, for a store that has no index of such blocks.
    const std::int64_t after = std::max(AfterId(query), (block << kBlockBits) - 1);
    const std::int64_t before = std::min(BeforeId(query), (block + 1) << kBlockBits);
    Statement row = database_.Use(up ? kBlockEventsUp : kBlockEventsDown);
    row.Bind(block).Bind(account).Bind(after).Bind(before);
    const Result<bool> full = FillPage(row, query, page, looked_at);
    if (!full) return full.error();
    if (*full) return page;
    page.next = up ? ((block + 1) << kBlockBits) - 1 : block << kBlockBits;
  }
  page.next.reset();
  return page;
}

// True when there is no room for the next row, or too many were looked at.
Result<bool> StoreRows::FillPage(Statement& row, const EventQuery& query, EventPage& page,
                                 std::size_t& looked_at) {
  const TimePoint since = query.since.value_or(TimePoint::min());
  const std::size_t limit = std::min(query.limit, kMostListed);
  for (;; ++looked_at) {
    const Result<bool> found = row.Next();
    if (!found || !*found) return found;
    if (page.events.size() == limit || looked_at == kMostEventsLookedAt) return true;
    page.next = row.Number(0);
    if (TimePoint(std::chrono::seconds(row.Number(1))) < since) continue;
    Result<Event> event = OpenEvent(row);
    if (!event && event.error().code != ErrorCode::kDamaged) return event.error();
    page.events.push_back(event ? std::move(*event) : Event{});
    page.events.back().id = row.Number(0);
    page.events.back().damaged = !event;
  }
}

// The clock may have been turned, so that ids and times do not ascend together: what is young stays
// between what is old.
Result<PrunedEvents> StoreRows::PruneEvents(const EventLimits& limits, std::int64_t after_id,
                                            std::size_t piece) {
  const Result<std::int64_t> last = database_.ReadNumber(kLastEvent);
  if (!last) return last.error();
  constexpr auto kNone = std::numeric_limits<std::int64_t>::min();
  const std::int64_t time =
      limits.time ? std::int64_t{limits.time->time_since_epoch().count()} : kNone;
  const std::int64_t id = limits.most ? *last - *limits.most : kNone;
  const std::int64_t from = after_id;
  PrunedEvents pruned{0, from};
  {
    Statement row = database_.Use(kEventTimes);
    row.Bind(after_id).Bind(*last);
    std::size_t matching = 0;
    for (std::size_t looked_at = 0; looked_at < kMostEventsLookedAt && matching < piece;
         ++looked_at) {
      const Result<bool> found = row.Next();
      if (!found) return found.error();
      if (!*found) {
        pruned.next.reset();
        break;
      }
      if (row.Number(1) < time || row.Number(0) <= id) ++matching;
      after_id = row.Number(0);
    }
    if (pruned.next) pruned.next = after_id;
    if (matching == 0) return pruned;
  }
  Statement prune = database_.Use(kPruneEvents);
  prune.Bind(from).Bind(after_id).Bind(time).Bind(id);
  const Status done = prune.Finish();
  if (!done) return done.error();
  pruned.pruned = database_.ChangedRows();
  return pruned;
}

Result<Event> StoreRows::OpenEvent(const Statement& row) {
  const std::int64_t id = row.Number(0);
  const TimePoint time{std::chrono::seconds(row.Number(1))};
  const Result<SecretBytes> body = key_.Open(row.Blob(3), EventContext(id, time, row.Text(2)));
  if (!body) {
    return Error{ErrorCode::kDamaged, "event " + std::to_string(id) + " in the store is damaged"};
  }
  Result<Event> event = DecodeEvent(body->Expose());
  if (!event) return event.error();
  event->id = id;
  event->time = time;
  event->account = row.Text(2);
  return event;
}

}  // namespace sparekey
