// SPDX-License-Identifier: Apache-2.0
#include "cli/way_out.h"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "cli/local_users.h"
#include "core/policy.h"

namespace sparekey {
namespace {

constexpr char kNotChecked[] = "way_out.not_checked";

bool IsConsole(const ConsoleConfig& config, const std::string& terminal) {
  return std::any_of(config.ttys.begin(), config.ttys.end(), [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), terminal.c_str(), FNM_PATHNAME) == 0;
  });
}

bool AsksForNames(const std::string& program) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "agetty", "getty", "login", "mgetty", "mingetty", "fgetty", "uugetty", "ngetty"};
  return std::find(kNames.begin(), kNames.end(), program) != kNames.end();
}

// "serial-getty@ttyS0.service loaded active running …"
void TakeUnits(const System& system, const ConsoleConfig& config, std::set<std::string>& found) {
  if (!system.Exists("/run/systemd/system")) return;
  const CommandResult units =
      system.run({"/usr/bin/systemctl", "list-units", "--no-legend", "--plain", "--no-pager",
                  "--type=service", "--state=active", "getty@*", "serial-getty@*"});
  for (const std::string& line : PlainLines(units.out)) {
    const std::string unit = SplitWords(line)[0];
    const auto at = unit.find('@'), end = unit.rfind(".service");
    if (at == std::string::npos || end == std::string::npos || end <= at) continue;
    const std::string terminal = unit.substr(at + 1, end - at - 1);
    if (IsConsole(config, terminal)) found.insert(terminal);
  }
}

// inittab(5) of sysvinit and busybox: id:runlevels:action:process
void TakeInittab(const System& system, const ConsoleConfig& config, std::set<std::string>& found) {
  for (const std::string& line : PlainLines(system.Read("/etc/inittab").value_or(""))) {
    const auto fields = SplitFields(line, ':');
    if (fields.size() < 4 || (fields[2] != "respawn" && fields[2] != "askfirst")) continue;
    auto words = SplitWords(fields[3]);
    if (words.empty() || !AsksForNames(words[0].substr(words[0].rfind('/') + 1))) continue;
    words.push_back(fields[0]);  // busybox: the terminal itself
    for (const std::string& word : words) {
      if (IsConsole(config, word)) found.insert(word);
    }
  }
}

std::set<std::string> FindTerminals(const System& system, const ConsoleConfig& config) {
  std::set<std::string> found;
  for (const TerminalProcess& process : system.list_terminals()) {
    if (AsksForNames(process.program) && IsConsole(config, process.terminal)) {
      found.insert(process.terminal);
    }
  }
  if (found.empty()) TakeUnits(system, config, found);
  if (found.empty()) TakeInittab(system, config, found);
  return found;
}

Finding JudgeTerminals(const System& system, const ConsoleConfig& config) {
  const std::set<std::string> terminals = FindTerminals(system, config);
  if (!terminals.empty()) {
    return {"way_out.console", Severity::kOk,
            "The local console takes logins at " +
                NameSome({terminals.begin(), terminals.end()}, 4) + '.',
            ""};
  }
  if (config.allow_root) {
    return {"way_out.no_console", Severity::kWarning,
            "No terminal of console.ttys takes logins; any root shell may reset "
            "(console.allow=root).",
            "Know how to get a root shell here while SSH is shut: docker exec, the host, a rescue "
            "boot."};
  }
  return {"way_out.no_console", Severity::kProblem,
          "No terminal of console.ttys takes logins: SSH is the only door, and nobody could end a "
          "super-lockout.",
          "Start one: systemctl enable --now getty@tty1 (serial line: serial-getty@ttyS0). A "
          "machine without a console: console.allow = root in sparekey.conf."};
}

