// SPDX-License-Identifier: Apache-2.0
// The other checks of doctor over recorded facts, and how findings are told.
#include "cli/doctor.h"

#include "cli/local_users.h"
#include "cli/text.h"
#include "tests/cli/recorded_system.h"
#include "version.h"

namespace sparekey {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::StartsWith;

class DoctorMachine : public testing::RecordedSystem {
 protected:
  DoctorMachine() {
    own_.version = kVersion;
    config_.notify_dir = "/etc/sparekey/notify.d";
    facts_["/etc/sparekey"] = {FileKind::kFolder, 0, 0755};
    facts_["/etc/sparekey/sparekey.conf"] = {FileKind::kFile, 0, 0644};
    facts_["/etc/sparekey/master.key"] = {FileKind::kFile, 0, 0600};
    facts_["/var/lib/sparekey"] = {FileKind::kFolder, 0, 0700};
    for (const char* name : {"sparekey.db", "sparekey.db-wal", "owner.lock", "reserve"}) {
      facts_["/var/lib/sparekey/" + std::string(name)] = {FileKind::kFile, 0, 0600};
    }
    facts_["/run/sparekey"] = {FileKind::kFolder, 0, 0755};
    facts_["/run/sparekey/api.sock"] = {FileKind::kSocket, 0, 0666};
    facts_["/run/sparekey/pam.sock"] = {FileKind::kSocket, 0, 0600};
  }
  Findings Files() { return CheckFiles(system_, config_, own_); }

