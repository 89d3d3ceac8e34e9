// SPDX-License-Identifier: Apache-2.0
// sshd's own word about its settings (sshd -T), for the accounts that it matters for.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "cli/doctor.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostUsers = 50;
constexpr std::size_t kMostAddresses = 10;
constexpr std::string_view kOutside = "203.0.113.7";  // RFC 5737: nobody's

using Settings = std::map<std::string, std::string>;

// "keyword value…" lines.
Settings ParseSettings(const std::string& text) {
  Settings settings;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    if (space != std::string::npos) settings[line.substr(0, space)] = line.substr(space + 1);
  }
  return settings;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// What the configuration files' Match lines ask about.
struct MatchLines {
  bool any = false;
  std::vector<std::string> addresses;  // one of each Address pattern that names one
};

bool IsAddress(const std::string& text) {
  in6_addr address{};  // room for both kinds
  return inet_pton(AF_INET, text.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

// "10.0.0.0/8,!10.1.0.0/16" holds 10.0.0.0. A pattern with wildcards names none, nor does a word
// like "cafe", on which sshd -T would fail.
void TakeAddresses(const std::string& list, MatchLines& lines) {
  for (const std::string& pattern : SplitFields(list, ',')) {
    const std::string address = pattern.substr(0, pattern.find('/'));
    if (IsAddress(address) && lines.addresses.size() < kMostAddresses) {
      lines.addresses.push_back(address);
    }
  }
}

void ReadMatchLines(const System& system, const std::string& pattern, int depth,
                    MatchLines& lines) {
  const bool relative = !pattern.starts_with('/');
  for (const std::string& path : system.List((relative ? "/etc/ssh/" : "") + pattern)) {
    for (const std::string& line : PlainLines(system.Read(path).value_or(""))) {
      const std::vector<std::string> words = SplitWords(line);
      const std::string keyword = Lower(words[0]);
      if (keyword == "match") lines.any = true;
      for (std::size_t i = 1; i < words.size(); ++i) {
        if (keyword == "include" && depth < 16) ReadMatchLines(system, words[i], depth + 1, lines);
        if (keyword == "match" && Lower(words[i - 1]) == "address") TakeAddresses(words[i], lines);
      }
    }
  }
}

// One login that sshd was asked about.
struct Probe {
  std::string user, address;
  Settings settings;

  std::string Name() const { return address == kOutside ? user : user + " from " + address; }
  bool Is(const char* keyword, std::string_view value) const {
    const auto found = settings.find(keyword);
    return found != settings.end() && found->second == value;
  }
};

// Ways to log in that sshd takes for this probe: each a list of methods, all of which must succeed.
// "any" stands for one way for each method that is on.
std::vector<std::vector<std::string>> WaysOf(const Probe& probe) {
  const auto found = probe.settings.find("authenticationmethods");
  std::vector<std::vector<std::string>> ways;
  if (found != probe.settings.end() && found->second != "any") {
    for (const std::string& list : SplitWords(found->second)) {
      ways.push_back(SplitFields(list, ','));
      // "publickey:option" is publickey, "keyboard-interactive:pam" too.
      for (std::string& method : ways.back()) method = method.substr(0, method.find(':'));
    }
    return ways;
  }
  constexpr std::array<std::pair<const char*, const char*>, 5> kMethods = {
      {{"pubkeyauthentication", "publickey"},
       {"passwordauthentication", "password"},
       {"kbdinteractiveauthentication", "keyboard-interactive"},
       {"gssapiauthentication", "gssapi-with-mic"},
       {"hostbasedauthentication", "hostbased"}}};
  for (const auto& [keyword, method] : kMethods) {
    if (probe.Is(keyword, "yes")) ways.push_back({method});
  }
  return ways;
}

bool Holds(const std::vector<std::string>& way, std::string_view method) {
  return std::find(way.begin(), way.end(), method) != way.end();
}

// Neither the code nor the password is asked: PAM's account phase alone judges it.
bool IsKeyOnly(const std::vector<std::string>& way) {
  return !Holds(way, "keyboard-interactive") && !Holds(way, "password");
}

struct Rule {
  const char* id;
  Severity severity;
  bool (*broken)(const Probe& probe, const OwnFacts& own);
  const char* found;
  const char* advice;
};

bool HasWay(const Probe& probe, bool (*is_one)(const std::vector<std::string>&)) {
  const auto ways = WaysOf(probe);
  return std::any_of(ways.begin(), ways.end(), is_one);
}

bool AsksInteractively(const Probe& probe) {
  return probe.Is("kbdinteractiveauthentication", "yes") &&
         HasWay(probe, [](const auto& way) { return Holds(way, "keyboard-interactive"); });
}

constexpr std::array<Rule, 5> kRules = {{
    {"sshd.use_pam", Severity::kProblem,
     [](const Probe& probe, const OwnFacts&) { return !probe.Is("usepam", "yes"); },
     "sshd does not use PAM: no code is asked, and no lockout holds.",
     "In /etc/ssh/sshd_config: UsePAM yes"},
    {"sshd.kbd_interactive", Severity::kProblem,
     [](const Probe& probe, const OwnFacts&) {
       return !probe.Is("kbdinteractiveauthentication", "yes");
     },
     "sshd cannot ask for a code: who needs one cannot log in.",
     "In /etc/ssh/sshd_config: KbdInteractiveAuthentication yes"},
    {"sshd.methods", Severity::kProblem,
     [](const Probe& probe, const OwnFacts&) {
       return probe.Is("kbdinteractiveauthentication", "yes") && !AsksInteractively(probe);
     },
     "AuthenticationMethods has no keyboard-interactive: who needs a code cannot log in.",
     "AuthenticationMethods keyboard-interactive publickey,keyboard-interactive"},
    {"sshd.key_only", Severity::kWarning,
     [](const Probe& probe, const OwnFacts& own) {
       const bool denied = !own.policy || own.policy->ssh_keys == SshKeys::kRequireCode;
       return denied && HasWay(probe, IsKeyOnly);
     },
     "sshd takes a key without a code, and pam_sparekey then denies enrolled accounts "
     "(ssh.keys=require_code).",
     "AuthenticationMethods keyboard-interactive publickey,keyboard-interactive (or, for keys "
     "without a code: sparekey settings set ssh.keys=accept)"},
    {"sshd.password_method", Severity::kWarning,
     [](const Probe& probe, const OwnFacts&) {
       return probe.Is("passwordauthentication", "yes") &&
              HasWay(probe, [](const auto& way) { return Holds(way, "password"); });
     },
     "sshd's password method is on. It answers the question for the code with the password, so it "
     "lets in nobody who needs a code.",
     "In /etc/ssh/sshd_config: PasswordAuthentication no"},
}};

void Judge(const Rule& rule, const std::vector<Probe>& probes, const OwnFacts& own,
           Findings& findings) {
  std::vector<std::string> broken;
  for (const Probe& probe : probes) {
    if (rule.broken(probe, own)) broken.push_back(probe.Name());
  }
  if (broken.empty()) return;
  std::string found = rule.found;
  std::string advice = rule.advice;
  if (broken.size() < probes.size()) {
    found += " This holds for " + NameSome(broken) + ", by a Match block.";
    advice += " (in that Match block)";
  }
  findings.push_back({rule.id, rule.severity, std::move(found), std::move(advice)});
}

bool IsRootEnrolled(const OwnFacts& own) {
  return std::any_of(own.accounts.begin(), own.accounts.end(), [](const AccountFacts& account) {
    return account.name == "root" && account.active;
  });
}

void JudgeRoot(const std::vector<Probe>& probes, const OwnFacts& own, Findings& findings) {
  const bool by_password = std::any_of(probes.begin(), probes.end(), [](const Probe& probe) {
    return probe.user == "root" && probe.Is("permitrootlogin", "yes");
  });
  const bool everyone = own.policy && own.policy->required_for == RequiredFor::kEveryone;
  if (!by_password || everyone || !own.accounts_complete || IsRootEnrolled(own)) return;
  findings.push_back(
      {"sshd.root", Severity::kWarning,
       "root may log in over SSH with the password alone: PermitRootLogin is yes and "
       "root is not enrolled.",
       "In /etc/ssh/sshd_config: PermitRootLogin no. Or: sparekey user enroll root"});
}

std::vector<std::string> UsersToAsk(const OwnFacts& own, bool matches, bool& all) {
  std::vector<std::string> users = {"root"};
  for (const AccountFacts& account : own.accounts) {
    const bool fits = account.name.find_first_of(",=") == std::string::npos;  // into -C
    if (!account.active || account.name == "root" || !fits) continue;
    all = users.size() < kMostUsers;
    // Without a Match line everybody has the same settings.
    if (all && (matches || users.size() == 1)) users.push_back(account.name);
  }
  return users;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// What sshd says, or the first thing that it did not like.
Result<Probe> Ask(const System& system, const std::string& sshd, const std::string& user,
                  const std::string& address) {
  const std::string login = "user=" + user + ",host=" + address + ",addr=" + address +
                            ",laddr=192.0.2.1,lport=22,rdomain=";
  const CommandResult result = system.run({sshd, "-T", "-C", login});
  if (result.status == 0) return Probe{user, address, ParseSettings(result.out)};
  const std::string said = FirstLine(result.err);
  return Error{ErrorCode::kUnavailable, said.empty() ? "it gave no answer" : said};
}

}  // namespace

std::string FindSshd(const System& system) {
  for (const char* path : {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"}) {
    if (system.Exists(path)) return path;
  }
  return "";
}

Findings CheckSshd(const System& system, const OwnFacts& own) {
  const std::string sshd = FindSshd(system);
  if (sshd.empty()) return {{"sshd.absent", Severity::kOk, "sshd is not installed.", ""}};
  MatchLines lines;
  ReadMatchLines(system, "/etc/ssh/sshd_config", 0, lines);
  bool all = true;
  std::vector<Probe> probes;
  const std::vector<std::string> users = UsersToAsk(own, lines.any, all);
  for (const std::string& user : users) {
    // Places matter to everybody alike: asked for two.
    std::vector<std::string> addresses = {std::string(kOutside)};
    if (probes.size() < 2) {
      addresses.insert(addresses.end(), lines.addresses.begin(), lines.addresses.end());
    }
    for (const std::string& address : addresses) {
      Result<Probe> probe = Ask(system, sshd, user, address);
      if (!probe) {
        return {{"sshd.unreadable", Severity::kWarning,
                 "sshd's settings cannot be read (sshd -T): " + probe.error().message,
                 "See what this says, as root: sshd -t"}};
      }
      probes.push_back(std::move(*probe));
    }
  }
  Findings findings;
  for (const Rule& rule : kRules) Judge(rule, probes, own, findings);
  JudgeRoot(probes, own, findings);
  if (findings.empty()) {
    findings.push_back({"sshd.settings", Severity::kOk,
                        "sshd uses PAM and asks for codes" +
                            std::string(all ? "." : " (looked at the first 50 accounts)."),
                        ""});
  }
  return findings;
}

}  // namespace sparekey
