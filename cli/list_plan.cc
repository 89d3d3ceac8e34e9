// SPDX-License-Identifier: Apache-2.0
#include "cli/list_plan.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <utility>

#include "core/base32.h"

namespace sparekey {
namespace {

constexpr std::chrono::seconds kLongestReach{900};
constexpr char kUsualLabel[] = "authenticator";

// As sparekeyd names itself where the settings name no issuer.
std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

int NumberOfOption(const Invocation& invocation, const char* name) {
  const std::string text = invocation.Get(name).value_or("");
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

ListEntry ReadOptions(const Invocation& invocation) {
  ListEntry options;
  options.label = invocation.Get("label");
  if (const auto type = invocation.Get("type")) options.type = ParseOtpType(*type);
  if (const auto hash = invocation.Get("algorithm")) options.algorithm = ParseHashAlgorithm(*hash);
  if (invocation.Has("digits")) options.digits = NumberOfOption(invocation, "digits");
  if (invocation.Has("interval")) {
    options.interval = std::chrono::seconds(NumberOfOption(invocation, "interval"));
  }
  return options;
}

template <typename Value>
Value Choose(const std::optional<Value>& line, const std::optional<Value>& option, Value usual) {
  return line ? *line : option.value_or(std::move(usual));
}

template <typename Value>
bool SaysOtherwise(const std::optional<Value>& line, const std::optional<Value>& option,
                   const Value& is) {
  return Choose(line, option, is) != is;
}

Error DoesNotFit(const ListEntry& entry, const std::string& why) {
  return Invalid("line " + std::to_string(entry.line) + ", " + why);
}

Status CheckFit(const ListPlan& plan, const ListEntry& entry, const Authenticator& one) {
  if (one.type == OtpType::kHotp && entry.interval) {
    return DoesNotFit(entry, "interval: is for totp; hotp counts");
  }
  if (one.type == OtpType::kTotp && entry.counter) {
    return DoesNotFit(entry, "counter: is for hotp; totp goes by the clock");
  }
  if (one.type == OtpType::kTotp &&
      one.interval * (2 * plan.policy.otp_window + 1) > kLongestReach) {
    return DoesNotFit(entry, "interval: " + std::to_string(one.interval.count()) +
                                 " s are too long for the setting otp.window " +
                                 std::to_string(plan.policy.otp_window) + " (" +
                                 std::to_string(kLongestReach.count()) + " s with all steps)");
  }
  return Ok();
}

}  // namespace

Result<ListPlan> LoadListPlan(Api& api, const Invocation& invocation) {
  const Answer answer = api.Get("/v1/settings");
  if (!answer.ok()) return Error{ErrorCode::kUnavailable, answer.failure->message};
  ListPlan plan;
  for (const Json& setting : ListOf(answer.body.Expose(), "settings")) {
    const std::string name = TextOf(setting, "name");
    if (FindSetting(name) == nullptr) continue;  // a newer service's
    const Status set = SetSetting(plan.policy, name, TextOf(setting, "value"));
    if (!set) return Error{ErrorCode::kUnavailable, set.error().message};
  }
  plan.issuer = plan.policy.otp_issuer.empty() ? HostName() : plan.policy.otp_issuer;
  plan.options = ReadOptions(invocation);
  return plan;
}

Result<Authenticator> PlanAuthenticator(const ListPlan& plan, const ListEntry& entry) {
  const ListEntry& options = plan.options;
  Authenticator one;
  one.label = Choose(entry.label, options.label, std::string(kUsualLabel));
  one.type = Choose(entry.type, options.type, plan.policy.otp_type);
  one.algorithm = Choose(entry.algorithm, options.algorithm, plan.policy.otp_algorithm);
  one.digits = Choose(entry.digits, options.digits, plan.policy.otp_digits);
  if (one.type == OtpType::kTotp) {
    one.interval = Choose(entry.interval, options.interval, plan.policy.otp_interval);
  }
  if (entry.counter) one.mark = *entry.counter - 1;
  one.secret = entry.secret.Clone();
  if (const Status fits = CheckFit(plan, entry, one); !fits) return fits.error();
  return one;
}

Result<Authenticator> PlanFromFile(const ListPlan& plan, const ListEntry& entry,
                                   const OtpauthUri& uri) {
  const ListEntry& options = plan.options;
  Authenticator one = uri.authenticator.Clone();
  one.label = Choose(entry.label, options.label, std::string(kUsualLabel));
  const bool is_totp = one.type == OtpType::kTotp;
  const bool otherwise =
      SaysOtherwise(entry.type, options.type, one.type) ||
      SaysOtherwise(entry.algorithm, options.algorithm, one.algorithm) ||
      SaysOtherwise(entry.digits, options.digits, one.digits) ||
      (is_totp && SaysOtherwise(entry.interval, options.interval, one.interval)) ||
      (!is_totp && entry.counter && *entry.counter != one.mark + 1);
  if (otherwise)
    return Invalid("was made with another type, digits, interval, algorithm or counter");
  if (const Status fits = CheckFit(plan, entry, one); !fits) return fits.error();
  return one;
}

Json DescribeListed(const std::string& account, const Authenticator& authenticator) {
  Json listed{{"account", account},
              {"label", authenticator.label},
              {"type", ToString(authenticator.type)},
              {"digits", authenticator.digits},
              {"algorithm", ToString(authenticator.algorithm)}};
  if (authenticator.type == OtpType::kTotp) {
    listed["interval"] = authenticator.interval.count();
  } else {
    listed["counter"] = authenticator.mark + 1;
  }
  SetSecret(listed, "secret", EncodeBase32(authenticator.secret.Expose()));
  return listed;
}

}  // namespace sparekey