Finding JudgeAdministrators(const System& system, const std::vector<std::string>& groups) {
  const LocalUsers users(system);
  if (!users.sees_passwords()) {
    return {kNotChecked, Severity::kWarning,
            "Whether an administrator has a local password could not be checked.",
            "Run doctor as root."};
  }
  const bool climbs = system.Exists("/usr/bin/sudo") || system.Exists("/usr/bin/doas");
  std::vector<std::string> able;
  for (const LocalUser& user : users.all()) {
    const bool member = std::any_of(groups.begin(), groups.end(), [&](const std::string& group) {
      return users.IsMember(user, group);
    });
    if (user.has_shell && user.has_password && (user.uid == 0 || (member && climbs))) {
      able.push_back(user.name);
    }
  }
  if (able.empty()) {
    return {"way_out.no_administrator", Severity::kProblem,
            "No administrator has a local password: nobody could log in at the console when SSH is "
            "shut.",
            climbs ? "Give one to root (passwd root) or to a member of " + NameSome(groups) +
                         " who may use sudo."
                   : "Give one to root (passwd root): nobody else could use sudo or doas here."};
  }
  return {"way_out.administrator", Severity::kOk,
          "With a local password at the console: " + NameSome(able) + '.', ""};
}

// An administrator other than `name` in a page of accounts.
bool IsAnotherEnrolled(const Json& page, const std::string& name) {
  const Json& accounts = ListOf(page, "accounts");
  return std::any_of(accounts.begin(), accounts.end(), [&](const Json& other) {
    return TextOf(other, "account") != name && FlagOf(other, "administrator") &&
           TextOf(other, "enrolment") == "active";
  });
}

// Where they may not be read, as they are by default.
std::vector<std::string> ReadAdminGroups(Api& api) {
  const Answer settings = api.Get("/v1/settings");
  Policy policy;
  for (const Json& setting : ListOf(settings.body.Expose(), "settings")) {
    if (TextOf(setting, "name") != "admin_groups") continue;
    (void)SetSetting(policy, "admin_groups", TextOf(setting, "value"));
  }
  return policy.admin_groups;
}

}  // namespace

Findings CheckWayOut(const System& system, const WayOutFacts& facts) {
  Findings findings = {JudgeTerminals(system, facts.console),
                       JudgeAdministrators(system, facts.admin_groups)};
  const bool console = findings[0].severity == Severity::kOk;
  if (console && facts.console.allow_root) {
    findings.push_back({"way_out.allow_root", Severity::kWarning,
                        "Any root shell may make a console reset, also one over SSH "
                        "(console.allow=root), though there is a console.",
                        "Take console.allow out of sparekey.conf."});
  }
  return findings;
}

Findings FindAgainstWayOut(const System& system, const WayOutFacts& facts) {
  Findings against = CheckWayOut(system, facts);
  std::erase_if(against, [](const Finding& one) { return one.severity == Severity::kOk; });
  for (Finding& one : against) {
    if (one.id == kNotChecked) one.advice = "Ask root to run: sparekey doctor";
  }
  return against;
}

void SayWayOut(const Context& context, Api& api, const std::string& name) {
  const Answer shown = api.Get(AccountTarget(name));
  if (!shown.ok() || !FlagOf(shown.body.Expose(), "administrator")) return;
  const Answer page = api.Get("/v1/accounts?limit=1000");
  // Who is not root may not know who else is enrolled, and is told as if nobody were.
  const bool refused = !page.ok() && page.failure->status == ExitStatus::kNotAllowed;
  if (!page.ok() && !refused) return;
  if (IsAnotherEnrolled(page.body.Expose(), name)) return;
  const WayOutFacts facts{context.config.console, ReadAdminGroups(api)};
  const Findings against = FindAgainstWayOut(RealSystem(), facts);
  if (against.empty()) return;
  Say("Before you rely on it: is there a way in when SSH is shut?");
  std::string text = ToText(against, WidthOf(STDERR_FILENO), STDERR_FILENO);
  text.pop_back();  // Say ends the line
  Say(text);
}

}  // namespace sparekey
