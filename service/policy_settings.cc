// SPDX-License-Identifier: Apache-2.0
#include "service/policy_settings.h"

#include <utility>

#include "service/account_step.h"
#include "service/json.h"

namespace sparekey {
namespace {

constexpr std::size_t kPage = 200;  // accounts: a millisecond
constexpr int kMostNamed = 10;

Json SettingsJson(const Policy& policy) {
  Json list = Json::array();
  for (const Setting& setting : Settings()) {
    list.push_back({{"name", setting.name},
                    {"value", setting.get(policy)},
                    {"default", setting.get(Policy{})},
                    {"range", setting.range},
                    {"meaning", setting.meaning}});
  }
  return {{"settings", list}};
}

Result<Policy> ApplySettings(const Json& object, Policy policy, std::string& what) {
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string()) return Invalid("\"" + name + "\" must be a text");
    const Status set = SetSetting(policy, name, value.get_ref<const std::string&>());
    if (!set) return set.error();
    what += (what.empty() ? "" : ", ") + name + "=" + FindSetting(name)->get(policy);
  }
  if (const Status checked = CheckPolicy(policy); !checked) return checked.error();
  return policy;
}

Event SettingsEvent(EventKind kind, std::string detail, TimePoint now) {
  Event event;
  event.kind = kind;
  event.detail = std::move(detail);
  event.time = now;
  return event;
}

}  // namespace

struct PolicySettings::Wish {
  Json object;
  TimePoint now;
  Respond respond;
  int checked_required = 0;  // that no account's sheet is too small for
  std::string stranded = {};
  int strandeds = 0;

  HttpResponse CarryOut(Store& store);
  void Note(const AccountPage& page, int required);
  Error Refusal(int required) const;
};

// Names accounts that have a sheet with fewer codes left than one recovery would need, or get one
// with their first code.
void PolicySettings::Wish::Note(const AccountPage& page, int required) {
  const auto is_too_small = [required](const std::optional<Sheet>& sheet) {
    return sheet && sheet->CodesLeft() < required;
  };
  for (const auto& [name, account] : page.accounts) {
    if (!account) continue;
    const auto& pending = account->pending;
    const bool waits = pending && !pending->IsOver(now) && is_too_small(pending->sheet);
    if (!waits && !is_too_small(account->sheet)) continue;
    if (++strandeds <= kMostNamed) stranded += (stranded.empty() ? "" : ", ") + name;
  }
}

Error PolicySettings::Wish::Refusal(int required) const {
  const int more = strandeds - kMostNamed;
  return Invalid("backup_codes.required: " + std::to_string(required) +
                 " would leave these accounts without a recovery: " + stranded +
                 (more > 0 ? " and " + std::to_string(more) + " more" : "") +
                 "; make them new sheets first");
}

HttpResponse PolicySettings::Wish::CarryOut(Store& store) {
  Policy set;
  const Status status = RunStep(store, {}, [&](Records& records) -> Result<Changes> {
    const Status open = RefuseWhileSuperLocked(records.system, nullptr);
    if (!open) return open.error();
    std::string what;
    const auto wanted = ApplySettings(object, records.policy, what);
    if (!wanted) return wanted.error();
    if (wanted->codes_required > std::max(records.policy.codes_required, checked_required)) {
      return Error{ErrorCode::kBusy, "the settings were changed meanwhile; try again"};
    }
    const bool was_enabled = records.policy.enabled;
    set = records.policy = *wanted;
    Changes changes{{}, false, true, {SettingsEvent(EventKind::kSettingsChanged, what, now)}};
    if (was_enabled != wanted->enabled) {
      const auto kind = was_enabled ? EventKind::kTwoFactorOff : EventKind::kTwoFactorOn;
      changes.events.push_back(SettingsEvent(kind, "", now));
    }
    return changes;
  });
  return status ? Reply(200, SettingsJson(set)) : Problem(status.error());
}

void PolicySettings::Show(Respond respond) const {
  backend_.OnStore(
      [](Store& store) {
        Policy policy;
        const Status read =
            ReadRecords(store, {}, [&](const Records& records) { policy = records.policy; });
        return read ? Reply(200, SettingsJson(policy)) : Problem(read.error());
      },
      std::move(respond));
}

void PolicySettings::Change(const HttpRequest& request, Respond respond) const {
  auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error()));
  if (object->empty()) return respond(Problem(Invalid("no setting was named")));
  auto wish = std::make_shared<Wish>(Wish{*std::move(object), backend_.clock(), respond});
  backend_.decider.Read([this, wish](Store& store) {
    Result<Policy> wanted = Policy{};
    int required = 0;
    const Status read = ReadRecords(store, {}, [&](const Records& records) {
      std::string what;
      required = records.policy.codes_required;
      wanted = ApplySettings(wish->object, records.policy, what);
    });
    if (!read) wanted = read.error();
    const bool raises = wanted && wanted->codes_required > required;
    if (raises) wish->checked_required = wanted->codes_required;
    auto failure = std::make_shared<Status>(wanted ? Ok() : Status(wanted.error()));
    backend_.post([this, wish, failure, raises] {
      if (!*failure) return wish->respond(Problem(failure->error()));
      if (raises) return CheckSheets(wish, "");
      backend_.OnStore([wish](Store& own) { return wish->CarryOut(own); }, wish->respond);
    });
  });
}

void PolicySettings::CheckSheets(std::shared_ptr<Wish> wish, const std::string& after) const {
  backend_.decider.Read([this, wish, after](Store& store) {
    auto page = std::make_shared<Result<AccountPage>>(store.ListAccounts(after, kPage));
    backend_.post([this, wish, page] {
      if (!*page) return wish->respond(Problem(page->error()));
      wish->Note(**page, wish->checked_required);
      if ((*page)->accounts.size() == kPage)
        return CheckSheets(wish, (*page)->accounts.back().name);
      if (wish->strandeds > 0) {
        return wish->respond(Problem(wish->Refusal(wish->checked_required)));
      }
      backend_.OnStore([wish](Store& own) { return wish->CarryOut(own); }, wish->respond);
    });
  });
}

}  // namespace sparekey
