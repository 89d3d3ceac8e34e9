// SPDX-License-Identifier: Apache-2.0
#include "core/policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace sparekey {
namespace {

constexpr auto kLongestSpan = std::chrono::seconds(900);

// The member that a pointer to member of Policy leads to.
template <typename T>
struct Member;
template <typename T>
struct Member<T Policy::*> {
  using Type = T;
};

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Error Refused(std::string_view name, std::string_view value, std::string_view range) {
  return Invalid(std::string(name) + ": \"" + std::string(value.substr(0, 64)) +
                 "\" is not possible; it takes " + std::string(range));
}

template <auto kMember>
std::string GetBool(const Policy& policy) {
  return policy.*kMember ? "true" : "false";
}

template <auto kMember>
Status SetBool(Policy& policy, std::string_view value) {
  if (value != "true" && value != "false") return Invalid("true or false");
  policy.*kMember = value == "true";
  return Ok();
}

template <auto kMember>
std::string GetNumber(const Policy& policy) {
  if constexpr (std::is_same_v<typename Member<decltype(kMember)>::Type, int>) {
    return std::to_string(policy.*kMember);
  } else {
    return std::to_string((policy.*kMember).count());
  }
}

// kOff: a value below kLow that is allowed too; kLow if there is none.
template <auto kMember, int kLow, int kHigh, int kOff = kLow>
Status SetNumber(Policy& policy, std::string_view value) {
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return Invalid("a whole number");
  if (number != kOff && (number < kLow || number > kHigh)) return Invalid("out of range");
  policy.*kMember = typename Member<decltype(kMember)>::Type(number);
  return Ok();
}

// Names of an enumeration, in the order of its values.
template <typename Enum>
constexpr std::array<std::string_view, 0> kNames{};
template <>
constexpr std::array<std::string_view, 2> kNames<OtpType>{"totp", "hotp"};
template <>
constexpr std::array<std::string_view, 3> kNames<HashAlgorithm>{"sha1", "sha256", "sha512"};
template <>
constexpr std::array<std::string_view, 3> kNames<LockoutScope>{"account", "admins", "system"};
template <>
constexpr std::array<std::string_view, 3> kNames<CloseGateOn>{"lockout", "super_lockout", "never"};
template <>
constexpr std::array<std::string_view, 2> kNames<SshKeys>{"require_code", "accept"};
template <>
constexpr std::array<std::string_view, 3> kNames<RequiredFor>{"enrolled", "groups", "everyone"};

template <auto kMember>
std::string GetName(const Policy& policy) {
  using Enum = typename Member<decltype(kMember)>::Type;
  return std::string(kNames<Enum>[static_cast<std::size_t>(policy.*kMember)]);
}

template <auto kMember>
Status SetName(Policy& policy, std::string_view value) {
  using Enum = typename Member<decltype(kMember)>::Type;
  for (std::size_t i = 0; i < kNames<Enum>.size(); ++i) {
    if (kNames<Enum>[i] != value) continue;
    policy.*kMember = static_cast<Enum>(i);
    return Ok();
  }
  return Invalid("not one of the names");
}

std::string GetAtEnrolment(const Policy& policy) {
  return policy.codes_at_enrolment ? "required" : "optional";
}

Status SetAtEnrolment(Policy& policy, std::string_view value) {
  if (value != "required" && value != "optional") return Invalid("not one of the names");
  policy.codes_at_enrolment = value == "required";
  return Ok();
}

std::string GetIssuer(const Policy& policy) { return policy.otp_issuer; }

Status SetIssuer(Policy& policy, std::string_view value) {
  if (!value.empty() && !IsLabel(value)) return Invalid("not a name");
  policy.otp_issuer = std::string(value);
  return Ok();
}

template <auto kMember>
std::string GetGroups(const Policy& policy) {
  std::string text;
  for (const std::string& group : policy.*kMember) {
    if (!text.empty()) text += ", ";
    text += group;
  }
  return text;
}

template <auto kMember>
Status SetGroups(Policy& policy, std::string_view value) {
  std::vector<std::string> groups;
  while (!value.empty()) {
    const auto comma = std::min(value.find(','), value.size());
    const std::string_view group = Trim(value.substr(0, comma));
    if (!group.empty()) {
      if (!IsAccountName(group)) return Invalid("not a group name");
      groups.emplace_back(group);
    }
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  policy.*kMember = std::move(groups);
  return Ok();
}

constexpr std::string_view kTrueFalse = "true, false";
constexpr std::string_view kGroupNames = "group names, comma separated";

template <auto kMember>
Setting Switch(std::string_view name, std::string_view meaning) {
  return {name, kTrueFalse, meaning, GetBool<kMember>, SetBool<kMember>};
}
template <auto kMember, int kLow, int kHigh, int kOff = kLow>
Setting Number(std::string_view name, std::string_view range, std::string_view meaning) {
  return {name, range, meaning, GetNumber<kMember>, SetNumber<kMember, kLow, kHigh, kOff>};
}
template <auto kMember>
Setting Choice(std::string_view name, std::string_view range, std::string_view meaning) {
  return {name, range, meaning, GetName<kMember>, SetName<kMember>};
}
template <auto kMember>
Setting Groups(std::string_view name, std::string_view meaning) {
  return {name, kGroupNames, meaning, GetGroups<kMember>, SetGroups<kMember>};
}

std::vector<Setting> MakeSettings() {
  using P = Policy;
  return {
      Switch<&P::enabled>("enabled", "two-factor logins at all"),
      Switch<&P::services_ssh>("services.ssh", "ask for codes at SSH logins"),
      Switch<&P::services_web>("services.web", "ask for codes at web logins"),
      Switch<&P::services_other>("services.other", "ask for codes elsewhere (sudo, su, ...)"),
      Choice<&P::otp_type>("otp.type", "totp, hotp", "type of new authenticators"),
      Number<&P::otp_digits, 6, 8>("otp.digits", "6..8", "digits of new authenticators' codes"),
      Number<&P::otp_interval, 5, 3600>("otp.interval", "5..3600",
                                        "seconds of a TOTP step of new authenticators"),
      Number<&P::otp_window, 0, 10>("otp.window", "0..10", "steps accepted on either side of now"),
      Choice<&P::otp_algorithm>("otp.algorithm", "sha1, sha256, sha512",
                                "hash of new authenticators; some apps know sha1 only"),
      {"otp.issuer", "1..64 characters without ':', or empty",
       "name shown in the authenticator app; empty: the host name", GetIssuer, SetIssuer},
      Number<&P::codes_count, 2, 30>("backup_codes.count", "2..30", "codes on a sheet"),
      Number<&P::codes_required, 1, 5>("backup_codes.required", "1..5, at most backup_codes.count",
                                       "codes that one recovery needs"),
      Number<&P::codes_max_attempts, 1, 100>("backup_codes.max_attempts", "1..100",
                                             "failed recoveries before a super-lockout"),
      {"backup_codes.at_enrolment", "required, optional",
       "must a sheet be taken to finish an enrolment", GetAtEnrolment, SetAtEnrolment},
      Number<&P::codes_low, 0, 30>("backup_codes.low", "0..backup_codes.count",
                                   "warn at this many codes left"),
      Number<&P::lockout_otp_attempts, 1, 100>("lockout.otp_attempts", "1..100",
                                               "wrong one-time codes in a row before a lockout"),
      Number<&P::lockout_otp_budget, 10, 1000, 0>(
          "lockout.otp_budget", "0 (off), 10..1000",
          "wrong one-time codes more than accepted logins before a lockout"),
      Choice<&P::lockout_scope>("lockout.scope", "account, admins, system",
                                "whom a super-lockout covers"),
      Choice<&P::ssh_close_gate_on>("ssh.close_gate_on", "lockout, super_lockout, never",
                                    "what closes the SSH gate"),
      Switch<&P::ssh_end_sessions>("ssh.end_sessions", "containment also ends live SSH sessions"),
      Choice<&P::ssh_keys>("ssh.keys", "require_code, accept",
                           "enrolled accounts that bring only a key"),
      Choice<&P::required_for>("required_for", "enrolled, groups, everyone",
                               "who needs a second factor"),
      Groups<&P::required_groups>("required_groups", "with required_for = groups"),
      Groups<&P::exempt_groups>("exempt_groups",
                                "members are not asked for codes (root always is)"),
      Groups<&P::admin_groups>("admin_groups", "members and uid 0 are administrators"),
  };
}

}  // namespace

const std::vector<Setting>& Settings() {
  static const std::vector<Setting> settings = MakeSettings();
  return settings;
}

const Setting* FindSetting(std::string_view name) {
  for (const Setting& setting : Settings()) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

Status SetSetting(Policy& policy, std::string_view name, std::string_view value) {
  const Setting* setting = FindSetting(name);
  if (setting == nullptr) {
    return Invalid("there is no setting \"" + std::string(name.substr(0, 64)) + "\"");
  }
  const Status status = setting->set(policy, Trim(value));
  return status ? Ok() : Status(Refused(name, value, setting->range));
}

Status CheckPolicy(const Policy& policy) {
  const auto span = policy.otp_interval * (2 * policy.otp_window + 1);
  if (span > kLongestSpan) {
    return Invalid("otp.interval x (2 otp.window + 1) is " + std::to_string(span.count()) +
                   " s; at most 900 s are possible");
  }
  if (policy.codes_required > policy.codes_count) {
    return Invalid("backup_codes.required is " + std::to_string(policy.codes_required) +
                   "; at most backup_codes.count (" + std::to_string(policy.codes_count) +
                   ") is possible");
  }
  if (policy.codes_low > policy.codes_count) {
    return Invalid("backup_codes.low is " + std::to_string(policy.codes_low) +
                   "; at most backup_codes.count (" + std::to_string(policy.codes_count) +
                   ") is possible");
  }
  return Ok();
}

}  // namespace sparekey
