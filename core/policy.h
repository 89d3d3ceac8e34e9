// SPDX-License-Identifier: Apache-2.0
// The settings: one table of names, defaults, ranges and meanings that the store, the API, the
// command line and the web console share.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/account.h"
#include "core/result.h"

namespace sparekey {

enum class LockoutScope : std::uint8_t { kAccount, kAdmins, kSystem };
enum class CloseGateOn : std::uint8_t { kLockout, kSuperLockout, kNever };
enum class SshKeys : std::uint8_t { kRequireCode, kAccept };
enum class RequiredFor : std::uint8_t { kEnrolled, kGroups, kEveryone };

inline constexpr int kHotpLookAhead = 10;

struct Policy {
  bool enabled = true;
  bool services_ssh = true;
  bool services_web = true;
  bool services_other = true;
  OtpType otp_type = OtpType::kTotp;
  int otp_digits = 6;
  std::chrono::seconds otp_interval{30};
  int otp_window = 1;
  HashAlgorithm otp_algorithm = HashAlgorithm::kSha1;
  std::string otp_issuer;  // empty: the host name
  int codes_count = 10;
  int codes_required = 2;
  int codes_max_attempts = 10;
  bool codes_at_enrolment = true;  // required
  int codes_low = 3;
  int lockout_otp_attempts = 5;
  int lockout_otp_budget = 100;  // 0: off
  LockoutScope lockout_scope = LockoutScope::kAdmins;
  CloseGateOn ssh_close_gate_on = CloseGateOn::kSuperLockout;
  bool ssh_end_sessions = true;
  SshKeys ssh_keys = SshKeys::kRequireCode;
  RequiredFor required_for = RequiredFor::kEnrolled;
  std::vector<std::string> required_groups;
  std::vector<std::string> exempt_groups;
  std::vector<std::string> admin_groups{"sudo", "wheel", "admin"};
};

// One row of the table. Values travel as text: "true", "30", "admins", "sudo, wheel".
struct Setting {
  std::string_view name;     // "lockout.otp_attempts"
  std::string_view range;    // "1..100", "account, admins, system", "group names"
  std::string_view meaning;  // one line for people
  std::string (*get)(const Policy& policy);
  Status (*set)(Policy& policy, std::string_view value);  // call SetSetting instead
};

const std::vector<Setting>& Settings();
const Setting* FindSetting(std::string_view name);

// kInvalid with the name, the refused value and the range in the message; then nothing is changed.
Status SetSetting(Policy& policy, std::string_view name, std::string_view value);

// Limits that tie settings to each other: interval x (2 window + 1) <= 900 s, required <= count,
// low <= count.
Status CheckPolicy(const Policy& policy);

}  // namespace sparekey
