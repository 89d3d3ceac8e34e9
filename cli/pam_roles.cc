// SPDX-License-Identifier: Apache-2.0
#include "cli/pam_roles.h"

#include <algorithm>
#include <array>

namespace sparekey {
namespace {

template <std::size_t kCount>
bool IsOneOf(const std::array<std::string_view, kCount>& names, const PamLine& line) {
  return std::find(names.begin(), names.end(), line.module) != names.end();
}

}  // namespace

bool IsBystander(const PamLine& line) {
  static constexpr std::array<std::string_view, 25> kNames = {
      "pam_cap.so",       "pam_ecryptfs.so",      "pam_echo.so",     "pam_env.so",
      "pam_faildelay.so", "pam_gnome_keyring.so", "pam_issue.so",    "pam_keyinit.so",
      "pam_kwallet5.so",  "pam_lastlog.so",       "pam_limits.so",   "pam_loginuid.so",
      "pam_mail.so",      "pam_mount.so",         "pam_motd.so",     "pam_nologin.so",
      "pam_securetty.so", "pam_selinux.so",       "pam_sepermit.so", "pam_shells.so",
      "pam_tally2.so",    "pam_umask.so",         "pam_warn.so",     "pam_group.so",
      "pam_abl.so"};
  return IsOneOf(kNames, line);
}

bool IsCondition(const PamLine& line) {
  static constexpr std::array<std::string_view, 10> kNames = {
      "pam_access.so", "pam_exec.so",   "pam_listfile.so",   "pam_localuser.so", "pam_rootok.so",
      "pam_script.so", "pam_rhosts.so", "pam_succeed_if.so", "pam_time.so",      "pam_usertype.so"};
  return IsOneOf(kNames, line);
}

bool IsSparekey(const PamLine& line) { return line.module == kModule; }

bool IsFactor(const PamLine& line) {
  return !line.module.empty() && !IsSparekey(line) && !IsBystander(line) && !IsCondition(line) &&
         line.module != "pam_deny.so" && line.module != "pam_permit.so" &&
         line.module != "pam_faillock.so";
}

PamCode Course::operator()(const PamLine& line) const {
  if (IsSparekey(line)) return sparekey;
  if (line.module == "pam_deny.so") return PamCode::kAuthErr;
  if (line.module == "pam_faillock.so") {
    if (line.HasArgument("authfail")) return PamCode::kAuthErr;
    return line.HasArgument("authsucc") ? PamCode::kSuccess : PamCode::kIgnore;
  }
  if (IsBystander(line)) return PamCode::kIgnore;
  if (IsCondition(line)) {
    const bool holds = conditions_hold || line.module == condition;
    return holds ? PamCode::kSuccess : PamCode::kAuthErr;
  }
  if (line.module == "pam_permit.so") return PamCode::kSuccess;
  return passed == nullptr || passed->contains(line.module) ? PamCode::kSuccess : PamCode::kAuthErr;
}

}  // namespace sparekey
