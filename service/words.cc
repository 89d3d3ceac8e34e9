// SPDX-License-Identifier: Apache-2.0
#include "service/words.h"

#include "service/logging.h"

namespace sparekey {
namespace {

std::string Codes(int count) {
  return std::to_string(count) + (count == 1 ? " backup code" : " backup codes");
}

std::string SayLocked(const WordsContext& context) {
  if (context.recovery_possible) {
    return "Too many wrong codes. Enter " + Codes(context.required) + " to get back in.";
  }
  return "Too many wrong codes. An administrator can unlock this account with: sparekey user "
         "unlock " +
         context.account;
}

std::string SaySuperLocked(const WordsContext& context) {
  const std::string whose = context.whole_system
                                ? "Logins are disabled on this system."
                                : "Logins of " + context.account + " are disabled.";
  return whose + " Reset it at the local console with: sparekey console";
}

std::string SayGateClosed(const WordsContext& context) {
  std::string since;
  if (context.gate_since) since = " since " + FormatLocalTime(*context.gate_since);
  return "SSH is disabled" + since +
         ". An administrator can enable it in the web console under Two-Factor Authentication, "
         "or at the local console.";
}

// "" where enough are left and nothing else is told.
std::string SayCodesLeft(const WordsContext& context, bool always) {
  if (!context.has_sheet) {
    return "You have no backup codes. Get a sheet: sparekey codes new " + context.account;
  }
  if (!context.codes_low && !always) return "";
  const std::string left = Codes(context.codes_left) + " left.";
  return context.codes_low ? left + " Get a new sheet: sparekey codes new " + context.account
                           : left;
}

std::string From(const std::string& host) {
  return host.empty() ? "" : " from " + EscapeForLog(host);
}

// What the owner may not have done.
std::string SayNotice(const WordsContext& context) {
  const OwnerNotice& notice = context.notice;
  std::string text;
  if (notice.failures > 0 && notice.last_failure) {
    text = std::to_string(notice.failures) +
           (notice.failures == 1 ? " failed attempt" : " failed attempts") +
           " since your last login" +
           (context.last_login ? " (" + FormatLocalTime(*context.last_login) + ")" : "") +
           (notice.failures == 1 ? ": " : ", the last: ") + FormatLocalTime(*notice.last_failure) +
           From(notice.last_host) + ". ";
  }
  if (notice.recovery) {
    text += "Backup codes were used to sign in: " + FormatLocalTime(*notice.recovery) +
            From(notice.recovery_host) + ". ";
  }
  return text;
}

std::string SayAccepted(const WordsContext& context) {
  const std::string notice = SayNotice(context);
  if (!context.enrolled) return "";
  std::string text = notice + SayCodesLeft(context, !notice.empty());
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

std::string SayRecovered(const WordsContext& context) {
  return SayNotice(context) + "You signed in with backup codes. " + SayCodesLeft(context, true);
}

}  // namespace

WordsContext MakeWords(const Policy& policy, const Account* account, const SystemState& system,
                       const std::string& name, bool recovery_allowed) {
  WordsContext words;
  words.account = name;
  words.required = policy.codes_required;
  words.whole_system = system.super_locked.has_value();
  if (system.gate) words.gate_since = system.gate->since;
  if (account == nullptr) return words;
  words.enrolled = account->enrolment() == Enrolment::kActive;
  words.must_enrol = account->must_enrol;
  words.has_sheet = account->sheet.has_value();
  if (account->sheet) words.codes_left = account->sheet->CodesLeft();
  words.codes_low = AreCodesLow(policy, words.codes_left);
  words.recovery_possible = recovery_allowed && words.codes_left >= policy.codes_required;
  words.one_more_locks =
      !account->locked && account->otp_failures + 1 == policy.lockout_otp_attempts;
  if (!words.gate_since && account->gate) words.gate_since = account->gate->since;
  return words;
}

std::string Say(Reason reason, const WordsContext& context) {
  switch (reason) {
    case Reason::kAccepted:
      return SayAccepted(context);
    case Reason::kNotRequired:
    case Reason::kConsole:
      return "";
    case Reason::kRecovered:
      return SayRecovered(context);
    case Reason::kWrongCode:
    case Reason::kReplay:
      return std::string("That code is wrong or no longer valid.") +
             (context.one_more_locks ? " One more wrong code locks this account." : "");
    case Reason::kWrongCodes:
      return "These codes were not accepted. None of them was used up. Check them against your "
             "current sheet.";
    case Reason::kNotAnAttempt:
      if (context.recovering && context.codes_left < context.required) {
        return "Fewer than " + Codes(context.required) +
               " are left for this account. An administrator can make a new sheet with: sparekey "
               "codes new " +
               context.account;
      }
      return "That is neither a one-time code nor a set of backup codes. It was not counted.";
    case Reason::kLocked:
      return SayLocked(context);
    case Reason::kSuperLocked:
      return SaySuperLocked(context);
    case Reason::kGateClosed:
      return SayGateClosed(context);
    case Reason::kKeyOnly:
      return "A key alone is not enough for this account. The SSH server must ask for a code "
             "too: AuthenticationMethods publickey,keyboard-interactive";
    case Reason::kNotEnrolled:
      return "This account needs two-factor login and is not enrolled yet. Enrol it in the web "
             "console, or ask an administrator to run: sparekey user enroll " +
             context.account;
    case Reason::kIdentityChanged:
      return "The name or number of this account has changed hands. An administrator must enrol "
             "it anew.";
    case Reason::kClockWrong:
      return "System clock wrong: one-time codes cannot be checked. Backup codes still work.";
  }
  return "";
}

std::string BackupPrompt(int number, int required) {
  return "Backup code " + std::to_string(number) + " of " + std::to_string(required) + ": ";
}

}  // namespace sparekey
