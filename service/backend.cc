// SPDX-License-Identifier: Apache-2.0
#include "service/backend.h"

#include <algorithm>
#include <utility>

namespace sparekey {
namespace {

bool IsMember(const Identity& identity, const std::vector<std::string>& groups) {
  return std::any_of(groups.begin(), groups.end(), [&identity](const std::string& group) {
    return std::find(identity.groups.begin(), identity.groups.end(), group) !=
           identity.groups.end();
  });
}

}  // namespace

void Backend::OnStore(std::function<HttpResponse(Store& store)> run, Respond respond) const {
  auto answer = [post = post, run = std::move(run),
                 respond = std::move(respond)](Store& store) mutable {
    auto response = std::make_shared<HttpResponse>(run(store));
    post([respond = std::move(respond), response] { respond(std::move(*response)); });
  };
  decider.Read(std::move(answer));
}

Status RunStep(Store& store, std::vector<AccountKey> accounts, Step step) {
  Work work{std::move(accounts), std::move(step), Ok()};
  store.Run({&work, 1});
  return std::move(work.status);
}

Result<Subject> MakeSubject(const Policy& policy, const LoadedAccount& loaded,
                            const Result<std::optional<Identity>>& identity) {
  Subject subject;
  if (!identity) {
    if (!loaded.account || loaded.account->enrolment() != Enrolment::kActive) {
      return identity.error();
    }
    subject.administrator = loaded.account->administrator;
    subject.root = loaded.account->uid == 0;
    return subject;
  }
  if (!*identity) {
    subject.identity_changed = loaded.account.has_value();
    return subject;
  }
  const Identity& found = **identity;
  subject.root = found.uid == 0;
  subject.administrator =
      subject.root || found.administrator_by_config || IsMember(found, policy.admin_groups);
  subject.required = IsMember(found, policy.required_groups);
  subject.exempt = IsMember(found, policy.exempt_groups);
  subject.identity_changed =
      loaded.uid_taken.has_value() ||
      (loaded.account && found.uid != kNoUid && loaded.account->uid != found.uid);
  if (found.groups_complete) return subject;
  if (loaded.account) subject.administrator |= loaded.account->administrator;
  const bool enrolled = loaded.account && loaded.account->enrolment() == Enrolment::kActive;
  const bool decides = policy.required_for == RequiredFor::kGroups && !subject.required;
  if (decides && !enrolled) {
    return Error{ErrorCode::kUnavailable, "the user directory does not know all groups just now"};
  }
  return subject;
}

AccountKey MakeKey(const std::string& name, const Result<std::optional<Identity>>& identity) {
  if (!identity || !*identity) return {name, std::nullopt};
  const Identity& found = **identity;
  return {found.name, found.uid == kNoUid ? std::nullopt : std::optional(found.uid)};
}

}  // namespace sparekey
