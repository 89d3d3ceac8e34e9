// SPDX-License-Identifier: Apache-2.0
// What the known PAM modules are to a login, and what they answer in the courses that it may take.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "cli/pam_stack.h"

namespace sparekey {

inline constexpr std::string_view kModule = "pam_sparekey.so";

bool IsSparekey(const PamLine& line);
bool IsBystander(const PamLine& line);  // proves nothing about who logs in
bool IsCondition(const PamLine& line);  // says yes to some accounts or places and no to others
// May be a first factor: whatever is not known to prove nothing.
bool IsFactor(const PamLine& line);

// One course of a login through the auth phase. Modules that are not named do what they do when
// nothing is special.
struct Course {
  const std::set<std::string>* passed = nullptr;  // first factors that accept; nullptr: all
  std::string condition;                          // a condition that says yes, else all say no
  PamCode sparekey = PamCode::kSuccess;
  bool conditions_hold = false;  // all say yes

  PamCode operator()(const PamLine& line) const;
};

}  // namespace sparekey
