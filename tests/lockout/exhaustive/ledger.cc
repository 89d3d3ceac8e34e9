// SPDX-License-Identifier: Apache-2.0
#include "tests/lockout/exhaustive/ledger.h"

namespace sparekey::testing {
namespace {

std::string DescribeCode(const TypedCode& code) {
  std::string text = std::to_string(code.digits) + " digits";
  if (!code.step) return text + " of no step";
  return text + " of step " + std::to_string(*code.step) + " of secret " +
         std::to_string(code.secret);
}

std::string DescribeSet(const TypedSet& set) {
  std::string text = "backup codes {";
  for (const auto& place : set.codes) text += place ? " " + std::to_string(*place) : " wrong";
  return text + " }" + (set.sheets_ago == 0 ? "" : " of the sheet before");
}

std::string DescribeVerb(const Input& input) {
  switch (input.verb) {
    case Verb::kOneTimeCode:
      return "types " + DescribeCode(input.code);
    case Verb::kBackupCodes:
      return "types " + DescribeSet(input.set);
    case Verb::kUnlock:
      return "is unlocked";
    case Verb::kBeginEnrolment:
      return "begins to enrol";
    case Verb::kFinishEnrolment:
      return "proves the new authenticator";
    case Verb::kAddAuthenticator:
      return "adds an authenticator";
    case Verb::kRemoveTwoFactor:
      return "is removed";
    case Verb::kNewSheet:
      return "takes a new sheet";
    case Verb::kCloseGate:
      return "gate is closed";
    case Verb::kOpenGate:
      return "gate is opened";
    case Verb::kFinishContainment:
      return "has no session any more";
    case Verb::kResetAccount:
      return "is reset at the console";
    case Verb::kResetSystem:
      return "is reset at the console (--system)";
  }
  return "";
}

}  // namespace

std::string Describe(const Input& input) {
  const std::string who = input.who == kNobody ? "the system" : input.who == kAda ? "ada" : "bob";
  const std::string when = ", clock at step " + std::to_string(input.clock);
  if (input.verb != Verb::kOneTimeCode && input.verb != Verb::kBackupCodes) {
    return who + " " + DescribeVerb(input) + when;
  }
  return who + " " + DescribeVerb(input) + " at " + std::string(ToString(input.door)) + when +
         (input.given_away ? ", name given away" : "");
}

}  // namespace sparekey::testing
