// SPDX-License-Identifier: Apache-2.0
#include "core/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sparekey {
namespace {

using ::testing::HasSubstr;

TEST(Settings, HaveTheDefaultsOfTheDesign) {
  const std::map<std::string, std::string> expected = {
      {"enabled", "true"},
      {"services.ssh", "true"},
      {"services.web", "true"},
      {"services.other", "true"},
      {"otp.type", "totp"},
      {"otp.digits", "6"},
      {"otp.interval", "30"},
      {"otp.window", "1"},
      {"otp.algorithm", "sha1"},
      {"otp.issuer", ""},
      {"backup_codes.count", "10"},
      {"backup_codes.required", "2"},
      {"backup_codes.max_attempts", "10"},
      {"backup_codes.at_enrolment", "required"},
      {"backup_codes.low", "3"},
      {"lockout.otp_attempts", "5"},
      {"lockout.otp_budget", "100"},
      {"lockout.scope", "admins"},
      {"ssh.close_gate_on", "super_lockout"},
      {"ssh.end_sessions", "true"},
      {"ssh.keys", "require_code"},
      {"required_for", "enrolled"},
      {"required_groups", ""},
      {"exempt_groups", ""},
      {"admin_groups", "sudo, wheel, admin"},
  };
  std::map<std::string, std::string> found;
  for (const Setting& setting : Settings()) {
    found[std::string(setting.name)] = setting.get(Policy{});
  }
  EXPECT_EQ(found, expected);
}

TEST(Settings, AreReadBackAsTheyWereSet) {
  const std::vector<std::pair<std::string, std::string>> values = {
      {"enabled", "false"},         {"services.ssh", "false"},
      {"otp.type", "hotp"},         {"otp.digits", "8"},
      {"otp.interval", "3600"},     {"otp.window", "0"},
      {"otp.algorithm", "sha512"},  {"otp.issuer", "My NAS"},
      {"backup_codes.count", "30"}, {"backup_codes.at_enrolment", "optional"},
      {"lockout.otp_budget", "0"},  {"lockout.otp_budget", "1000"},
      {"lockout.scope", "system"},  {"ssh.close_gate_on", "never"},
      {"ssh.keys", "accept"},       {"required_for", "groups"},
      {"required_groups", "a, b"},  {"backup_codes.max_attempts", "1"},
  };
  for (const auto& [name, value] : values) {
    Policy policy;
    ASSERT_TRUE(SetSetting(policy, name, value)) << name;
    EXPECT_EQ(FindSetting(name)->get(policy), value);
  }
}

TEST(SetSetting, RefusesWhatIsOutOfRangeAndNamesTheRange) {
  const std::vector<std::array<std::string, 3>> refused = {
      {"enabled", "yes", "true, false"},
      {"otp.digits", "5", "6..8"},
      {"otp.digits", "9", "6..8"},
      {"otp.digits", "6x", "6..8"},
      {"otp.digits", "", "6..8"},
      {"otp.digits", "99999999999", "6..8"},
      {"otp.interval", "4", "5..3600"},
      {"otp.interval", "3601", "5..3600"},
      {"otp.window", "-1", "0..10"},
      {"otp.window", "11", "0..10"},
      {"otp.type", "TOTP", "totp, hotp"},
      {"otp.algorithm", "md5", "sha1, sha256, sha512"},
      {"otp.issuer", "a:b", "without ':'"},
      {"backup_codes.count", "1", "2..30"},
      {"backup_codes.count", "31", "2..30"},
      {"backup_codes.required", "0", "1..5"},
      {"backup_codes.required", "6", "1..5"},
      {"backup_codes.max_attempts", "0", "1..100"},
      {"backup_codes.max_attempts", "101", "1..100"},
      {"backup_codes.at_enrolment", "never", "required, optional"},
      {"backup_codes.low", "-1", "0..backup_codes.count"},
      {"lockout.otp_attempts", "0", "1..100"},
      {"lockout.otp_attempts", "101", "1..100"},
      {"lockout.otp_budget", "1", "0 (off), 10..1000"},
      {"lockout.otp_budget", "9", "0 (off), 10..1000"},
      {"lockout.otp_budget", "1001", "0 (off), 10..1000"},
      {"lockout.scope", "everybody", "account, admins, system"},
      {"ssh.close_gate_on", "", "lockout, super_lockout, never"},
      {"ssh.keys", "deny", "require_code, accept"},
      {"required_for", "all", "enrolled, groups, everyone"},
      {"admin_groups", "a b", "group names"},
  };
  for (const auto& [name, value, range] : refused) {
    Policy policy;
    const Status status = SetSetting(policy, name, value);
    ASSERT_FALSE(status) << name << "=" << value;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(status.error().message, HasSubstr(name));
    EXPECT_THAT(status.error().message, HasSubstr(range));
    EXPECT_EQ(FindSetting(name)->get(policy), FindSetting(name)->get(Policy{}));
  }
}

TEST(SetSetting, NamesASettingThatDoesNotExist) {
  Policy policy;
  const Status status = SetSetting(policy, "otp.colour", "red");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("otp.colour"));
}

TEST(CheckPolicy, HoldsTheLimitsThatTieSettingsTogether) {
  EXPECT_TRUE(CheckPolicy(Policy{}));
  Policy span;
  span.otp_interval = std::chrono::seconds(300);
  EXPECT_TRUE(CheckPolicy(span));
  span.otp_window = 2;
  EXPECT_THAT(CheckPolicy(span).error().message, HasSubstr("900"));
  Policy required;
  required.codes_count = 2;
  required.codes_low = 0;
  required.codes_required = 3;
  EXPECT_THAT(CheckPolicy(required).error().message, HasSubstr("backup_codes.required"));
  Policy low;
  low.codes_low = 11;
  EXPECT_THAT(CheckPolicy(low).error().message, HasSubstr("backup_codes.low"));
}

}  // namespace
}  // namespace sparekey
