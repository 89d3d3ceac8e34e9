// SPDX-License-Identifier: Apache-2.0
#include "service/accounts.h"

#include <utility>

#include "lockout/transitions.h"
#include "service/account_step.h"
#include "service/json.h"
#include "service/query.h"

namespace sparekey {
namespace {

HttpResponse ListPage(Store& store, const std::string& after, std::size_t limit, TimePoint now) {
  Policy policy;
  const Status read =
      ReadRecords(store, {}, [&policy](const Records& records) { policy = records.policy; });
  if (!read) return Problem(read.error());
  const auto page = store.ListAccounts(after, limit);
  if (!page) return Problem(page.error());
  Json list = Json::array();
  for (const auto& [name, account] : page->accounts) {
    list.push_back(account ? ToJson(*account, policy, now)
                           : Json{{"account", name}, {"damaged", true}});
  }
  const bool more = page->accounts.size() == limit;
  return Reply(200, {{"accounts", list},
                     {"nameless", page->nameless},
                     {"next", more ? Json(page->accounts.back().name) : Json(nullptr)}});
}

// Those that are locked or super-locked alone: their flags are looked through, not every record.
HttpResponse ListLockedPage(Store& store, const std::string& after, std::size_t limit,
                            TimePoint now) {
  const auto names = store.ListLocked(after, limit);
  if (!names) return Problem(names.error());
  Json list = Json::array();
  for (const std::string& name : *names) {
    const Status read = ReadRecords(store, {{name, std::nullopt}}, [&](const Records& records) {
      const auto& account = records.accounts[0].account;
      if (account) list.push_back(ToJson(*account, records.policy, now));
    });
    if (!read && read.error().code != ErrorCode::kDamaged) return Problem(read.error());
    if (!read) list.push_back({{"account", name}, {"damaged", true}});
  }
  const bool more = names->size() == limit;
  return Reply(
      200,
      {{"accounts", list}, {"nameless", 0}, {"next", more ? Json(names->back()) : Json(nullptr)}});
}

HttpResponse ShowAccount(Store& store, const std::string& name,
                         const Result<std::optional<Identity>>& identity, TimePoint now) {
  std::optional<HttpResponse> response;
  const Status read = ReadRecords(store, {{name, std::nullopt}}, [&](const Records& records) {
    const auto& stored = records.accounts[0].account;
    if (stored) {
      response = Reply(200, ToJson(*stored, records.policy, now));
    } else if (!identity) {
      response = Problem(identity.error());
    } else if (!*identity) {
      response = Problem(NoSuchAccount(name));
    } else {
      Account unknown;
      unknown.name = (*identity)->name;
      unknown.uid = (*identity)->uid;
      const auto subject = MakeSubject(records.policy, {}, identity);
      unknown.administrator = subject && subject->administrator;
      response = Reply(200, ToJson(unknown, records.policy, now));
    }
  });
  return read ? std::move(*response) : Problem(read.error());
}

HttpResponse ShowSheetOf(Store& store, const std::string& name) {
  std::optional<HttpResponse> response;
  const Status read = ReadRecords(store, {{name, std::nullopt}}, [&](const Records& records) {
    const auto& account = records.accounts[0].account;
    if (!account) {
      response = Problem(NotEnrolled(name));
      return;
    }
    const auto& sheet = account->sheet;
    response = Reply(200, {{"account", name},
                           {"codes_left", sheet ? sheet->CodesLeft() : 0},
                           {"count", sheet ? sheet->codes.size() : 0},
                           {"required", records.policy.codes_required},
                           {"low", records.policy.codes_low},
                           {"sheet", sheet ? Json(sheet->number) : Json(nullptr)},
                           {"issued", sheet ? Json(FormatTime(sheet->issued)) : Json(nullptr)}});
  });
  return read ? std::move(*response) : Problem(read.error());
}

}  // namespace

void Accounts::List(const HttpRequest& request, Respond respond) const {
  const auto query = ParseQuery(request.query);
  const auto limit = QueryNumber(query, "limit", 1, 1000, 100);
  if (!limit) return respond(Problem(limit.error()));
  const auto list = QueryText(query, "locked") == "1" ? ListLockedPage : ListPage;
  backend_.OnStore(
      [list, after = QueryText(query, "after"), most = static_cast<std::size_t>(*limit),
       now = backend_.clock()](Store& store) { return list(store, after, most, now); },
      std::move(respond));
}

void Accounts::Show(const std::string& name, Directory& directory, Respond respond) const {
  auto show = [this, name, respond = std::move(respond)](auto identity, auto alias_of) {
    backend_.OnStore(
        [name = alias_of.value_or(name), identity = std::move(identity),
         now = backend_.clock()](Store& store) { return ShowAccount(store, name, identity, now); },
        respond);
  };
  backend_.Identify(directory, name, std::move(show));
}

void Accounts::ShowSheet(const std::string& name, Respond respond) const {
  backend_.OnStore([name](Store& store) { return ShowSheetOf(store, name); }, std::move(respond));
}

void Accounts::Remove(const std::string& name, Respond respond) const {
  auto remove = [name, now = backend_.clock()](Store& store) {
    const Status status = ChangeAccount(
        store, name, [&](const Records&, Account& account, std::vector<Event>& events) -> Status {
          if (account.enrolment() == Enrolment::kNone && !account.must_enrol) {
            return NotEnrolled(name);
          }
          account.authenticators.clear();
          account.pending.reset();
          account.sheet.reset();
          account.must_enrol = false;
          events.push_back(MakeEvent(EventKind::kEnrolmentRemoved, account, "", now));
          return Ok();
        });
    return status ? HttpResponse{204, {}, ""} : Problem(status.error());
  };
  backend_.OnStore(std::move(remove), std::move(respond));
}

void Accounts::Unlock(const std::string& name, Respond respond) const {
  auto unlock = [name, now = backend_.clock()](Store& store) {
    Json shown;
    const Status status = ChangeAccount(
        store, name, [&](const Records& records, Account& account, std::vector<Event>& events) {
          UnlockAccount(account, now, events);
          shown = ToJson(account, records.policy, now);
          return Ok();
        });
    return status ? Reply(200, shown) : Problem(status.error());
  };
  backend_.OnStore(std::move(unlock), std::move(respond));
}

}  // namespace sparekey
