// SPDX-License-Identifier: Apache-2.0
#include "service/backend.h"

#include <algorithm>
#include <utility>

#include "service/alerts.h"

namespace sparekey {
namespace {

constexpr std::uint64_t kCodeKeyId = 1;

bool IsMember(const Identity& identity, const std::vector<std::string>& groups) {
  return std::any_of(groups.begin(), groups.end(), [&identity](const std::string& group) {
    return std::find(identity.groups.begin(), identity.groups.end(), group) !=
           identity.groups.end();
  });
}

// A record that is damaged still has its name and uid.
Status ReadHolder(Store& store, AccountKey key, std::optional<std::string>& holder) {
  auto read = [&holder](Records& records) -> Result<Changes> {
    holder = records.accounts[0].uid_taken;
    return Changes{};
  };
  Work work{{std::move(key)}, std::move(read), Ok(), true};
  store.Run({&work, 1});
  return std::move(work.status);
}

}  // namespace

ResetPermission MayPeerReset(const ConsoleConfig& console, const Peer& peer) {
  return MayReset(RealProc(), console, peer.pid, peer.uid);
}

SecretBytes DeriveCodeKey(const MasterKey& key) { return key.Derive(kCodeKeyId, "bkpcodes"); }

void Backend::OnStore(std::function<HttpResponse(Store& store)> run, Respond respond) const {
  auto answer = [post = post, run = std::move(run),
                 respond = std::move(respond)](Store& store) mutable {
    auto response = std::make_shared<HttpResponse>(run(store));
    post([respond = std::move(respond), response] { respond(std::move(*response)); });
  };
  decider.Read(std::move(answer));
}

void Backend::FindAlias(Directory& whose, const Identity& identity, const std::string& holder,
                        Directory::Found found) const {
  whose.Lookup(holder, [uid = identity.uid, found = std::move(found)](auto other) {
    const bool same = other && *other && (*other)->uid == uid;
    found(!other || same ? std::move(other) : std::optional<Identity>());
  });
}

void Backend::Identify(Directory& whose, const std::string& name, Identified found) const {
  whose.Lookup(name, [this, &whose, found = std::move(found)](auto identity) {
    if (!identity || !*identity || (*identity)->uid == kNoUid) {
      return found(std::move(identity), std::nullopt);
    }
    decider.Read([this, &whose, found, who = **identity](Store& store) {
      std::optional<std::string> holder;
      const Status read =
          ReadHolder(store, MakeKey(who.name, std::optional<Identity>(who)), holder);
      post([this, &whose, found, who, holder,
            failed = read ? std::nullopt : std::optional(read.error())] {
        if (failed) return found(*failed, std::nullopt);
        if (!holder) return found(std::optional(who), std::nullopt);
        FindAlias(whose, who, *holder, [found, who, holder](auto other) {
          if (!other) return found(other.error(), std::nullopt);
          found(std::optional(who), *other ? holder : std::nullopt);
        });
      });
    });
  });
}

void Backend::ReportDamage(const std::string& account, const Error& error) const {
  if (damage != nullptr) damage->Report(account, error);
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