  Config config_;
  OwnFacts own_ = testing::SoundFacts();
};

TEST_F(DoctorMachine, HasSoundFilesAsInstalled) {
  EXPECT_THAT(Ids(Files()), ElementsAre("files.modes"));
  facts_["/etc/sparekey/sparekey.conf"] = {};  // may be missing
  facts_["/var/lib/sparekey/sparekey.db-wal"] = {};
  EXPECT_THAT(Ids(Files()), ElementsAre("files.modes"));
}

TEST_F(DoctorMachine, TellsEveryFileThatLetsOthersIn) {
  for (const auto& [path, mode] :
       std::map<std::string, mode_t>{{"/etc/sparekey", 0775},
                                     {"/etc/sparekey/sparekey.conf", 0664},
                                     {"/etc/sparekey/master.key", 0640},
                                     {"/var/lib/sparekey", 0711},
                                     {"/var/lib/sparekey/sparekey.db", 0644},
                                     {"/var/lib/sparekey/sparekey.db-wal", 0640},
                                     {"/var/lib/sparekey/reserve", 0604},
                                     {"/run/sparekey", 0777},
                                     {"/run/sparekey/pam.sock", 0666}}) {
    const FileFacts sound = facts_[path];
    facts_[path].mode = mode;
    const auto findings = Files();
    EXPECT_THAT(Ids(findings), ElementsAre("files")) << path;
    EXPECT_THAT(findings[0].found, HasSubstr(path + ' '));
    EXPECT_THAT(findings[0].advice, HasSubstr("chmod"));
    facts_[path] = sound;
  }
}

TEST_F(DoctorMachine, TellsEveryFileOfSomebodyElse) {
  for (auto& [path, facts] : facts_) {
    facts.owner = 1000;
    const auto findings = Files();
    EXPECT_THAT(Ids(findings), ElementsAre("files")) << path;
    EXPECT_THAT(findings[0].advice, HasSubstr("chown 0 " + path));
    facts.owner = 0;
  }
}

TEST_F(DoctorMachine, TellsWhatIsMissingOrOfAnotherKind) {
  for (const char* path :
       {"/etc/sparekey/master.key", "/var/lib/sparekey/sparekey.db", "/run/sparekey/pam.sock"}) {
    const FileFacts sound = facts_[path];
    facts_[path] = {};
    EXPECT_THAT(Ids(Files()), ElementsAre("files")) << path;
    facts_[path] = {FileKind::kLink, 0, 0777};
    EXPECT_THAT(Ids(Files()), ElementsAre("files")) << path;
    facts_[path] = sound;
  }
  own_.service_answers = false;  // told as such
  facts_["/run/sparekey/api.sock"] = facts_["/run/sparekey/pam.sock"] = {};
  EXPECT_THAT(Ids(Files()), ElementsAre("files.modes"));
}

TEST_F(DoctorMachine, TellsALostKeyFromASetUpThatWasNotMade) {
  own_ = {};
  own_.trouble = "there is no master key";
  facts_["/etc/sparekey/master.key"] = {};
  EXPECT_THAT(Files()[0].advice, HasSubstr("--new-key"));
  EXPECT_THAT(Ids(Examine(system_, config_, own_)), Contains("store.not_checked"));
  for (const char* name : {"sparekey.db", "sparekey.db-wal", "owner.lock", "reserve"}) {
    facts_["/var/lib/sparekey/" + std::string(name)] = {};
  }
  const auto findings = Examine(system_, config_, own_);
  EXPECT_THAT(findings[0].id, "service.not_set_up");
  EXPECT_THAT(findings[0].advice, HasSubstr("sparekey init"));
  for (const Finding& other : findings) {  // once is enough
    EXPECT_THAT(other.id, Not(AnyOf(StartsWith("store"), StartsWith("files"), "service.down")));
  }
  facts_["/etc/sparekey/master.key.new"] = {FileKind::kFile, 0, 0600};  // an interrupted reset
  EXPECT_THAT(Find(Files(), "files").advice, HasSubstr("--new-key"));
  facts_.erase("/etc/sparekey/master.key.new");
  own_.service_answers = true;  // what it holds will be gone
  EXPECT_THAT(Ids(Files()), Contains("files"));
}

TEST_F(DoctorMachine, TellsNotificationProgramsThatOthersMayWriteTo) {
  facts_["/etc/sparekey/notify.d"] = {FileKind::kFolder, 0, 0755};
  Write("/etc/sparekey/notify.d/mail", "");
  EXPECT_THAT(Ids(Files()), ElementsAre("files.modes"));
  facts_["/etc/sparekey/notify.d/mail"] = {FileKind::kFile, 0, 0777};
  EXPECT_THAT(Find(Files(), "files").found, HasSubstr("/etc/sparekey/notify.d/mail"));
  facts_["/etc/sparekey/notify.d/mail"] = {FileKind::kFile, 1000, 0755};
  EXPECT_THAT(Find(Files(), "files").advice, HasSubstr("chown 0"));
  facts_["/etc/sparekey/notify.d/mail"] = {FileKind::kFile, 0, 0755};
  facts_["/etc/sparekey/notify.d"] = {FileKind::kFolder, 0, 0777};
  EXPECT_THAT(Ids(Files()), ElementsAre("files"));
}

TEST_F(DoctorMachine, TellsAReserveThatIsGone) {
  facts_["/var/lib/sparekey/reserve"] = {};
  EXPECT_THAT(Ids(Files()), ElementsAre("files.reserve"));
}

TEST_F(DoctorMachine, LetsAnotherUserRunItsOwnSparekeyUnderRootsConfiguration) {
  system_.user = 1000;
  for (auto& [path, facts] : facts_) {
    if (!path.starts_with("/etc/sparekey") || path.ends_with(".key")) facts.owner = 1000;
  }
  EXPECT_THAT(Ids(Files()), ElementsAre("files.modes"));
}

TEST_F(DoctorMachine, JudgesTheClock) {
  EXPECT_THAT(Ids(CheckClock(system_)), ElementsAre("clock.synchronised"));
  system_.clock_synchronised = false;
  EXPECT_EQ(CheckClock(system_)[0].severity, Severity::kWarning);
  system_.now = TimePoint{};
  EXPECT_THAT(Ids(CheckClock(system_)), ElementsAre("clock.wrong"));
  EXPECT_EQ(CheckClock(system_)[0].severity, Severity::kProblem);
}

TEST_F(DoctorMachine, JudgesTheDisk) {
  EXPECT_THAT(Ids(CheckDisk(system_, config_)), ElementsAre("disk.room"));
  disk_->bytes_free = std::uint64_t{100} << 20;
  EXPECT_THAT(Ids(CheckDisk(system_, config_)), ElementsAre("disk.low"));
  disk_->bytes_free = std::uint64_t{10} << 20;
  EXPECT_THAT(Ids(CheckDisk(system_, config_)), ElementsAre("disk.full"));
  disk_ = DiskFacts{std::uint64_t{8} << 30, 3, true};
  EXPECT_THAT(CheckDisk(system_, config_)[0].found, HasSubstr("3 files"));
  disk_->counts_nodes = false;
  EXPECT_THAT(Ids(CheckDisk(system_, config_)), ElementsAre("disk.room"));
}

TEST_F(DoctorMachine, JudgesTheService) {
  EXPECT_THAT(Ids(CheckService(own_, config_)), ElementsAre("service.running"));
  own_.super_locked = own_.gate_closed = true;
  own_.accounts[1].super_locked = own_.accounts[1].gate_closed = true;
  EXPECT_THAT(Ids(CheckService(own_, config_)),
              ElementsAre("service.super_locked", "accounts.super_locked", "service.gate_closed",
                          "accounts.gate_closed"));
  own_ = {};
  const auto findings = CheckService(own_, config_);
  EXPECT_THAT(Ids(findings), ElementsAre("service.down"));
  EXPECT_THAT(findings[0].found, HasSubstr("/run/sparekey/api.sock"));
}

TEST_F(DoctorMachine, TellsAServiceOfAnotherVersionAndWhatIsSwitchedOff) {
  own_.version = "0.0.1";
  own_.policy->enabled = false;
  EXPECT_THAT(Ids(CheckService(own_, config_)), ElementsAre("service.version", "service.disabled"));
  own_.version = kVersion;
  own_.policy->enabled = true;
  own_.policy->services_ssh = false;
  EXPECT_THAT(Ids(CheckService(own_, config_)), ElementsAre("service.ssh_off"));
}

TEST_F(DoctorMachine, TellsWhatTheStoreCheckFound) {
  EXPECT_THAT(Ids(CheckStore(own_)), ElementsAre("store.sound"));
  own_.store->structure = false;
  EXPECT_THAT(CheckStore(own_)[0].found, HasSubstr("too large"));
  own_.store->damage = {"the record of bob in the store is damaged"};
  EXPECT_THAT(CheckStore(own_)[0].found, HasSubstr("bob"));
  EXPECT_EQ(CheckStore(own_)[0].severity, Severity::kProblem);
  own_.store.reset();
  own_.trouble = "no key";
  EXPECT_THAT(Ids(CheckStore(own_)), ElementsAre("store.not_checked"));
}

TEST_F(DoctorMachine, NamesAccountsWithFewCodes) {
  EXPECT_THAT(Ids(CheckAccounts(system_, config_, own_)), ElementsAre("accounts.ready"));
  own_.accounts[0].codes_left = 3;  // backup_codes.low
  auto findings = CheckAccounts(system_, config_, own_);
  EXPECT_THAT(Ids(findings), ElementsAre("accounts.low_sheets"));
  EXPECT_THAT(findings[0].found, HasSubstr("ada (3)"));
  own_.policy->codes_low = 0;
  EXPECT_THAT(Ids(CheckAccounts(system_, config_, own_)),
              ElementsAre("accounts.low_sheets"));  // < 2 x 2
  own_.accounts[0].codes_left = 4;
  EXPECT_THAT(Ids(CheckAccounts(system_, config_, own_)), ElementsAre("accounts.ready"));
  own_.accounts[0].codes_left = 0;
  own_.accounts[0].active = false;
  EXPECT_THAT(Ids(CheckAccounts(system_, config_, own_)), ElementsAre("accounts.ready"));
}

TEST_F(DoctorMachine, NamesEnrolmentsThatHaveEnded) {
  own_.accounts[1].active = false;
  own_.accounts[1].pending_since = system_.now - std::chrono::hours(24);
  EXPECT_THAT(Ids(CheckAccounts(system_, config_, own_)), ElementsAre("accounts.ready"));
  own_.accounts[1].pending_since = system_.now - std::chrono::hours(25);
  EXPECT_THAT(Ids(CheckAccounts(system_, config_, own_)), ElementsAre("accounts.pending"));
  own_.accounts[1].must_enrol = true;
  EXPECT_THAT(Ids(CheckAccounts(system_, config_, own_)), Contains("accounts.must_enrol"));
}

TEST_F(DoctorMachine, NamesWhoIsRequiredAndNotEnrolled) {
  Write("/etc/passwd",
        "root:x:0:0::/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\n"
        "eve:x:1002:1002::/home/eve:/bin/bash\ncron:x:8:8::/:/usr/sbin/nologin\n"
        "tim:x:1003:50::/home/tim:\nkim:x:1004:1004::/home/kim:/bin/sh\n");
  Write("/etc/shadow",
        "root:!:1::::::\nada:$y$j9T$x:1::::::\neve:$6$a$b:1::::::\n"
        "tim:$6$a$b:1::::::\nkim:$6$a$b:1::::::\ncron:$6$a$b:1::::::\n");
  Write("/etc/group", "staff:x:50:eve\nguests:x:51:kim\n");
  EXPECT_THAT(Ids(CheckAccounts(system_, config_, own_)), ElementsAre("accounts.ready"));
  own_.policy->required_for = RequiredFor::kEveryone;
  own_.policy->exempt_groups = {"guests"};
  EXPECT_THAT(Find(CheckAccounts(system_, config_, own_), "accounts.required").found,
              HasSubstr(": eve, tim."));
  own_.policy->required_for = RequiredFor::kGroups;
  own_.policy->required_groups = {"guests", "nobody-has-it"};
  own_.policy->exempt_groups.clear();
  EXPECT_THAT(Find(CheckAccounts(system_, config_, own_), "accounts.required").found,
              HasSubstr(": kim."));
  config_.accounts = AccountNames::kAny;  // a GUI's own users are not in these files
  EXPECT_THAT(Ids(CheckAccounts(system_, config_, own_)), ElementsAre("accounts.ready"));
}

TEST_F(DoctorMachine, KnowsHashesThatAPasswordFits) {
  std::string passwd, shadow;
  const std::vector<std::pair<std::string, bool>> fields = {{"$y$j9T$salt$hash", true},
                                                            {"$6$salt$hash", true},
                                                            {"$1$s$h", true},
                                                            {"abcdefghijklm", true},
                                                            {"_J9..rasmBYk8r9AiWNc", true},
                                                            {"", false},
                                                            {"*", false},
                                                            {"!", false},
                                                            {"!!", false},
                                                            {"!$6$salt$hash", false},
                                                            {"x", false},
                                                            {"abc", false},
                                                            {"$6", false}};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string name = "u" + std::to_string(i);
    passwd += name + ":x:" + std::to_string(2000 + i) + ":1::/:/bin/sh\n";
    shadow += name + ':' + fields[i].first + ":19000:0:99999:7:::\n";
  }
  Write("/etc/passwd", passwd + "gone:x:9:1::/:/bin/sh\nold:$1$s$h:10:1::/:/bin/sh\n");
  Write("/etc/shadow", shadow + "gone:$6$a$b:19000:0:99999:7::19001:\n");
  const LocalUsers users(system_);
  ASSERT_EQ(users.all().size(), fields.size() + 2);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    EXPECT_EQ(users.all()[i].has_password, fields[i].second) << fields[i].first;
  }
  EXPECT_FALSE(users.all()[fields.size()].has_password);     // expired
  EXPECT_TRUE(users.all()[fields.size() + 1].has_password);  // in passwd(5) itself
}

