// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include "cli/commands.h"

namespace sparekey {
namespace {

constexpr ArgumentSpec kName{"NAME", Count::kOne};
constexpr ArgumentSpec kMaybeName{"NAME", Count::kOptional};
constexpr OptionSpec kDoor{"door", "ssh|web|other",
                           "the door that the attempt counts for (default: other)"};

// noun, verb, arguments, options; summary; details; what runs. A table is read by rows:
// clang-format off
std::vector<CommandSpec> SystemCommands() {
  return {
      {"status", "", {}, {},
       "one screen: service, lockouts, SSH gate, accounts, alerts, clock",
       "", RunStatus},
      {"doctor", "", {}, {},
       "checks the whole set-up and says what to do",
       "Looks at sshd, its PAM file, clock, files, disk, every record of the store, the accounts, and\n"
       "the way in that is left when SSH is shut. Changes nothing. Works without the service, too.\n"
       "The exit status is 1 where there is a problem; warnings leave it 0.\n",
       RunDoctor},
      {"init", "", {}, {},
       "creates the master key and the store, once",
       "Works without the service. Changes nothing where a key or a store exists already (exit\n"
       "status 2).\n",
       RunInit},
      {"settings", "show", {}, {},
       "shows every setting with its default and range",
       "", RunSettingsShow},
      {"settings", "get", {{"KEY", Count::kOne}}, {},
       "prints the value of a setting",
       "", RunSettingsGet},
      {"settings", "set", {{"KEY=VALUE", Count::kOneOrMore}}, {},
       "changes settings, all or none",
       "", RunSettingsSet},
      {"ssh", "status", {}, {},
       "shows the SSH gate of the system and of accounts",
       "", RunSshStatus},
      {"ssh", "enable", {kMaybeName}, {},
       "opens the SSH gate",
       "Without a name: the system's and every account's.\n",
       RunSshEnable},
      {"ssh", "disable", {kMaybeName}, {},
       "closes the SSH gate",
       "Without a name: the system's. Denies every SSH login in its scope, keys included.\n",
       RunSshDisable},
      {"alerts", "list", {}, {{"all", "", "the acknowledged ones, too, while their reason lasts"}},
       "lists what waits for an administrator",
       "", RunAlertsList},
      {"alerts", "acknowledge", {{"ID", Count::kOne}}, {},
       "says that somebody has seen an alert",
       "It is not shown any more, unless it is raised again. The alert of a closed SSH gate stays\n"
       "until the gate is opened (sparekey ssh enable), that of two-factor logins switched off\n"
       "until they are on (sparekey settings set enabled=true).\n",
       RunAlertsAcknowledge},
      {"alerts", "test", {}, {},
       "sends a test event to the notification programs and says how each ended",
       "Exit status 1 where there is none or one has failed.\n",
       RunAlertsTest},
      {"export", "", {{"FORMAT", Count::kOne}}, {},
       "prints every account, without secrets, as csv or jsonl",
       "csv: RFC 4180, with a header line. jsonl: one JSON object a line. A page at a time, so that\n"
       "logins go on and a million accounts need no memory; what changes meanwhile may show or not.\n",
       RunExport},
      {"events", "", {},
       {{"follow", "", "stay and print what happens, until Ctrl-C"},
        {"since", "T", "from this time on: 2026-11-23T14:02:00Z, 2026-11-23, or 90m, 12h, 7d ago"},
        {"account", "NAME", "only of this account"}},
       "prints what happened, oldest first",
       "Without --since: the last 100 events. With --json and --follow: one JSON value a line.\n",
       RunEvents},
  };
}

// Of everything that makes a new authenticator; `more` is the verb's own.
std::vector<OptionSpec> NewAuthenticator(std::vector<OptionSpec> more) {
  std::vector<OptionSpec> all = {
        {"label", "L", "name of the authenticator"},
        {"type", "totp|hotp", "kind of one-time code"},
        {"digits", "N", "digits of a one-time code, 6 to 8"},
        {"interval", "S", "seconds of a TOTP step, 5 to 3600"},
        {"algorithm", "sha1|sha256|sha512", "hash of a one-time code"},
        {"counter", "C", "counter of the next HOTP code (default: 0)"},
        {"secret-stdin", "", "take the secret (base32, or an otpauth:// URI) from standard input"},
        {"qr", "FILE", "write the QR code to a new file, .svg or .png"},
        {"no-confirm", "", "make it active at once, without a code that proves it"}};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

constexpr OptionSpec kYes{"yes", "", "do not ask"};

std::vector<CommandSpec> UserCommands() {
  return {
      {"user", "enroll", {kMaybeName},
       NewAuthenticator(
           {{"codes-out", "FILE", "write the backup codes to a new file, .txt (people) or .json"},
            {"from", "LIST", "enrol all accounts of a list: CSV, or JSON lines; - is standard input"},
            {"out", "DIR", "with --from: the folder for secrets and backup codes"},
            {"codes", "now|later", "with --from: sheets at once, or none (default: as the settings say)"},
            {"format", "txt|json", "with --from: what the sheets' files are for (default: txt, people)"},
            {"dry-run", "", "with --from: only check the list and say what would be done"}}),
       "gives an account its first authenticator and a sheet of backup codes",
       "Shows the secret, its URI and a QR code, then asks for one code that proves it all.\n"
       "Backup codes are shown once, or written to a file of mode 0600 that must not exist yet.\n"
       "What is not given here is taken from the settings (otp.*). Without root: your own account,\n"
       "after your password, and by the settings alone.\n"
       "\n"
       "With --from, which needs --no-confirm and --out: every account of a list. The list is CSV\n"
       "whose first line names its columns, or JSON lines with members of these names: account,\n"
       "and where they differ label, type, digits, interval, algorithm, secret, counter. It is\n"
       "checked whole before anything is done. For an account without a secret one is made and\n"
       "written to DIR/NAME.otpauth, its sheet to DIR/NAME.txt or .json, mode 0600. The same command\n"
       "goes on after it was interrupted. Accounts that are enrolled otherwise are left alone.\n"
       "Sheets are slow to make, since each code is hashed to resist guessing: a quarter of a second\n"
       "of processor time each. With --codes later their owners, or root, make them: codes new\n",
       RunUserEnroll},
      {"user", "confirm", {kName}, {},
       "finishes an enrolment, an addition or a renewal with one code",
       "Reads the code from standard input or a hidden prompt.\n",
       RunUserConfirm},
      {"user", "show", {kMaybeName}, {},
       "shows what is known about an account",
       "Without a name: your own, for which nobody needs to be root.\n", RunUserShow},
      {"user", "list", {}, {},
       "lists the accounts",
       "", RunUserList},
      {"user", "remove", {kName}, {kYes},
       "takes two-factor logins from an account",
       "Authenticators and backup codes are void. Counters and lockouts stay. Asks first.\n",
       RunUserRemove},
      {"user", "unlock", {kName}, {},
       "ends a lockout, never a super-lockout",
       "Clears the wrong one-time codes and fills the budget; failed recoveries stay.\n",
       RunUserUnlock},
  };
}

std::vector<CommandSpec> AuthenticatorCommands() {
  return {
      {"authenticator", "add", {kName}, NewAuthenticator({}),
       "adds an authenticator beside the others, up to 5",
       "Needs --label. It counts once a code has proven it, within 24 hours. All authenticators\n"
       "of an account share one counter of wrong codes.\n",
       RunAuthenticatorAdd},
      {"authenticator", "list", {kName}, {},
       "lists the authenticators of an account and when each was last used",
       "", RunAuthenticatorList},
      {"authenticator", "renew", {kName}, NewAuthenticator({}),
       "gives an authenticator a new secret",
       "The old secret counts until a code has proven the new one. --label may be left out where\n"
       "there is only one. What is not given here, the type too, is taken from the settings.\n",
       RunAuthenticatorRenew},
      {"authenticator", "remove", {kName},
       {{"label", "L", "name of the authenticator"}, kYes},
       "removes an authenticator that is not the only one",
       "Asks first. The only one goes with: sparekey user remove\n",
       RunAuthenticatorRemove},
      {"authenticator", "resync", {kName}, {},
       "finds the counter of a HOTP authenticator again by two consecutive codes",
       "Reads both codes from standard input, one a line, or from hidden prompts. Looks up to\n"
       "1000 codes ahead; codes that were spent stay spent.\n",
       RunAuthenticatorResync},
  };
}

std::vector<CommandSpec> AttemptCommands() {
  return {
      {"codes", "new", {kName},
       {{"out", "FILE", "write the codes to a new file, .txt (people) or .json (programs)"}},
       "makes a new sheet of backup codes and voids the old one",
       "The codes are shown once, or written to a file of mode 0600 that must not exist yet.\n"
       "Without root: your own, after your password and a code.\n",
       RunCodesNew},
      {"codes", "status", {kName}, {},
       "shows how many backup codes are left",
       "", RunCodesStatus},
      {"verify", "", {kName}, {kDoor},
       "checks one one-time code: an attempt like any other",
       "Reads the code from standard input or a hidden prompt. Root vouches for the first\n"
       "factor.\n",
       RunVerify},
      {"recover", "", {kName}, {kDoor},
       "checks backup codes: a recovery like any other",
       "Reads the backup codes from standard input, one a line, or from hidden prompts. Root\n"
       "vouches for the first factor.\n",
       RunRecover},
  };
}

constexpr OptionSpec kRoot{"root", "DIR",
                           "work on the system that is mounted at DIR (rescue boot)"};

std::vector<CommandSpec> ConsoleCommands() {
  return {
      {"console", "", {}, {kRoot},
       "the local console's menu: see lockouts, reset accounts, end a super-lockout",
       "Only at the local console: keyboard and screen, serial line, IPMI, hypervisor's screen.\n"
       "Opens the SSH gate, enrols, switches two-factor off and on, too. Works without the service.\n"
       "With --json: the state alone, as one value.\n",
       RunConsole},
      {"console", "reset", {kMaybeName},
       {{"system", "", "end the system's super-lockout and reset the accounts that caused it"},
        {"new-key", "", "the master key is lost, or the store beyond repair: everybody enrols again"},
        kRoot},
       "resets an account at the local console",
       "The account gets a new password; its authenticators and backup codes are void, its\n"
       "counters and lockouts are cleared, and it must enrol again. Works without the service.\n"
       "With --new-key, all accounts that the old store names must enrol again, and everybody\n"
       "else is required to: required_for is everyone afterwards, all other settings are the\n"
       "defaults, and the SSH gate is closed. The old files are kept.\n",
       RunConsoleReset},
      {"help", "", {{"NOUN", Count::kOptional}, {"VERB", Count::kOptional}}, {},
       "explains a noun or a verb",
       "", RunHelp},
  };
}
// clang-format on

}  // namespace

const std::vector<NounSpec>& Nouns() {
  static const std::vector<NounSpec> nouns = {
      {"status", "the whole system on one screen"},
      {"doctor", "is everything set up right?"},
      {"init", "first set-up"},
      {"user", "accounts and their enrolment"},
      {"authenticator", "one-time secrets of an account"},
      {"codes", "backup codes"},
      {"verify", "check a one-time code"},
      {"recover", "check backup codes"},
      {"settings", "the policy"},
      {"ssh", "the SSH gate"},
      {"alerts", "what waits for an administrator, and who is told"},
      {"export", "every account, for other programs"},
      {"events", "what happened"},
      {"console", "the local console's way back in"},
      {"help", "explanations"},
  };
  return nouns;
}

const std::vector<CommandSpec>& Commands() {
  static const std::vector<CommandSpec> commands = [] {
    std::vector<CommandSpec> all;
    for (const auto& group : {SystemCommands(), UserCommands(), AuthenticatorCommands(),
                              AttemptCommands(), ConsoleCommands()}) {
      all.insert(all.end(), group.begin(), group.end());
    }
    return all;
  }();
  return commands;
}

const std::vector<OptionSpec>& GlobalOptions() {
  static const std::vector<OptionSpec> options = {
      {"config", "FILE", "configuration file (default: /etc/sparekey/sparekey.conf)"},
      {"state-dir", "DIR", "folder of the store (default: /var/lib/sparekey)"},
      {"socket", "PATH", "the service's socket (default: /run/sparekey/api.sock)"},
      {"json", "", "print one JSON value on standard output and nothing else there"},
      {"help", "", "explain the noun or the verb"},
      {"version", "", "print the version"},
  };
  return options;
}

const NounSpec* FindNoun(std::string_view noun) {
  for (const NounSpec& spec : Nouns()) {
    if (spec.name == noun) return &spec;
  }
  return nullptr;
}

const CommandSpec* FindCommand(std::string_view noun, std::string_view verb) {
  for (const CommandSpec& spec : Commands()) {
    if (spec.noun == noun && spec.verb == verb) return &spec;
  }
  return nullptr;
}

std::string NameOf(const CommandSpec& command) {
  std::string name(command.noun);
  if (!command.verb.empty()) name += ' ' + std::string(command.verb);
  return name;
}

std::string Synopsis(const CommandSpec& command) {
  std::string text = "sparekey " + NameOf(command);
  for (const ArgumentSpec& argument : command.arguments) {
    const std::string name(argument.name);
    text += argument.count == Count::kOptional ? " [" + name + ']' : ' ' + name;
    if (argument.count == Count::kOneOrMore) text += "...";
  }
  for (const OptionSpec& option : command.options) {
    text += " [--" + std::string(option.name);
    if (!option.value.empty()) text += ' ' + std::string(option.value);
    text += ']';
  }
  return text;
}

std::optional<std::string> Invocation::Get(std::string_view option) const {
  const auto found = options.find(option);
  if (found == options.end()) return std::nullopt;
  return found->second;
}

std::string_view Invocation::First() const {
  return arguments.empty() ? std::string_view() : std::string_view(arguments.front());
}

}  // namespace sparekey
