// SPDX-License-Identifier: Apache-2.0
// The full check of the store by pieces: state and structure, every account by name, every uid to
// its account, every event, every alert. Each row is opened, so that its seal is verified, and must
// be found by the ways on which a login looks for it.
#include <charconv>
#include <limits>

#include "core/record_codec.h"
#include "core/store_rows.h"

namespace sparekey {
namespace {

constexpr char kAccountsAfter[] =
    "SELECT name, uid, flags, record FROM account WHERE name>? ORDER BY name LIMIT ?";
constexpr char kUidsAfter[] =
    "SELECT name, uid FROM account INDEXED BY account_uid WHERE uid>? ORDER BY uid LIMIT ?";
constexpr char kIsThere[] = "SELECT 1 FROM account WHERE name=?";
constexpr char kEventsAfter[] =
    "SELECT id, time, account, body FROM event WHERE id>? ORDER BY id LIMIT ?";
constexpr char kAlertsAfter[] =
    "SELECT id, kind, account, state, body FROM alert WHERE id>? ORDER BY id LIMIT ?";
constexpr char kIntegrity[] = "PRAGMA integrity_check(20)";
constexpr auto kLowest = std::numeric_limits<std::int64_t>::min();

// Where a piece begins: the part, and what its last row was.
enum class Part { kState, kAccounts, kUids, kEvents, kAlerts };
struct Place {
  Part part = Part::kState;
  std::string name;  // kAccounts
  std::int64_t number = kLowest;
};

// A name that is damaged may hold any byte.
std::string ToHex(const std::string& text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    hex += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return hex;
}

std::optional<std::string> FromHex(std::string_view hex) {
  std::string text;
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + 2, byte, 16);
    if (error != std::errc() || end != hex.data() + 2) return std::nullopt;
    text += static_cast<char>(byte);
  }
  return hex.empty() ? std::optional(text) : std::nullopt;
}

std::string AccountsFrom(const std::string& name) { return "accounts:" + ToHex(name); }
std::string UidsFrom(std::int64_t uid) { return "uids:" + std::to_string(uid); }
std::string EventsFrom(std::int64_t id) { return "events:" + std::to_string(id); }

std::string AlertsFrom(std::int64_t id) { return "alerts:" + std::to_string(id); }

std::optional<Place> ParsePlace(std::string_view text) {
  if (text.empty()) return Place{};
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view part = text.substr(0, colon), rest = text.substr(colon + 1);
  if (part == "accounts") {
    const auto name = FromHex(rest);
    return name ? std::optional(Place{Part::kAccounts, *name, 0}) : std::nullopt;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const bool whole = error == std::errc() && end == rest.data() + rest.size();
  if (!whole) return std::nullopt;
  if (part == "uids") return Place{Part::kUids, "", number};
  if (part == "events") return Place{Part::kEvents, "", number};
  return part == "alerts" ? std::optional(Place{Part::kAlerts, "", number}) : std::nullopt;
}

// No name that could be a row's own damage reaches a terminal or a log.
std::string Shown(const std::string& name) {
  return IsAccountName(name) ? "the record of " + name : "a record";
}

// An unreadable part is damage, too; the check goes on behind it.
void EndPart(const Status& status, const char* part, CheckedPiece& piece) {
  if (!status) {
    piece.damage.push_back("the " + std::string(part) +
                           " cannot be read to their end: " + status.error().message);
  }
}

}  // namespace

Result<CheckedPiece> StoreRows::Check(const std::string& from, const PieceLimits& limits) {
  const auto place = ParsePlace(from);
  if (!place) return Invalid("the check cannot go on from there");
  CheckedPiece piece;
  Status done = Ok();
  switch (place->part) {
    case Part::kState:
      CheckState(limits, piece);
      piece.next = AccountsFrom("");
      break;
    case Part::kAccounts:
      done = CheckAccounts(place->name, limits.rows, piece);
      EndPart(done, "accounts", piece);
      if (!piece.next || !done) piece.next = UidsFrom(kLowest);
      break;
    case Part::kUids:
      done = CheckUids(place->number, limits.rows, piece);
      EndPart(done, "uids", piece);
      if (!piece.next || !done) piece.next = EventsFrom(kLowest);
      break;
    case Part::kEvents:
      done = CheckEvents(place->number, limits.rows, piece);
      EndPart(done, "events", piece);
      if (!piece.next || !done) piece.next = AlertsFrom(kLowest);
      break;
    case Part::kAlerts:
      done = CheckAlerts(place->number, limits.rows, piece);
      EndPart(done, "alerts", piece);
      if (!done) piece.next.reset();
      break;
  }
  return piece;
}

