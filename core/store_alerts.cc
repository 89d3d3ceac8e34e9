// SPDX-License-Identifier: Apache-2.0
// The rows of the alerts: folded from the events in the transaction that records them, and the
// first ones of a store that is older than they are.
#include <algorithm>

#include "core/record_codec.h"
#include "core/store_migration.h"
#include "core/store_rows.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostListed = 1000;
constexpr std::int64_t kAlertsSince = 2;  // the version of the schema

constexpr char kSelectAlert[] = "SELECT id, kind, account, state, body FROM alert WHERE id=?";
constexpr char kFindAlert[] =
    "SELECT id, kind, account, state, body FROM alert WHERE account=? AND kind=?";
constexpr char kListAlerts[] =
    "SELECT id, kind, account, state, body FROM alert WHERE id>? ORDER BY id LIMIT ?";
constexpr char kListAlertsOf[] =
    "SELECT id, kind, account, state, body FROM alert WHERE id>? AND state=? ORDER BY id LIMIT ?";
constexpr char kCountOpen[] = "SELECT count(*) FROM alert WHERE state=0";
constexpr char kReplaceAlert[] =
    "INSERT OR REPLACE INTO alert(id, kind, account, state, body) VALUES(?,?,?,?,?)";
constexpr char kDeleteAlert[] = "DELETE FROM alert WHERE account=? AND kind=?";

std::int64_t StateOf(const Alert& alert) { return alert.acknowledged ? 1 : 0; }

std::string AlertContext(std::int64_t id, const std::string& kind, const std::string& account,
                         std::int64_t state) {
  return RowContext(
      {"alert", "body", "1", std::to_string(id), kind, account, std::to_string(state)});
}

Error DamagedAlert(std::int64_t id) {
  return {ErrorCode::kDamaged, "alert " + std::to_string(id) + " in the store is damaged"};
}

Status AddAll(StoreRows& rows, std::vector<Alert> alerts, std::int64_t& last_id) {
  for (Alert& alert : alerts) {
    alert.id = ++last_id;
    const Status added = rows.AddAlert(alert);
    if (!added) return added;
  }
  return Ok();
}

// When the newest event happened; nothing older is known of what the records do not date.
Result<TimePoint> NewestTime(StoreRows& rows) {
  EventQuery query;
  query.limit = 1;
  const auto newest = rows.ReadEvents(query);
  if (!newest) return newest.error();
  return newest->events.empty() ? TimePoint{} : newest->events.front().time;
}

}  // namespace

Status StoreRows::FoldIntoAlerts(const Event& event, const SystemState& system) {
  for (const AlertChange& change : AlertChangesOf(event, system)) {
    const Status changed = ChangeAlert(change, event);
    if (!changed) return changed;
  }
  return Ok();
}

Status StoreRows::ChangeAlert(const AlertChange& change, const Event& event) {
  if (change.what == AlertChange::What::kSettle) {
    const std::string_view kind = ToString(change.kind);
    Statement statement = database_.Use(kDeleteAlert);
    return statement.Bind(change.account).Bind(kind).Finish();
  }
  Result<std::optional<Alert>> before = FindAlert(change);
  if (!before) return before.error();
  if (change.what == AlertChange::What::kRaise) {
    return StoreAlert(RaiseAlert(*before, change, event));
  }
  if (!*before || (*before)->damaged) return Ok();
  (*before)->acknowledged = true;
  return StoreAlert(**before);
}

Status StoreRows::AddAlert(const Alert& alert) {
  const auto before = FindAlert({AlertChange::What::kRaise, alert.kind, alert.account});
  if (!before) return before.error();
  return *before && !(*before)->damaged ? Ok() : StoreAlert(alert);
}

Status StoreRows::StoreAlert(const Alert& alert) {
  const std::string kind(ToString(alert.kind));
  const auto body = key_.Seal(EncodeAlert(alert).Expose(),
                              AlertContext(alert.id, kind, alert.account, StateOf(alert)));
  Statement statement = database_.Use(kReplaceAlert);
  statement.Bind(alert.id).Bind(std::string_view(kind)).Bind(alert.account);
  return statement.Bind(StateOf(alert)).Bind(body).Finish();
}

