// SPDX-License-Identifier: Apache-2.0
// The PAM check over recorded trees of /etc/pam.d.
#include "cli/pam_stack.h"
#include "tests/cli/recorded_system.h"

namespace sparekey {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Debian 12, comments left out.
constexpr char kCommonAuth[] =
    "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n"
    "# here's the fallback if no module succeeds\n"
    "auth\trequisite\t\t\tpam_deny.so\n"
    "auth\trequired\t\t\tpam_permit.so\n"
    "auth\toptional\t\t\tpam_cap.so \n";
constexpr char kCommonAccount[] =
    "account\t[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so \n"
    "account\trequisite\t\t\tpam_deny.so\n"
    "account\trequired\t\t\tpam_permit.so\n";
constexpr char kCommonSession[] =
    "session\t[default=1]\t\t\tpam_permit.so\n"
    "session\trequisite\t\t\tpam_deny.so\n"
    "session\trequired\t\t\tpam_permit.so\n"
    "session\trequired\tpam_unix.so \n";
constexpr char kRest[] =
    "account  required  pam_sparekey.so\n@include common-account\n"
    "session  optional  pam_sparekey.so\n@include common-session\n";

class DoctorPam : public testing::RecordedSystem {
 protected:
  DoctorPam() {
    Write("/usr/sbin/sshd", "");
    Write("/etc/pam.d/common-auth", kCommonAuth);
    Write("/etc/pam.d/common-account", kCommonAccount);
    Write("/etc/pam.d/common-session", kCommonSession);
    Write("/etc/pam.d/common-password", "password required pam_unix.so\n");
    Write("/usr/lib/x86_64-linux-gnu/security/pam_sparekey.so", "");
    facts_["/usr/lib/x86_64-linux-gnu/security/pam_sparekey.so"] = {FileKind::kFile, 0, 0644};
  }
  Findings Check(const std::string& sshd) {
    Write("/etc/pam.d/sshd", sshd);
    return CheckPam(system_, testing::SoundFacts());
  }
  Findings CheckAuth(const std::string& auth) { return Check(auth + kRest); }
};

TEST_F(DoctorPam, IsContentWithTheExampleOfTheGuide) {
  const Findings findings =
      CheckAuth("auth requisite pam_unix.so\nauth required pam_sparekey.so\n");
  EXPECT_THAT(Ids(findings), ElementsAre("pam.order"));
  EXPECT_EQ(findings[0].severity, Severity::kOk);
}

TEST_F(DoctorPam, IsContentWithTheExampleFileThatIsInstalled) {
  const auto findings = Check(testing::ReadWholeFile(EXAMPLE_PAM_FILE));
  EXPECT_THAT(Ids(findings), ElementsAre("pam.order"));
}

// Debian 12's file with the lines of the guide, comments left out.
TEST_F(DoctorPam, IsContentWithDebiansFileAndTheLinesOfTheGuide) {
  const auto findings = Check(
      "@include common-auth\n"
      "auth       required     pam_sparekey.so\n"
      "account    required     pam_nologin.so\n"
      "account    required     pam_sparekey.so\n"
      "@include common-account\n"
      "session [success=ok ignore=ignore module_unknown=ignore default=bad]  pam_selinux.so close\n"
      "session    required     pam_loginuid.so\n"
      "session    optional     pam_keyinit.so force revoke\n"
      "@include common-session\n"
      "session    optional     pam_motd.so  motd=/run/motd.dynamic\n"
      "session    required     pam_env.so user_readenv=1 envfile=/etc/default/locale\n"
      "session [success=ok ignore=ignore module_unknown=ignore default=bad]  pam_selinux.so open\n"
      "session    optional     pam_sparekey.so\n"
      "@include common-password\n");
  EXPECT_THAT(Ids(findings), ElementsAre("pam.order"));
}

TEST_F(DoctorPam, UnderstandsDebiansJumpOverPamDeny) {
  EXPECT_THAT(Ids(CheckAuth("@include common-auth\nauth required pam_sparekey.so\n")),
              ElementsAre("pam.order"));
}

TEST_F(DoctorPam, UnderstandsJumpsOverSeveralModules) {
  Write("/etc/pam.d/common-auth",
        "auth [success=2 default=ignore] pam_unix.so nullok\n"
        "auth [success=1 default=ignore] pam_sss.so use_first_pass\n"
        "auth requisite pam_deny.so\nauth required pam_permit.so\n");
  EXPECT_THAT(Ids(CheckAuth("@include common-auth\nauth required pam_sparekey.so\n")),
              ElementsAre("pam.order"));
}

TEST_F(DoctorPam, IsContentWithFaillockAroundThePassword) {
  EXPECT_THAT(Ids(CheckAuth("auth required pam_faillock.so preauth\n"
                            "auth [success=1 default=bad] pam_unix.so\n"
                            "auth [default=die] pam_faillock.so authfail\n"
                            "auth sufficient pam_permit.so\n")),
              Contains("pam.no_auth_line"));
  EXPECT_THAT(Ids(CheckAuth("auth required pam_faillock.so preauth\n"
                            "auth [success=1 default=bad] pam_unix.so\n"
                            "auth [default=die] pam_faillock.so authfail\n"
                            "auth required pam_faillock.so authsucc\n"
                            "auth required pam_sparekey.so\n")),
              ElementsAre("pam.order"));
}

TEST_F(DoctorPam, SaysThatASufficientPasswordPassesTheCodeOver) {
  const auto findings = CheckAuth("auth sufficient pam_unix.so\nauth required pam_sparekey.so\n");
  EXPECT_THAT(Ids(findings), Contains("pam.code_passed_over"));
  EXPECT_THAT(Find(findings, "pam.code_passed_over").found, HasSubstr("pam_unix.so"));
  EXPECT_EQ(Find(findings, "pam.code_passed_over").severity, Severity::kProblem);
}

TEST_F(DoctorPam, SaysThatAJumpPassesTheCodeOver) {
  EXPECT_THAT(Ids(CheckAuth("auth [success=1 default=die] pam_unix.so\n"
                            "auth required pam_sparekey.so\nauth required pam_permit.so\n")),
              Contains("pam.code_passed_over"));
}

TEST_F(DoctorPam, SaysThatARequiredPasswordLetsTheCodeBeGuessedWithoutIt) {
  const auto findings = CheckAuth("auth required pam_unix.so\nauth required pam_sparekey.so\n");
  EXPECT_THAT(Ids(findings), ElementsAre("pam.first_factor_not_requisite"));
}

TEST_F(DoctorPam, SaysThatAnOptionalPasswordIsNone) {
  EXPECT_THAT(Ids(CheckAuth("auth optional pam_unix.so\nauth required pam_sparekey.so\n")),
              Contains("pam.wrong_password_accepted"));
}

TEST_F(DoctorPam, SeesThatASubstackEndsOnlyItself) {
  Write("/etc/pam.d/password", "auth requisite pam_unix.so\nauth required pam_env.so\n");
  EXPECT_THAT(Ids(CheckAuth("auth substack password\nauth required pam_sparekey.so\n")),
              ElementsAre("pam.first_factor_not_requisite"));
  EXPECT_THAT(Ids(CheckAuth("auth include password\nauth required pam_sparekey.so\n")),
              ElementsAre("pam.order"));
}

TEST_F(DoctorPam, TellsWhereSomeAccountsPassTheCodeOver) {
  const auto findings = CheckAuth(
      "auth requisite pam_unix.so\nauth sufficient pam_succeed_if.so user ingroup nocode\n"
      "auth required pam_sparekey.so\n");
  EXPECT_THAT(Ids(findings), ElementsAre("pam.code_passed_over_for_some"));
  EXPECT_EQ(findings[0].severity, Severity::kWarning);
}

TEST_F(DoctorPam, LooksBehindAConditionThatMustHold) {
  const std::string condition = "auth requisite pam_succeed_if.so uid >= 1000\n";
  EXPECT_THAT(Ids(CheckAuth(condition + "auth requisite pam_unix.so\n"
                                        "auth required pam_sparekey.so\n")),
              ElementsAre("pam.order"));
  EXPECT_THAT(Ids(CheckAuth(condition + "auth sufficient pam_unix.so\n"
                                        "auth required pam_sparekey.so\n")),
              Contains("pam.code_passed_over"));
  EXPECT_THAT(Ids(CheckAuth(condition + "auth required pam_unix.so\n"
                                        "auth required pam_sparekey.so\n")),
              ElementsAre("pam.first_factor_not_requisite"));
  EXPECT_THAT(Ids(CheckAuth(condition + "auth requisite pam_unix.so\n"
                                        "auth optional pam_sparekey.so\n")),
              ElementsAre("pam.denial_ignored"));
}

TEST_F(DoctorPam, SaysThatADenialIsIgnored) {
  for (const char* control : {"optional", "sufficient", "[success=ok default=ignore]"}) {
    EXPECT_THAT(Ids(CheckAuth(std::string("auth requisite pam_unix.so\nauth ") + control +
                              " pam_sparekey.so\n")),
                Contains("pam.denial_ignored"))
        << control;
  }
  const auto findings = CheckAuth(
      "auth requisite pam_unix.so\n"
      "auth [success=ok authinfo_unavail=ignore default=die] pam_sparekey.so\n");
  EXPECT_THAT(Find(findings, "pam.denial_ignored").found, HasSubstr("a service that is down"));
  EXPECT_THAT(Find(findings, "pam.denial_ignored").found, Not(HasSubstr("wrong code")));
}

TEST_F(DoctorPam, TellsAFirstFactorThatIsWaived) {
  EXPECT_THAT(Ids(CheckAuth("auth requisite pam_unix.so\n"
                            "auth required pam_sparekey.so first_factor=none\n")),
              ElementsAre("pam.first_factor_none"));
}

TEST_F(DoctorPam, TellsAStackForKeysAlone) {
  const auto findings = CheckAuth("auth required pam_sparekey.so\n");
  EXPECT_THAT(Ids(findings), ElementsAre("pam.no_first_factor"));
  EXPECT_EQ(findings[0].severity, Severity::kWarning);
}

TEST_F(DoctorPam, WantsTheAccountLineAboveCommonAccount) {
  const std::string auth = "auth requisite pam_unix.so\nauth required pam_sparekey.so\n";
  EXPECT_THAT(Ids(Check(auth + "@include common-account\naccount required pam_sparekey.so\n"
                               "session optional pam_sparekey.so\n")),
              ElementsAre("pam.account_passed_over"));
  EXPECT_THAT(Ids(Check(auth + "@include common-account\nsession optional pam_sparekey.so\n")),
              ElementsAre("pam.no_account_line"));
  EXPECT_THAT(Ids(Check(auth + "account optional pam_sparekey.so\naccount required pam_unix.so\n"
                               "session optional pam_sparekey.so\n")),
              ElementsAre("pam.account_denial_ignored"));
  EXPECT_THAT(Ids(Check(auth + "account sufficient pam_localuser.so\n"
                               "account required pam_sparekey.so\n"
                               "session optional pam_sparekey.so\n")),
              Contains("pam.account_passed_over"));
}

TEST_F(DoctorPam, WantsASessionLine) {
  const auto findings = Check(
      "auth requisite pam_unix.so\nauth required pam_sparekey.so\n"
      "account required pam_sparekey.so\n@include common-account\n");
  EXPECT_THAT(Ids(findings), ElementsAre("pam.no_session_line"));
  EXPECT_EQ(findings[0].severity, Severity::kWarning);
}

TEST_F(DoctorPam, SaysThatASharedFileIsTheWrongPlace) {
  Write("/etc/pam.d/common-auth", std::string(kCommonAuth) + "auth required pam_sparekey.so\n");
  const auto findings = CheckAuth("@include common-auth\n");
  EXPECT_THAT(Ids(findings), Contains("pam.shared_file"));
  EXPECT_THAT(Find(findings, "pam.shared_file").found, HasSubstr("/etc/pam.d/common-auth"));
}

TEST_F(DoctorPam, TakesALineInACommentForNone) {
  const auto findings = CheckAuth("@include common-auth\n# auth required pam_sparekey.so\n");
  EXPECT_THAT(Ids(findings), Contains("pam.no_auth_line"));
}

TEST_F(DoctorPam, ReadsContinuedLinesDashesAndCapitals) {
  EXPECT_THAT(Ids(CheckAuth("AUTH \\\n requisite \\\n pam_unix.so # why\n"
                            "-auth required pam_nothing_here.so\n"
                            "auth required /usr/lib/x86_64-linux-gnu/security/pam_sparekey.so\n")),
              Not(Contains("pam.no_auth_line")));
}

TEST_F(DoctorPam, LooksAtTheModuleFile) {
  const std::string auth = "auth requisite pam_unix.so\nauth required pam_sparekey.so\n";
  facts_["/usr/lib/x86_64-linux-gnu/security/pam_sparekey.so"] = {FileKind::kFile, 1000, 0644};
  EXPECT_THAT(Ids(CheckAuth(auth)), ElementsAre("pam.module_file"));
  facts_["/usr/lib/x86_64-linux-gnu/security/pam_sparekey.so"] = {FileKind::kFile, 0, 0664};
  EXPECT_THAT(Ids(CheckAuth(auth)), ElementsAre("pam.module_file"));
  facts_["/usr/lib/x86_64-linux-gnu/security/pam_sparekey.so"] = {};
  EXPECT_THAT(Ids(CheckAuth(auth)), ElementsAre("pam.module_missing"));
}

TEST_F(DoctorPam, SaysWhenSshAsksForNoCodeAtAll) {
  const std::string plain = "@include common-auth\n@include common-account\n";
  const auto findings = Check(plain);
  EXPECT_THAT(Ids(findings), ElementsAre("pam.not_used"));
  EXPECT_EQ(findings[0].severity, Severity::kProblem);
  OwnFacts nobody = testing::SoundFacts();
  nobody.accounts.clear();
  EXPECT_EQ(CheckPam(system_, nobody)[0].severity, Severity::kWarning);
}

TEST_F(DoctorPam, LooksForAPasswordInTheServiceForOwners) {
  const std::string sshd = "auth requisite pam_unix.so\nauth required pam_sparekey.so\n";
  const std::string installed = testing::ReadWholeFile(OWN_PAM_FILE);
  ASSERT_THAT(installed, HasSubstr("@include common-auth"));
  Write("/usr/lib/pam.d/sparekey", installed);
  EXPECT_THAT(Ids(CheckAuth(sshd)), ElementsAre("pam.order"));
  for (const char* auth : {"auth sufficient pam_rootok.so\nauth required pam_unix.so\n",
                           "auth required pam_permit.so\n",
                           "auth optional pam_unix.so\nauth required pam_permit.so\n"}) {
    Write("/etc/pam.d/sparekey", auth);
    EXPECT_THAT(Ids(CheckAuth(sshd)), ElementsAre("pam.own_service")) << auth;
  }
}

TEST_F(DoctorPam, SaysWhatPamCannotRead) {
  for (const char* bad :
       {"auth needed pam_unix.so\n", "auth required\n", "@include nowhere\n",
        "auth [success pam_unix.so\n", "auth [success=x] pam_unix.so\n", "@include sshd\n"}) {
    EXPECT_THAT(Ids(CheckAuth(bad)), ElementsAre("pam.unreadable")) << bad;
  }
}

TEST_F(DoctorPam, HasNothingToSayWithoutSshd) {
  std::filesystem::remove(folder_.path() + "/usr/sbin/sshd");
  EXPECT_THAT(Check(""), IsEmpty());
}

// How libpam decides, in the small.
class PamStackTest : public DoctorPam {
 protected:
  // Modules whose names begin with "good" accept, with "bad" deny.
  bool Accepts(const std::string& lines) {
    Write("/etc/pam.d/x", lines);
    const PamStack stack = ReadPamStack(system_, "x", "auth");
    EXPECT_THAT(stack.faults, IsEmpty());
    const PamOutcome outcome = RunPamStack(stack, [](const PamLine& line) {
      if (line.module.starts_with("good")) return PamCode::kSuccess;
      return line.module.starts_with("bad") ? PamCode::kAuthErr : PamCode::kIgnore;
    });
    reached_.clear();
    for (std::size_t i = 0; i < stack.lines.size(); ++i) {
      if (outcome.reached[i] && !stack.lines[i].module.empty()) {
        reached_ += (reached_.empty() ? "" : " ") + stack.lines[i].module;
      }
    }
    return outcome.accepted;
  }
  std::string reached_;
};

TEST_F(PamStackTest, DeniesWhereNobodyHasAccepted) {
  EXPECT_FALSE(Accepts(""));
  EXPECT_FALSE(Accepts("auth required neutral\n"));
  EXPECT_FALSE(Accepts("auth [success=1 default=ignore] good\nauth required bad\n"));
}

TEST_F(PamStackTest, GoesOnAfterRequiredAndEndsAtRequisite) {
  EXPECT_FALSE(Accepts("auth required bad\nauth required good\n"));
  EXPECT_EQ(reached_, "bad good");
  EXPECT_FALSE(Accepts("auth requisite bad\nauth required good\n"));
  EXPECT_EQ(reached_, "bad");
}

TEST_F(PamStackTest, EndsAtASufficientUnlessSomethingHasFailed) {
  EXPECT_TRUE(Accepts("auth sufficient good\nauth required bad\n"));
  EXPECT_EQ(reached_, "good");
  EXPECT_FALSE(Accepts("auth required bad\nauth sufficient good\nauth required good2\n"));
  EXPECT_EQ(reached_, "bad good good2");
}

TEST_F(PamStackTest, TakesASubstackForOneModuleWhenItJumps) {
  Write("/etc/pam.d/two", "auth required bad1\nauth required bad2\n");
  EXPECT_TRUE(
      Accepts("auth [success=1 default=ignore] good\nauth substack two\nauth required good2\n"));
  EXPECT_EQ(reached_, "good good2");
}

TEST_F(PamStackTest, EndsASubstackAloneAtItsSufficient) {
  Write("/etc/pam.d/one", "auth sufficient good\nauth required bad\n");
  Write("/etc/pam.d/other-one", "auth sufficient good3\nauth required bad3\n");
  EXPECT_TRUE(Accepts("auth substack one\nauth substack other-one\nauth required good2\n"));
  EXPECT_EQ(reached_, "good good3 good2");
}

TEST_F(PamStackTest, DeniesAJumpBehindTheEnd) {
  EXPECT_FALSE(
      Accepts("auth required good\nauth [success=3 default=ignore] good2\nauth required good3\n"));
}

TEST_F(PamStackTest, ForgetsWhatWasDecidedAtAReset) {
  EXPECT_TRUE(Accepts("auth required bad\nauth [success=reset] good\nauth required good2\n"));
}

}  // namespace
}  // namespace sparekey
