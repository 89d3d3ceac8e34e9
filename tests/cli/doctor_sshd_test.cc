// SPDX-License-Identifier: Apache-2.0
// The sshd check over recorded answers of sshd -T (OpenSSH 9.2).
#include "tests/cli/recorded_system.h"

namespace sparekey {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Settings(const std::map<std::string, std::string>& changes = {}) {
  std::map<std::string, std::string> settings = {
      {"port", "22"},
      {"usepam", "yes"},
      {"permitrootlogin", "without-password"},
      {"pubkeyauthentication", "yes"},
      {"kerberosauthentication", "no"},
      {"gssapiauthentication", "no"},
      {"hostbasedauthentication", "no"},
      {"passwordauthentication", "no"},
      {"kbdinteractiveauthentication", "yes"},
      {"authenticationmethods", "keyboard-interactive publickey,keyboard-interactive"}};
  for (const auto& [keyword, value] : changes) settings[keyword] = value;
  std::string text;
  for (const auto& [keyword, value] : settings) text += keyword + ' ' + value + '\n';
  return text;
}

class DoctorSshd : public testing::RecordedSystem {
 protected:
  DoctorSshd() { Write("/usr/sbin/sshd", ""); }
  Findings Check() { return CheckSshd(system_, own_); }
  Findings Check(const std::map<std::string, std::string>& changes) {
    answers_ = {{"user=", {0, Settings(changes), ""}}};
    return Check();
  }
  OwnFacts own_ = testing::SoundFacts();
};

TEST_F(DoctorSshd, IsContentWithTheSettingsOfTheGuide) {
  EXPECT_THAT(Ids(Check({})), ElementsAre("sshd.settings"));
}

TEST_F(DoctorSshd, AsksForRootAndOneAccountWhereThereIsNoMatchBlock) {
  Check({});
  EXPECT_EQ(commands_.size(), 2u);
  EXPECT_THAT(commands_[0], ElementsAre("/usr/sbin/sshd", "-T", "-C", HasSubstr("user=root,")));
  EXPECT_THAT(commands_[1], Contains(HasSubstr("user=ada,")));
}

TEST_F(DoctorSshd, LeavesOutNamesThatSshdWouldTakeForMore) {
  own_.accounts[0].name = "ada,addr=10.0.0.1";
  Check({});
  for (const auto& command : commands_) EXPECT_THAT(command, Not(Contains(HasSubstr("ada"))));
}

TEST_F(DoctorSshd, NeedsPam) {
  const auto findings = Check({{"usepam", "no"}});
  EXPECT_THAT(Ids(findings), ElementsAre("sshd.use_pam"));
  EXPECT_EQ(findings[0].severity, Severity::kProblem);
}

TEST_F(DoctorSshd, NeedsKeyboardInteractive) {
  EXPECT_THAT(Ids(Check({{"kbdinteractiveauthentication", "no"}})),
              ElementsAre("sshd.kbd_interactive"));
}

TEST_F(DoctorSshd, NeedsAWayThatAsks) {
  for (const char* methods : {"publickey", "password", "publickey,password"}) {
    EXPECT_THAT(Ids(Check({{"authenticationmethods", methods}})), Contains("sshd.methods"))
        << methods;
  }
  EXPECT_THAT(Ids(Check({{"authenticationmethods", "keyboard-interactive:pam"}})),
              ElementsAre("sshd.settings"));
}

TEST_F(DoctorSshd, TellsThatAKeyAloneIsDenied) {
  for (const char* methods : {"any", "publickey keyboard-interactive",
                              "publickey,publickey "
                              "keyboard-interactive"}) {
    const auto findings = Check({{"authenticationmethods", methods}});
    EXPECT_THAT(Ids(findings), ElementsAre("sshd.key_only")) << methods;
    EXPECT_EQ(findings[0].severity, Severity::kWarning);
  }
  own_.policy->ssh_keys = SshKeys::kAccept;
  EXPECT_THAT(Ids(Check({{"authenticationmethods", "any"}})), ElementsAre("sshd.settings"));
}

TEST_F(DoctorSshd, TellsThatThePasswordMethodAnswersInTheCodesPlace) {
  EXPECT_THAT(Ids(Check({{"authenticationmethods", "any"},
                         {"pubkeyauthentication", "no"},
                         {"passwordauthentication", "yes"}})),
              ElementsAre("sshd.password_method"));
}

TEST_F(DoctorSshd, FindsDebiansDefaultsWanting) {
  EXPECT_THAT(Ids(Check({{"authenticationmethods", "any"},
                         {"kbdinteractiveauthentication", "no"},
                         {"passwordauthentication", "yes"}})),
              ElementsAre("sshd.kbd_interactive", "sshd.key_only", "sshd.password_method"));
}

TEST_F(DoctorSshd, TellsThatRootComesInByPasswordAlone) {
  EXPECT_THAT(Ids(Check({{"permitrootlogin", "yes"}})), ElementsAre("sshd.root"));
  own_.accounts.push_back(testing::Enrolled("root", true));
  EXPECT_THAT(Ids(Check({{"permitrootlogin", "yes"}})), ElementsAre("sshd.settings"));
}

TEST_F(DoctorSshd, NamesWhomAMatchBlockTreatsDifferently) {
  Write("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n");
  Write("/etc/ssh/sshd_config.d/bob.conf", "match user bob\n  KbdInteractiveAuthentication no\n");
  answers_ = {{"user=bob,", {0, Settings({{"kbdinteractiveauthentication", "no"}}), ""}},
              {"user=", {0, Settings(), ""}}};
  const auto findings = Check();
  EXPECT_THAT(Ids(findings), ElementsAre("sshd.kbd_interactive"));
  EXPECT_THAT(findings[0].found, HasSubstr("bob"));
  EXPECT_THAT(findings[0].found, Not(HasSubstr("ada")));
}

TEST_F(DoctorSshd, AsksForTheAddressesOfMatchBlocks) {
  Write("/etc/ssh/sshd_config", "Match Address 192.168.0.0/16,!10.1.2.3,*.home User ada\n");
  answers_ = {{"addr=192.168.0.0", {0, Settings({{"usepam", "no"}}), ""}},
              {"user=", {0, Settings(), ""}}};
  const auto findings = Check();
  EXPECT_THAT(Ids(findings), ElementsAre("sshd.use_pam"));
  EXPECT_THAT(findings[0].found, HasSubstr("192.168.0.0"));
}

TEST_F(DoctorSshd, AsksForNothingThatIsNoAddress) {
  Write("/etc/ssh/sshd_config",
        "Match Address cafe,10.0.*,1.2.3,::g,:,,/8,dead:beef,!10.1.2.3,2001:db8::/32,10.9.8.7/8\n");
  Check({});
  std::vector<std::string> addresses;
  for (const auto& command : commands_) {
    if (command.back().find("user=root,") == std::string::npos) continue;
    const auto from = command.back().find(",addr=") + 6;
    addresses.push_back(command.back().substr(from, command.back().find(',', from) - from));
  }
  EXPECT_THAT(addresses, ElementsAre("203.0.113.7", "2001:db8::", "10.9.8.7"));
}

TEST_F(DoctorSshd, PassesOverLinesOfOddBlanks) {
  Write("/etc/ssh/sshd_config", "\f\n\v\n \f\v\t\r\n\f\\\n\v\n\fMatch\vAddress 10.0.0.1\n\f");
  EXPECT_THAT(Ids(Check({})), ElementsAre("sshd.settings"));
  EXPECT_THAT(commands_, Contains(Contains(HasSubstr("addr=10.0.0.1,"))));
}

TEST_F(DoctorSshd, AsksForAtMostFiftyAccounts) {
  Write("/etc/ssh/sshd_config", "Match Group staff\n");
  for (int i = 0; i < 200; ++i) own_.accounts.push_back(testing::Enrolled("u" + std::to_string(i)));
  const auto findings = Check({});
  EXPECT_EQ(commands_.size(), 50u);
  EXPECT_THAT(findings[0].found, HasSubstr("first 50"));
}

TEST_F(DoctorSshd, SaysWhatSshdSaidWhenItDoesNotAnswer) {
  answers_ = {{"user=", {1, "", "sshd: no hostkeys available -- exiting.\n"}}};
  const auto findings = Check();
  EXPECT_THAT(Ids(findings), ElementsAre("sshd.unreadable"));
  EXPECT_THAT(findings[0].found, HasSubstr("no hostkeys"));
}

TEST_F(DoctorSshd, IsContentWithoutSshd) {
  std::filesystem::remove(folder_.path() + "/usr/sbin/sshd");
  EXPECT_THAT(Ids(Check()), ElementsAre("sshd.absent"));
}

}  // namespace
}  // namespace sparekey
