// SPDX-License-Identifier: Apache-2.0
// sshd's PAM file: what the stack decides when each module answers so and so, not how its lines
// look.
#include <algorithm>
#include <set>

#include "cli/doctor.h"
#include "cli/pam_roles.h"

namespace sparekey {
namespace {

constexpr std::string_view kGuide =
    "See \"PAM lines for SSH\" in the administrator's guide and "
    "/usr/share/doc/sparekey/examples/pam.d.";

// What the module's account phase does for an enrolled account that no code was asked of.
constexpr std::string_view kLastDoor =
    "Only the account line still denies, and not with ssh.keys=accept.";

std::set<std::string> NamesAbove(const PamStack& stack, bool (*is_one)(const PamLine&)) {
  std::set<std::string> names;
  for (const PamLine& line : stack.lines) {
    if (IsSparekey(line)) break;
    if (is_one(line)) names.insert(line.module);
  }
  return names;
}

bool Has(const PamStack& stack) {
  return std::any_of(stack.lines.begin(), stack.lines.end(), IsSparekey);
}

bool HasOption(const PamStack& stack, std::string_view option) {
  return std::any_of(stack.lines.begin(), stack.lines.end(), [option](const PamLine& line) {
    return IsSparekey(line) && line.HasArgument(option);
  });
}

std::string Join(const std::set<std::string>& names) {
  return NameSome({names.begin(), names.end()});
}

// Whether a login gets to the code only where all conditions say yes ("requisite pam_access.so").
bool NeedsConditions(const PamStack& stack) {
  const PamOutcome usual = RunPamStack(stack, Course{});
  return !usual.accepted && !usual.Reached(stack, kModule);
}

// Ways past the code: a factor or a condition that ends the stack above sparekey.
void CheckNothingPasses(const PamStack& stack, Findings& findings) {
  std::set<std::string> past;
  std::set<std::string> some;
  const bool hold = NeedsConditions(stack);
  for (const std::string& factor : NamesAbove(stack, IsFactor)) {
    const std::set<std::string> one{factor};
    const PamOutcome outcome = RunPamStack(stack, Course{&one, "", PamCode::kSuccess, hold});
    if (outcome.accepted && !outcome.Reached(stack, kModule)) past.insert(factor);
  }
  for (const std::string& condition : NamesAbove(stack, IsCondition)) {
    const PamOutcome outcome = RunPamStack(stack, Course{nullptr, condition, PamCode::kSuccess});
    if (outcome.accepted && !outcome.Reached(stack, kModule)) some.insert(condition);
  }
  const PamOutcome usual = RunPamStack(stack, Course{nullptr, "", PamCode::kSuccess, hold});
  if (past.empty() && usual.accepted && !usual.Reached(stack, kModule)) {
    past = NamesAbove(stack, IsFactor);
  }
  if (!past.empty()) {
    findings.push_back(
        {"pam.code_passed_over", Severity::kProblem,
         "sshd's PAM stack ends above pam_sparekey.so when " + Join(past) +
             " accepts: no code is asked. " + std::string(kLastDoor),
         "Make the first factor \"requisite\" instead of \"sufficient\" or a jump. " +
             std::string(kGuide)});
  }
  if (!some.empty()) {
    findings.push_back(
        {"pam.code_passed_over_for_some", Severity::kWarning,
         Join(some) + " lets some accounts pass above pam_sparekey.so without a code.",
         "Better name them in the setting exempt_groups, which never covers root."});
  }
}

void CheckFirstFactor(const PamStack& stack, Findings& findings) {
  const std::set<std::string> factors = NamesAbove(stack, IsFactor);
  const std::set<std::string> none;
  const PamOutcome wrong =
      RunPamStack(stack, Course{&none, "", PamCode::kSuccess, NeedsConditions(stack)});
  if (factors.empty() && !HasOption(stack, "first_factor=none")) {
    findings.push_back(
        {"pam.no_first_factor", Severity::kWarning,
         "No module above pam_sparekey.so asks for a password: only who brings a key gets in.",
         "Right with AuthenticationMethods publickey,keyboard-interactive alone. Else put \"auth "
         "requisite pam_unix.so\" above it."});
  }
  if (!factors.empty() && wrong.Reached(stack, kModule)) {
    findings.push_back({"pam.first_factor_not_requisite", Severity::kProblem,
                        "After a wrong password (" + Join(factors) +
                            ") pam_sparekey.so still runs: who knows a name only could lock an "
                            "account.",
                        "Make the first factor \"requisite\": auth requisite pam_unix.so"});
  }
  if (!factors.empty() && wrong.accepted) {
    findings.push_back({"pam.wrong_password_accepted", Severity::kProblem,
                        "A wrong password with a right code is accepted.",
                        "Make the first factor \"requisite\": auth requisite pam_unix.so"});
  }
  if (HasOption(stack, "first_factor=none")) {
    findings.push_back(
        {"pam.first_factor_none", Severity::kWarning,
         "pam_sparekey.so has first_factor=none: a name is enough to count wrong codes "
         "and to lock an account.",
         "Take the option away, unless a module above proves a first factor that "
         "sparekey cannot see."});
  }
}

void CheckDenial(const PamStack& stack, Findings& findings) {
  std::vector<std::string> ways;
  for (const auto& [code, words] : {std::pair(PamCode::kAuthErr, "a wrong code"),
                                    std::pair(PamCode::kUnavailable, "a service that is down")}) {
    if (RunPamStack(stack, Course{nullptr, "", code, NeedsConditions(stack)}).accepted)
      ways.emplace_back(words);
  }
  if (ways.empty()) return;
  findings.push_back(
      {"pam.denial_ignored", Severity::kProblem,
       "sshd's auth phase accepts after " + NameSome(ways) + ". " + std::string(kLastDoor),
       "The line must be: auth required pam_sparekey.so"});
}

// The account phase denies key logins, closed gates and super-lockouts.
void CheckAccountPhase(const PamStack& stack, Findings& findings) {
  if (!Has(stack)) {
    findings.push_back({"pam.no_account_line", Severity::kProblem,
                        "sshd's PAM file has no account line of pam_sparekey.so: key logins pass "
                        "lockouts and the SSH gate.",
                        "Add above @include common-account: account required pam_sparekey.so"});
    return;
  }
  const auto usual = [](const PamLine& line) {
    return IsBystander(line) ? PamCode::kIgnore : PamCode::kSuccess;
  };
  const auto expired = [&usual](const PamLine& line) {
    return IsFactor(line) ? PamCode::kNewAuthtokReqd : usual(line);
  };
  const auto denied = [&usual](const PamLine& line) {
    return IsSparekey(line) ? PamCode::kPermDenied : usual(line);
  };
  if (!RunPamStack(stack, usual).Reached(stack, kModule) ||
      !RunPamStack(stack, expired).Reached(stack, kModule)) {
    findings.push_back(
        {"pam.account_passed_over", Severity::kProblem,
         "sshd's account phase may end above pam_sparekey.so, with an expired "
         "password for one: lockouts, SSH gate and the check of keys are passed over.",
         "Put \"account required pam_sparekey.so\" above @include common-account."});
  }
  if (RunPamStack(stack, denied).accepted) {
    findings.push_back({"pam.account_denial_ignored", Severity::kProblem,
                        "sshd's account phase lets in what pam_sparekey.so denies.",
                        "The line must be: account required pam_sparekey.so"});
  }
}

void CheckSharedFiles(const System& system, Findings& findings) {
  std::vector<std::string> with;
  for (const char* path :
       {"/etc/pam.d/common-auth", "/etc/pam.d/common-account", "/etc/pam.d/common-session",
        "/etc/pam.d/common-session-noninteractive", "/etc/pam.d/common-password",
        "/etc/pam.d/system-auth", "/etc/pam.d/password-auth", "/etc/pam.d/system-login"}) {
    for (const std::string& line : PlainLines(system.Read(path).value_or(""))) {
      if (line.find(kModule) != std::string::npos) {
        with.emplace_back(path);
        break;
      }
    }
  }
  if (with.empty()) return;
  findings.push_back(
      {"pam.shared_file", Severity::kProblem,
       NameSome(with) + " names pam_sparekey.so: every service that includes it asks "
                        "for codes, those that cannot ask break.",
       "Put its lines into the files of the services that need it: /etc/pam.d/sshd."});
}

void CheckModuleFile(const System& system, const std::string& path, Findings& findings) {
  std::vector<std::string> places = {path};
  if (!path.starts_with('/')) {
    places.clear();
    for (const char* pattern : {"/usr/lib/*/security/", "/lib/*/security/", "/usr/lib64/security/",
                                "/lib64/security/", "/usr/lib/security/", "/lib/security/"}) {
      for (const std::string& place : system.List(pattern + path)) places.push_back(place);
    }
  }
  for (const std::string& place : places) {
    const FileFacts facts = system.look(place);
    if (facts.kind == FileKind::kMissing) continue;
    if (facts.owner == 0 && (facts.kind == FileKind::kLink || (facts.mode & 022) == 0)) return;
    findings.push_back({"pam.module_file", Severity::kProblem,
                        place + " must be root's and writable by nobody else.",
                        "Run: chown root:root " + place + " && chmod 644 " + place});
    return;
  }
  findings.push_back({"pam.module_missing", Severity::kProblem,
                      "There is no " + path + " where PAM looks for it: PAM denies every login.",
                      "Install sparekey, or take its lines out of /etc/pam.d/sshd."});
}

void CheckLines(const System& system, const PamStack& auth, const PamStack& account,
                const PamStack& session, Findings& findings) {
  if (Has(auth)) {
    CheckNothingPasses(auth, findings);
    CheckFirstFactor(auth, findings);
    CheckDenial(auth, findings);
  } else {
    findings.push_back({"pam.no_auth_line", Severity::kProblem,
                        "sshd's PAM file has no auth line of pam_sparekey.so: no code is asked.",
                        "Add behind the first factor: auth required pam_sparekey.so"});
  }
  CheckAccountPhase(account, findings);
  if (!Has(session)) {
    findings.push_back(
        {"pam.no_session_line", Severity::kWarning,
         "sshd's PAM file has no session line of pam_sparekey.so: a lockout cannot end "
         "live SSH sessions.",
         "Add: session optional pam_sparekey.so"});
  }
  std::set<std::string> paths;
  for (const PamStack* stack : {&auth, &account, &session}) {
    for (const PamLine& line : stack->lines) {
      if (IsSparekey(line)) paths.insert(line.path);
    }
  }
  for (const std::string& path : paths) CheckModuleFile(system, path, findings);
}

// The service by which sparekeyd, as root, asks for the password of an account's owner.
void CheckOwnService(const System& system, Findings& findings) {
  if (FindPamFile(system, "sparekey").empty()) return;
  const PamStack stack = ReadPamStack(system, "sparekey", "auth");
  const std::set<std::string> none;
  std::set<std::string> conditions = NamesAbove(stack, IsCondition);
  conditions.insert("");
  for (const std::string& condition : conditions) {
    if (!RunPamStack(stack, Course{&none, condition, PamCode::kSuccess}).accepted) continue;
    findings.push_back({"pam.own_service", Severity::kProblem,
                        "PAM's service sparekey accepts without a password" +
                            (condition.empty() ? "" : " (" + condition + ')') +
                            ": whoever has a user's uid could change his two-factor login.",
                        "Take /etc/pam.d/sparekey away: the installed one is in /usr/lib/pam.d."});
    return;
  }
}

}  // namespace

Findings CheckPam(const System& system, const OwnFacts& own) {
  Findings findings;
  CheckSharedFiles(system, findings);
  CheckOwnService(system, findings);
  if (FindSshd(system).empty()) return findings;
  const PamStack auth = ReadPamStack(system, "sshd", "auth");
  const PamStack account = ReadPamStack(system, "sshd", "account");
  const PamStack session = ReadPamStack(system, "sshd", "session");
  for (const PamStack* stack : {&auth, &account, &session}) {
    if (stack->faults.empty()) continue;
    findings.push_back({"pam.unreadable", Severity::kProblem,
                        "sshd's PAM file cannot be understood: " + stack->faults.front() + '.',
                        "PAM denies every SSH login until it is put right."});
    return findings;
  }
  if (!Has(auth) && !Has(account) && !Has(session)) {
    const bool enrolled = std::any_of(own.accounts.begin(), own.accounts.end(),
                                      [](const AccountFacts& a) { return a.active; });
    findings.push_back({"pam.not_used", enrolled ? Severity::kProblem : Severity::kWarning,
                        "SSH asks for no code: /etc/pam.d/sshd does not name pam_sparekey.so.",
                        std::string(kGuide)});
    return findings;
  }
  CheckLines(system, auth, account, session, findings);
  if (findings.empty()) {
    findings.push_back({"pam.order", Severity::kOk,
                        "PAM: the code comes after the first factor; account and session lines are "
                        "in place.",
                        ""});
  }
  return findings;
}

}  // namespace sparekey