Result<std::optional<Alert>> StoreRows::FindAlert(const AlertChange& change) {
  const std::string_view kind = ToString(change.kind);
  Statement row = database_.Use(kFindAlert);
  const Result<bool> found = row.Bind(change.account).Bind(kind).Next();
  if (!found) return found.error();
  if (!*found) return std::optional<Alert>();
  Result<Alert> alert = OpenAlert(row);
  if (alert) return std::optional(std::move(*alert));
  if (alert.error().code != ErrorCode::kDamaged) return alert.error();
  Alert damaged;
  damaged.damaged = true;
  return std::optional(std::move(damaged));
}

Result<Alert> StoreRows::LoadAlert(std::int64_t id) {
  Statement row = database_.Use(kSelectAlert);
  const Result<bool> found = row.Bind(id).Next();
  if (!found) return found.error();
  if (*found) return OpenAlert(row);
  return Error{ErrorCode::kNotFound, "there is no such alert; it may be settled"};
}

Result<std::vector<Alert>> StoreRows::ListAlerts(const AlertQuery& query) {
  Statement row = database_.Use(query.acknowledged ? kListAlertsOf : kListAlerts);
  row.Bind(query.after_id);
  if (query.acknowledged) row.Bind(std::int64_t{*query.acknowledged});
  row.Bind(static_cast<std::int64_t>(std::min(query.limit, kMostListed)));
  std::vector<Alert> alerts;
  for (;;) {
    const Result<bool> found = row.Next();
    if (!found) return found.error();
    if (!*found) return alerts;
    Result<Alert> alert = OpenAlert(row);
    if (!alert && alert.error().code != ErrorCode::kDamaged) return alert.error();
    alerts.push_back(alert ? std::move(*alert) : Alert{});
    alerts.back().id = row.Number(0);
    alerts.back().damaged = !alert;
  }
}

Result<std::uint64_t> StoreRows::CountOpenAlerts() {
  const Result<std::int64_t> count = database_.ReadNumber(kCountOpen);
  if (!count) return count.error();
  return static_cast<std::uint64_t>(*count);
}

Result<Alert> StoreRows::OpenAlert(const Statement& row) {
  const std::int64_t id = row.Number(0), state = row.Number(3);
  const std::string kind = row.Text(1), account = row.Text(2);
  const Result<SecretBytes> body = key_.Open(row.Blob(4), AlertContext(id, kind, account, state));
  const auto parsed = ParseEventKind(kind);
  if (!body || !parsed) return DamagedAlert(id);
  Result<Alert> alert = DecodeAlert(body->Expose());
  if (!alert) return alert.error();
  alert->id = id;
  alert->kind = *parsed;
  alert->account = account;
  alert->acknowledged = state != 0;
  return alert;
}

Status RaiseImpliedAlerts(StoreRows& rows) {
  const Result<SystemState> system = rows.LoadSystem();
  if (!system) return system.error();
  const Result<Policy> policy = rows.LoadPolicy();
  if (!policy) return policy.error();
  const Result<TimePoint> newest = NewestTime(rows);
  if (!newest) return newest.error();
  Result<std::int64_t> last_id = rows.LastId();
  if (!last_id) return last_id.error();
  Status added = AddAll(rows, AlertsImpliedBy(*system, *policy, *newest), *last_id);
  if (!added) return added;
  const auto names = rows.ListShut();
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const auto stored = rows.LoadAccount({name, std::nullopt}, true);
    if (!stored) return stored.error();
    const auto& account = stored->loaded.account;  // none: damaged, which logins tell
    if (account) added = AddAll(rows, AlertsImpliedBy(*account), *last_id);
    if (!added) return added;
  }
  return Ok();
}

Status MigrateStoreRows(Database& database, const MasterKey& key, std::int64_t version) {
  if (version != kAlertsSince) return Ok();
  StoreRows rows(database, key);
  const Status fits = rows.CheckKey();
  return fits ? RaiseImpliedAlerts(rows) : fits;
}

}  // namespace sparekey
