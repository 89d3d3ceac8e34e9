// SPDX-License-Identifier: Apache-2.0
// What sparekey knows of itself: asked of the service by pages, so that logins go on; while it is
// down, read from the store as its only owner.
#include "cli/api.h"
#include "cli/doctor.h"
#include "core/seal.h"
#include "core/store_look.h"

namespace sparekey {
namespace {

AccountFacts FactsOf(const Json& account) {
  AccountFacts facts;
  facts.name = TextOf(account, "account");
  facts.active = TextOf(account, "enrolment") == "active";
  facts.administrator = FlagOf(account, "administrator");
  facts.must_enrol = FlagOf(account, "must_enrol");
  facts.super_locked = TextOf(account, "lockout") == "super_locked";
  facts.gate_closed = TextOf(account, "ssh_gate") == "closed";
  facts.codes_left = static_cast<int>(NumberOf(account, "codes_left"));
  facts.pending_since = ParseTime(TextOf(ObjectOf(account, "pending"), "since"));
  return facts;
}

AccountFacts FactsOf(const Account& account) {
  AccountFacts facts;
  facts.name = account.name;
  facts.active = account.enrolment() == Enrolment::kActive;
  facts.administrator = account.administrator;
  facts.must_enrol = account.must_enrol;
  facts.super_locked = account.super_locked.has_value();
  facts.gate_closed = account.gate.has_value();
  facts.codes_left = account.sheet ? account.sheet->CodesLeft() : 0;
  if (account.pending) facts.pending_since = account.pending->since;
  return facts;
}

class ServiceReader {
 public:
  ServiceReader(Api& api, OwnFacts& own) : api_(api), own_(own) {}

  void Read() {
    ReadStatus();
    if (own_.refusal) return;
    ReadSettings();
    ReadAccounts();
    CheckStore();
  }

 private:
  // The answer's body; null after a failure, which is kept.
  SecretJson Get(const std::string& target) {
    Answer answer = api_.Get(target);
    if (answer.ok()) return std::move(answer.body);
    if (answer.failure->status == ExitStatus::kNotAllowed) own_.refusal = answer.failure;
    if (own_.trouble.empty()) own_.trouble = answer.failure->message;
    return {};
  }

  void ReadStatus() {
    const SecretJson status = Get("/v1/status");
    own_.super_locked = TextOf(status.Expose(), "lockout") == "super_locked";
    own_.gate_closed = TextOf(status.Expose(), "ssh_gate") == "closed";
  }

  void ReadSettings() {
    const SecretJson settings = Get("/v1/settings");
    const Json& list = ListOf(settings.Expose(), "settings");
    if (list.empty()) return;
    Policy policy;
    for (const Json& setting : list) {
      (void)SetSetting(policy, TextOf(setting, "name"), TextOf(setting, "value"));
    }
    own_.policy = std::move(policy);
  }

  void ReadAccounts() {
    std::string after;
    do {
      const SecretJson page = Get("/v1/accounts?limit=100&after=" + PercentEncode(after));
      if (!page.Expose().is_object()) return;
      for (const Json& account : ListOf(page.Expose(), "accounts")) {
        if (!FlagOf(account, "damaged")) own_.accounts.push_back(FactsOf(account));
      }
      after = TextOf(page.Expose(), "next");
    } while (!after.empty());
    own_.accounts_complete = true;
  }

  void CheckStore() {
    StoreFacts store;
    store.structure = false;
    std::string from;
    do {
      const SecretJson piece = Get("/v1/store-check?from=" + PercentEncode(from));
      if (!piece.Expose().is_object()) return;
      store.rows += static_cast<std::uint64_t>(NumberOf(piece.Expose(), "rows"));
      store.structure = store.structure || FlagOf(piece.Expose(), "structure");
      for (const Json& line : ListOf(piece.Expose(), "damage")) {
        if (line.is_string()) store.damage.push_back(line.get<std::string>());
      }
      from = TextOf(piece.Expose(), "next");
    } while (!from.empty());
    own_.store = std::move(store);
  }

  Api& api_;
  OwnFacts& own_;
};

class StoreReader {
 public:
  StoreReader(StoreRows& rows, OwnFacts& own) : rows_(rows), own_(own) {}

  Status Read() {
    // What cannot be read here is damage, which the check tells.
    if (Result<Policy> policy = rows_.LoadPolicy()) own_.policy = std::move(*policy);
    if (const Result<SystemState> system = rows_.LoadSystem()) {
      own_.super_locked = system->super_locked.has_value();
      own_.gate_closed = system->gate.has_value();
    }
    const Status checked = CheckStore();
    const Status listed = ListAccounts();
    return checked ? listed : checked;
  }

 private:
  static constexpr std::size_t kPage = 500;

  Status CheckStore() {
    StoreFacts store;
    store.structure = false;
    // Nobody waits: whatever it takes.
    const PieceLimits limits{.rows = kPage, .structure_bytes = INT64_MAX};
    std::optional<std::string> from = "";
    while (from) {
      auto piece = rows_.Check(*from, limits);
      if (!piece) return piece.error();
      store.rows += piece->rows;
      store.structure = store.structure || piece->structure;
      store.damage.insert(store.damage.end(), piece->damage.begin(), piece->damage.end());
      from = std::move(piece->next);
    }
    own_.store = std::move(store);
    return Ok();
  }

  Status ListAccounts() {
    std::string after;
    for (;;) {
      const auto page = rows_.ListAccounts(after, kPage);
      if (!page) return page.error();
      for (const ListedAccount& listed : page->accounts) {
        if (listed.account) own_.accounts.push_back(FactsOf(*listed.account));
      }
      if (page->accounts.size() < kPage) break;
      after = page->accounts.back().name;
    }
    own_.accounts_complete = true;
    return Ok();
  }

  StoreRows& rows_;
  OwnFacts& own_;
};

// The service may start at any moment: it is not kept waiting, and what was seen of a store that
// moved is not told.
void ReadStore(const Config& config, OwnFacts& own) {
  Result<MasterKey> key = MasterKey::Load(config.master_key);
  if (!key) {
    own.trouble = key.error().message;
    return;
  }
  Result<std::unique_ptr<StoreLook>> look = StoreLook::Open(config.state_dir, std::move(*key));
  if (!look) {
    own.trouble = look.error().message;
    return;
  }
  OwnFacts seen;
  const Status read = StoreReader((*look)->rows(), seen).Read();
  const Status undisturbed = (*look)->CheckUndisturbed();
  if (undisturbed) own = std::move(seen);
  const Status& end = undisturbed ? read : undisturbed;
  if (!end) own.trouble = end.error().message;
}

}  // namespace

OwnFacts ReadOwnFacts(const Config& config) {
  OwnFacts own;
  Api api(config.socket);
  const Answer health = api.Get("/v1/health", std::chrono::seconds(4));
  own.service_answers = health.ok();
  own.version = TextOf(health.body.Expose(), "version");
  if (own.service_answers) {
    ServiceReader(api, own).Read();
  } else {
    ReadStore(config, own);
  }
  return own;
}

}  // namespace sparekey
