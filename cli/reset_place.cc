// SPDX-License-Identifier: Apache-2.0
#include "cli/reset_place.h"

#include "cli/password.h"
#include "core/clock.h"
#include "core/seal.h"
#include "core/sqlite_store.h"
#include "service/account_step.h"
#include "service/console_reset.h"

namespace sparekey {
namespace {

constexpr std::chrono::milliseconds kDeadline{4000};

class ServicePlace : public ResetPlace {
 public:
  explicit ServicePlace(const Config& config) : api_(config.socket) {}

  ResetReply Plan(const std::optional<std::string>& account) override {
    Json body = BodyOf(account);
    body["preview"] = true;
    return Send(std::move(body));
  }
  ResetReply CarryOut(const std::optional<std::string>& account) override {
    return Send(BodyOf(account));
  }

 private:
  static Json BodyOf(const std::optional<std::string>& account) {
    Json body = Json::object();
    if (account) {
      body["account"] = *account;
    } else {
      body["system"] = true;
    }
    return body;
  }

  ResetReply Send(Json body) {
    const Answer answer =
        api_.Send("POST", "/v1/console/resets", SecretJson(std::move(body)), kDeadline);
    ResetReply reply{answer.failure, {}, FlagOf(answer.body.Expose(), "super_lockout_ended")};
    for (const Json& account : ListOf(answer.body.Expose(), "accounts")) {
      if (account.is_string()) reply.accounts.push_back(account.get<std::string>());
    }
    return reply;
  }

  Api api_;
};

class StorePlace : public ResetPlace {
 public:
  explicit StorePlace(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  ResetReply Plan(const std::optional<std::string>& account) override {
    const Result<ResetPlan> plan = PlanFor(account);
    if (!plan.ok()) return {FailureOf(plan.error()), {}, false};
    return {{}, plan->Names(), plan->end_super_lockout};
  }
  ResetReply CarryOut(const std::optional<std::string>& account) override {
    const Result<ResetPlan> plan = PlanFor(account);
    if (!plan.ok()) return {FailureOf(plan.error()), {}, false};
    const Status done = CarryOutReset(*store_, *plan, ReadClock());
    if (!done.ok()) return {FailureOf(done.error()), {}, false};
    return {{}, plan->Names(), plan->end_super_lockout};
  }

 private:
  // Only the passwd(5) file is asked: a directory may hang.
  Result<ResetPlan> PlanFor(const std::optional<std::string>& account) {
    const auto uid = account ? FindLocalUid(*account) : std::nullopt;
    Result<ResetPlan> plan = PlanReset(*store_, {account, uid});
    if (plan.ok() && plan->uid_holder && uid && FindLocalUid(*plan->uid_holder) == uid) {
      return IsAnotherName(*account, *plan->uid_holder);
    }
    return plan;
  }

  std::unique_ptr<Store> store_;
};

// A missing file is no missing account, and wrong modes are no lack of rights.
Error CannotOpen(Error error) {
  if (error.code == ErrorCode::kNotFound || error.code == ErrorCode::kDamaged) {
    error.message += "; where that cannot be mended: sparekey console reset --new-key";
  }
  if (error.code != ErrorCode::kConflict) error.code = ErrorCode::kUnavailable;
  return error;
}

}  // namespace

std::unique_ptr<ResetPlace> ResetByService(const Config& config) {
  return std::make_unique<ServicePlace>(config);
}

Result<std::unique_ptr<ResetPlace>> ResetOnStore(const Config& config) {
  Result<MasterKey> key = MasterKey::Load(config.master_key);
  if (!key.ok()) return CannotOpen(key.error());
  Result<std::unique_ptr<Store>> store = OpenSqliteStore(config.state_dir, std::move(*key));
  if (!store.ok()) return CannotOpen(store.error());
  return std::unique_ptr<ResetPlace>(std::make_unique<StorePlace>(std::move(*store)));
}

}  // namespace sparekey