Findings ThreeFindings() {
  return {{"a.sound", Severity::kOk, "All is well.", ""},
          {"b.warn", Severity::kWarning, "Some words \x1b[2J that are told.", "Do this."},
          {"c.bad", Severity::kProblem,
           "Many words that do not fit into one line of eighty columns and so are told in two "
           "lines, or even three.",
           "A long piece of advice that has to be told in more than one line, too, because it is "
           "long."}};
}

TEST(FindingsText, FitsTheTerminalWorstFirst) {
  const std::string text = ToText(ThreeFindings(), 79, 1);
  std::istringstream lines(text);
  std::vector<std::size_t> widths;
  for (std::string line; std::getline(lines, line);) widths.push_back(line.size());
  EXPECT_THAT(widths, Each(Le(79u)));
  EXPECT_LT(text.find("problem"), text.find("warning"));
  EXPECT_LT(text.find("warning"), text.find("ok"));
  EXPECT_THAT(text, HasSubstr("\n         -> Do this.\n"));
  EXPECT_EQ(Sum(ThreeFindings(), 1), "1 problem, 1 warning\n");
  EXPECT_EQ(Sum({}, 1), "0 problems, 0 warnings\n");
  EXPECT_THAT(text,
              Not(HasSubstr("\x1b")));  // this is no terminal, and nobody's text moves a cursor
}

TEST(FindingsJson, CountsAndKeepsTheWholeText) {
  const Json json = ToJson(ThreeFindings());
  EXPECT_EQ(json["problems"], 1);
  EXPECT_EQ(json["warnings"], 1);
  EXPECT_EQ(json["findings"].size(), 3u);
  EXPECT_EQ(json["findings"][1]["severity"], "warning");
  EXPECT_EQ(json["findings"][1]["advice"], "Do this.");
}

TEST_F(DoctorMachine, GivesEveryFindingAnIdOfItsOwnAndProblemsAnAdvice) {
  system_.look = [](const std::string&) { return FileFacts{}; };
  for (const bool answers : {false, true}) {
    own_ = {};
    own_.service_answers = answers;
    for (const Finding& finding : Examine(system_, config_, own_)) {
      EXPECT_FALSE(finding.found.empty()) << finding.id;
      EXPECT_TRUE(finding.severity == Severity::kOk || !finding.advice.empty()) << finding.id;
    }
  }
}

}  // namespace
}  // namespace sparekey
