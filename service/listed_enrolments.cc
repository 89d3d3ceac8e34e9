// SPDX-License-Identifier: Apache-2.0
#include "service/listed_enrolments.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "service/account_step.h"
#include "service/first_authenticator.h"
#include "service/json.h"

namespace sparekey {
namespace {

struct Listed {
  std::string name;
  Json wishes;
  Status status = Ok();
  FirstAuthenticator first;
  bool unchanged = false;
  std::optional<std::uint32_t> sheet;  // the number of the one that it has
};

// The whole authenticator but what its use changes: time, counter.
bool IsSame(const Authenticator& a, const Authenticator& b) {
  const bool same_codes = a.type == b.type && a.algorithm == b.algorithm && a.digits == b.digits &&
                          (a.type == OtpType::kHotp || a.interval == b.interval);
  return ConstantTimeEqual(a.secret.Expose(), b.secret.Expose()) && same_codes &&
         a.label == b.label;
}

// The account is as this would make it.
bool IsDone(const Account& account, const FirstAuthenticator& first) {
  return account.enrolment() == Enrolment::kActive &&
         std::any_of(
             account.authenticators.begin(), account.authenticators.end(),
             [&](const Authenticator& one) { return IsSame(one, first.made.authenticator); });
}

Listed Read(Json item) {
  Listed listed;
  listed.wishes = std::move(item);
  if (!listed.wishes.is_object()) {
    listed.status = Invalid("an account must be an object");
    return listed;
  }
  const auto name = TextField(listed.wishes, "account");
  if (name && *name) listed.name = **name;
  if (!name) {
    listed.status = name.error();
  } else if (!IsAccountName(listed.name)) {
    listed.status = Invalid("\"account\" is no name of an account");
  } else if (!listed.wishes.contains("secret") || !listed.wishes["secret"].is_string()) {
    listed.status = Invalid("\"secret\" is missing");
  }
  listed.wishes["confirm"] = false;
  return listed;
}

// Begun and finished in one: one event an account.
void TellOnce(std::vector<Event>& events) {
  std::erase_if(events,
                [](const Event& event) { return event.kind == EventKind::kEnrolmentBegun; });
  events.back().detail += ", from a list";
}

Work EnrollingOf(Listed& listed, std::vector<AccountKey> keys) {
  auto step = [&listed](Records& records) -> Result<Changes> {
    listed.unchanged = false;
    listed.sheet.reset();
    auto changes = InstallFirst(records, listed.first, std::nullopt);
    if (changes) TellOnce(changes->events);
    if (changes || changes.error().code != ErrorCode::kConflict) return changes;
    const Account& account = *records.accounts[0].account;
    if (!IsDone(account, listed.first)) return changes;
    listed.unchanged = true;
    if (account.sheet) listed.sheet = account.sheet->number;
    return Changes{};
  };
  return {std::move(keys), std::move(step), Ok()};
}

// What its work needs, or why there is none.
Result<std::vector<AccountKey>> Prepare(Store& store, Listed& listed, const Policy& policy) {
  auto made = MakeAuthenticator(listed.wishes, policy, listed.first.now);
  if (!made) return made.error();
  listed.first.made = std::move(*made);
  const Identity& identity = listed.first.identity;
  if (identity.uid == kNoUid) return std::vector<AccountKey>{{identity.name, std::nullopt}};
  return KeysWithHolder(store, {identity.name, identity.uid});
}

Json ToJson(const Listed& listed) {
  if (!listed.status) {
    const Error& error = listed.status.error();
    return {{"account", listed.name},
            {"error", {{"code", ProblemCode(error.code)}, {"detail", error.message}}}};
  }
  return {{"account", listed.name},
          {"result", listed.unchanged ? "unchanged" : "enrolled"},
          {"sheet", listed.sheet ? Json(*listed.sheet) : Json()}};
}

HttpResponse CarryOut(Store& store, std::vector<Listed>& accounts) {
  Policy policy;
  Status open = Ok();
  const Status read = ReadRecords(store, {}, [&](const Records& records) {
    policy = records.policy;
    open = RefuseWhileSuperLocked(records.system, nullptr);
  });
  for (const Status& status : {read, open}) {
    if (!status) return Problem(status.error());
  }
  std::vector<Work> works;
  std::vector<Listed*> whose;
  for (Listed& listed : accounts) {
    if (!listed.status) continue;
    auto keys = Prepare(store, listed, policy);
    if (!keys) listed.status = keys.error();
    if (!keys) continue;
    works.push_back(EnrollingOf(listed, std::move(*keys)));
    whose.push_back(&listed);
  }
  store.Run(works);
  Json results = Json::array();
  for (std::size_t i = 0; i < works.size(); ++i) {
    whose[i]->status = works[i].status;
    // No step says so: the commit has failed, and with it all of them.
    const bool lost = !works[i].status && works[i].status.error().code == ErrorCode::kUnavailable;
    if (lost) return Problem(works[i].status.error());
  }
  for (const Listed& listed : accounts) results.push_back(ToJson(listed));
  return Reply(200, {{"results", std::move(results)}});
}

}  // namespace

struct ListedEnrolments::Order {
  explicit Order(std::shared_ptr<std::atomic<int>> count) : running(std::move(count)) {}
  Order(const Order&) = delete;
  Order& operator=(const Order&) = delete;
  ~Order() {
    for (Listed& listed : accounts) WipeTexts(listed.wishes);
    End();
  }
  // Before its answer is heard: the next request must not find it still there.
  void End() {
    if (const auto count = std::exchange(running, nullptr)) --*count;
  }

  std::shared_ptr<std::atomic<int>> running;  // none: it has ended
  std::vector<Listed> accounts;
  Respond respond;
  std::size_t next = 0;  // to be looked up
  std::size_t asked = 0;
};

void ListedEnrolments::Enrol(const HttpRequest& request, Respond respond) const {
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  const auto list = object->find("accounts");
  const bool fits =
      list != object->end() && list->is_array() && !list->empty() && list->size() <= kMostAccounts;
  if (!fits) {
    WipeTexts(*object);
    return respond(Problem(Invalid("\"accounts\" must be a list of 1 to " +
                                   std::to_string(kMostAccounts) + " accounts")));
  }
  const bool busy = ++*running_ > kMostRequests;
  auto order = std::make_shared<Order>(running_);
  order->respond = std::move(respond);
  for (Json& item : *list) {
    order->accounts.push_back(Read(std::move(item)));
    order->accounts.back().first.now = backend_.clock();
  }
  if (busy) {
    return order->respond(
        Problem({ErrorCode::kBusy, "other lists are being enrolled; try again in a moment"}));
  }
  LookUp(order);
}

// Goes on with the next names; after the last answer, with the store.
void ListedEnrolments::LookUp(const std::shared_ptr<Order>& order) const {
  auto& accounts = order->accounts;
  while (order->asked < kMostLookups && order->next < accounts.size()) {
    Listed& listed = accounts[order->next++];
    if (!listed.status) continue;
    ++order->asked;
    IdentifyForEnrolment(backend_, backend_.directory, listed.name,
                         [this, order, &listed](Result<Identity> identity) {
                           --order->asked;
                           if (!identity) listed.status = identity.error();
                           if (identity) listed.first.identity = std::move(*identity);
                           LookUp(order);
                         });
  }
  if (order->asked != 0 || order->next < accounts.size()) return;
  backend_.OnStore([order](Store& store) { return CarryOut(store, order->accounts); },
                   [order](HttpResponse response) {
                     order->End();
                     order->respond(std::move(response));
                   });
}

}  // namespace sparekey