void StoreRows::CheckState(const PieceLimits& limits, CheckedPiece& piece) {
  const Result<SystemState> system = LoadSystem();
  const Result<Policy> policy = LoadPolicy();
  piece.rows = 3;
  if (const Status key = CheckKey(); !key) piece.damage.push_back(key.error().message);
  if (!system) piece.damage.push_back(system.error().message);
  if (!policy) piece.damage.push_back(policy.error().message);
  const Result<std::int64_t> pages = database_.ReadNumber("PRAGMA page_count");
  const Result<std::int64_t> page = database_.ReadNumber("PRAGMA page_size");
  Status structure = pages ? Ok() : Status(pages.error());
  piece.structure = pages && page && *pages * *page <= limits.structure_bytes;
  if (piece.structure) structure = CheckStructure(piece);
  if (!structure) piece.damage.push_back("the database: " + structure.error().message);
}

Status StoreRows::CheckStructure(CheckedPiece& piece) {
  Statement row = database_.Use(kIntegrity);
  for (;;) {
    const Result<bool> found = row.Next();
    if (!found) return found.error();
    if (!*found) return Ok();
    const std::string line = row.Text(0);
    if (line != "ok") piece.damage.push_back("the database: " + line);
  }
}

Status StoreRows::CheckAccounts(const std::string& after, std::size_t limit, CheckedPiece& piece) {
  Statement row = database_.Use(kAccountsAfter);
  row.Bind(after).Bind(static_cast<std::int64_t>(limit));
  std::string last;
  for (;;) {
    const Result<bool> found = row.Next();
    if (!found) return found.error();
    if (!*found) break;
    last = row.Text(0);
    ++piece.rows;
    const Result<Account> account = OpenAccount(row);
    if (!account) {
      piece.damage.push_back(account.error().message);
    } else if (account->uid != kNoUid) {
      const auto name = FindNameOf(account->uid);
      if (!name) return name.error();
      if (*name != last) piece.damage.push_back(Shown(last) + " is not found by its uid");
    }
  }
  if (piece.rows == limit) piece.next = AccountsFrom(last);
  return Ok();
}

Status StoreRows::CheckUids(std::int64_t after, std::size_t limit, CheckedPiece& piece) {
  Statement row = database_.Use(kUidsAfter);
  row.Bind(after).Bind(static_cast<std::int64_t>(limit));
  std::int64_t last = after;
  for (;;) {
    const Result<bool> found = row.Next();
    if (!found) return found.error();
    if (!*found) break;
    const std::string name = row.Text(0);
    last = row.Number(1);
    ++piece.rows;
    Statement record = database_.Use(kIsThere);  // what it holds was the accounts' turn
    const Result<bool> there = record.Bind(name).Next();
    if (!there) piece.damage.push_back(Shown(name) + " cannot be read");
    if (there && !*there) piece.damage.push_back(Shown(name) + " is missing");
  }
  if (piece.rows == limit) piece.next = UidsFrom(last);
  return Ok();
}

Status StoreRows::CheckEvents(std::int64_t after, std::size_t limit, CheckedPiece& piece) {
  Statement row = database_.Use(kEventsAfter);
  row.Bind(after).Bind(static_cast<std::int64_t>(limit));
  std::int64_t last = after;
  for (;;) {
    const Result<bool> found = row.Next();
    if (!found) return found.error();
    if (!*found) break;
    last = row.Number(0);
    ++piece.rows;
    const Result<Event> event = OpenEvent(row);
    if (!event) piece.damage.push_back(event.error().message);
  }
  if (piece.rows == limit) piece.next = EventsFrom(last);
  return Ok();
}

// Each must be what is found of its kind and account, or it would be raised a second time.
Status StoreRows::CheckAlerts(std::int64_t after, std::size_t limit, CheckedPiece& piece) {
  Statement row = database_.Use(kAlertsAfter);
  row.Bind(after).Bind(static_cast<std::int64_t>(limit));
  std::int64_t last = after;
  for (;;) {
    const Result<bool> found = row.Next();
    if (!found) return found.error();
    if (!*found) break;
    last = row.Number(0);
    ++piece.rows;
    const Result<Alert> alert = OpenAlert(row);
    if (!alert) {
      piece.damage.push_back(alert.error().message);
      continue;
    }
    const auto same = FindAlert({AlertChange::What::kRaise, alert->kind, alert->account});
    if (!same) return same.error();
    if (!*same || (*same)->id != last) {
      piece.damage.push_back("alert " + std::to_string(last) + " is not found by its account");
    }
  }
  if (piece.rows == limit) piece.next = AlertsFrom(last);
  return Ok();
}

}  // namespace sparekey
