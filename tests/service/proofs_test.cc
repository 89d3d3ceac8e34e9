// SPDX-License-Identifier: Apache-2.0
// How an owner proves himself without root, by password and code, on that connection alone; and
// when a proof ends.
#include "service/proofs.h"

#include <gmock/gmock.h>

#include "tests/service/proofs_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(ProofsTest, PasswordAndCodeProveAnEnrolledOwner) {
  const Json ada = Enrol("ada");
  EXPECT_EQ(NewSheet(), "proof_needed");
  const Answer asked = BeginProof();
  ASSERT_EQ(asked.status, 200) << asked.body;
  EXPECT_EQ(asked.body["ask"][0]["id"], "code");
  EXPECT_EQ(NewSheet(), "proof_needed");  // the password is only half of it
  const Answer proven = GiveProof(asked, {{"code", CodeOf(ada)}});
  EXPECT_EQ(proven.body["verdict"], "accept");
  EXPECT_EQ(NewSheet(), "made");
  EXPECT_EQ(NewSheet(), "made");
  EXPECT_THAT(first_factor.asked, ElementsAre("ada"));
}

TEST_F(ProofsTest, TheProofIsThisConnectionsAlone) {
  const Json ada = Enrol("ada");
  ASSERT_EQ(Prove(ada, Owner(7)).body["verdict"], "accept");
  EXPECT_EQ(NewSheet(Owner(8)), "proof_needed");
  EXPECT_EQ(NewSheet(Owner(6)), "proof_needed");
  EXPECT_EQ(NewSheet(Owner(7)), "made");
}

TEST_F(ProofsTest, NobodyElseAnswersInAConversation) {
  const Json ada = Enrol("ada");
  const Answer asked = BeginProof(Owner(7));
  const Json code = {{"code", CodeOf(ada)}};
  EXPECT_EQ(GiveProof(asked, code, Owner(8)).status, 404);
  EXPECT_EQ(Give(asked, code).status, 404);  // root, by PAM's door
  EXPECT_EQ(NewSheet(Owner(8)), "proof_needed");
  EXPECT_EQ(GiveProof(asked, code, Owner(7)).body["verdict"], "accept");
}

TEST_F(ProofsTest, RepeatsItsVerdictToWhomeverGaveTheAnswer) {
  const Json ada = Enrol("ada");
  const Answer asked = BeginProof();
  const Json code = {{"code", CodeOf(ada)}};
  EXPECT_EQ(GiveProof(asked, code).body["verdict"], "accept");
  EXPECT_EQ(GiveProof(asked, code).body["verdict"], "accept");
  EXPECT_EQ(GiveProof(asked, code, Owner(8)).status, 404);
}

TEST_F(ProofsTest, ALoginOfPamIsNoProof) {
  const Json ada = Enrol("ada");
  const Answer login = Begin("ada");
  EXPECT_EQ(GiveProof(login, {{"code", CodeOf(ada)}}).status, 404);
  EXPECT_EQ(Give(login, {{"code", CodeOf(ada)}}).body["verdict"], "accept");
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, AConversationIsOfTheAccountItWasBegunFor) {
  people().emplace("ada2", Identity{"ada2", 1000, {}, false});
  const Json ada = Enrol("ada");
  const Answer asked = BeginProof();
  EXPECT_NE(GiveProof(asked, {{"code", CodeOf(ada)}}, Owner(), "ada2").status, 200);
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, AProofLastsFiveMinutes) {
  ASSERT_EQ(Prove(Enrol("ada")).body["verdict"], "accept");
  steady_now += kProofLifetime - std::chrono::seconds(1);
  EXPECT_EQ(NewSheet(), "made");
  steady_now += std::chrono::seconds(1);
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, AProofEndsWithTheService) {
  ASSERT_EQ(Prove(Enrol("ada")).body["verdict"], "accept");
  Restart();
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, AWrongPasswordIsAVerdictThatCountsNothing) {
  Enrol("ada");
  for (const std::string& password : {std::string("wrong"), std::string()}) {
    const Answer answer = BeginProof(Owner(), password);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body["verdict"], "deny");
    EXPECT_EQ(answer.body["reason"], "wrong_password");
    EXPECT_TRUE(answer.body["login"].is_null());
    EXPECT_THAT(answer.body["say"][0]["text"].get<std::string>(), HasSubstr("password"));
    EXPECT_EQ(GiveProof(answer, {{"code", "123456"}}).status, 404);
  }
  EXPECT_THAT(first_factor.asked, ElementsAre("ada"));  // nobody is asked about an empty one
  EXPECT_EQ(Show("ada")["otp_failures"], 0);
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, APasswordThatNobodyCanCheckProvesNothing) {
  Enrol("ada");
  first_factor.fails = true;
  const Answer answer = BeginProof();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, RefusesBodiesThatAreNoPassword) {
  Enrol("ada");
  for (const Json& body :
       {Json::object(), Json{{"password", 1}}, Json{{"password", nullptr}},
        Json{{"password", std::string(512, 'x')}}, Json{{"password", std::string("a\0b", 3)}}}) {
    EXPECT_EQ(Send("POST", "/v1/accounts/ada/proof", body, Owner()).status, 400) << body;
  }
  for (const Json& body : {Json::object(), Json{{"login", 1}}, Json{{"answers", Json::object()}}}) {
    EXPECT_EQ(Send("POST", "/v1/accounts/ada/proof/answers", body, Owner()).status, 400) << body;
  }
  EXPECT_EQ(Send("POST", "/v1/accounts/ada/proof/answers",
                 {{"login", ""}, {"answers", Json::object()}}, Owner())
                .status,
            404);
  EXPECT_THAT(first_factor.asked, IsEmpty());
}

TEST_F(ProofsTest, NobodyBeginsAProofForSomebodyElse) {
  Enrol("ada");
  for (const Peer& peer : {Owner(7, 1001), Owner(7, 0), Peer{SocketKind::kPam, 1000, 1000, 1, 7},
                           Peer{SocketKind::kPam, 0, 0, 1, 7}}) {
    EXPECT_EQ(BeginProof(peer).status, 403) << peer.uid;
  }
  EXPECT_THAT(first_factor.asked, IsEmpty());
}

TEST_F(ProofsTest, WrongCodesCountAsAtEveryDoorAndLock) {
  const Json ada = Enrol("ada");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(GiveProof(BeginProof(), {{"code", WrongCodeOf(ada)}}).body["reason"], "wrong_code");
  }
  EXPECT_EQ(Show("ada")["lockout"], "locked");
  EXPECT_EQ(NewSheet(), "proof_needed");
  const Json events = Send("GET", "/v1/events?limit=2").body["events"];
  EXPECT_EQ(events[0]["kind"], "lockout");
  EXPECT_EQ(events[0]["door"], "other");
  const Answer asked = BeginProof();
  EXPECT_EQ(asked.body["ask"][0]["id"], "backup_code_1");
  const Answer recovered = GiveProof(asked, {{"backup_code_1", ada["backup_codes"][0]},
                                             {"backup_code_2", ada["backup_codes"][1]}});
  EXPECT_EQ(recovered.body["reason"], "recovered");
  EXPECT_EQ(NewSheet(), "made");
}

TEST_F(ProofsTest, ARecoveryProvesToo) {
  const Json ada = Enrol("ada");
  const Answer asked = GiveProof(BeginProof(), {{"code", "recover"}});
  EXPECT_EQ(asked.body["ask"][0]["id"], "backup_code_1");
  EXPECT_EQ(GiveProof(asked, {{"backup_code_1", ada["backup_codes"][0]},
                              {"backup_code_2", ada["backup_codes"][1]}})
                .body["verdict"],
            "accept");
  EXPECT_EQ(NewSheet(), "made");
}

TEST_F(ProofsTest, ACodeOfALoginProvesNothingAgain) {
  const Json ada = Enrol("ada");
  const std::string code = CodeOf(ada);
  ASSERT_EQ(LogIn("ada", code).body["verdict"], "accept");
  EXPECT_EQ(GiveProof(BeginProof(), {{"code", code}}).body["verdict"], "deny");
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, AsksForACodeWhateverTheSettingsSpareAtTheDoors) {
  Enrol("ada");
  Send("PATCH", "/v1/settings",
       {{"enabled", "false"}, {"services.other", "false"}, {"exempt_groups", "ada"}});
  EXPECT_EQ(Begin("ada", "other").body["reason"], "not_required");
  EXPECT_EQ(BeginProof().body["ask"][0]["id"], "code");
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, ASuperLockoutDeniesTheProofAndEndsOneThatIsHeld) {
  const Json ada = Enrol("ada");
  ASSERT_EQ(Prove(ada).body["verdict"], "accept");
  for (int i = 0; i < 10; ++i) Recover("ada", {"0000-0000-0000-0000", "1111-1111-1111-1111"});
  EXPECT_EQ(NewSheet(), "not_allowed");
  const Answer denied = BeginProof(Owner(8));
  EXPECT_EQ(denied.body["reason"], "super_locked");
  EXPECT_THAT(denied.body["say"][0]["text"].get<std::string>(), HasSubstr("console"));
  EXPECT_EQ(Show("ada")["recovery_failures"], 10);
}

TEST_F(ProofsTest, ALockoutEndsAProofThatIsHeld) {
  const Json ada = Enrol("ada");
  ASSERT_EQ(Prove(ada).body["verdict"], "accept");
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada));
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, AConsoleResetEndsAProofThatIsHeldAndLeavesTheEnrolmentToRoot) {
  config.console.allow_root = true;
  const Json ada = Enrol("ada");
  ASSERT_EQ(Prove(ada).body["verdict"], "accept");
  ASSERT_EQ(Send("POST", "/v1/console/resets", {{"account", "ada"}}).status, 200);
  EXPECT_EQ(EnrolAsOwner().body["code"], "not_allowed");
  EXPECT_EQ(BeginProof(Owner(8)).body["reason"], "not_enrolled");
  EXPECT_EQ(EnrolAsOwner(Json::object(), Owner(8)).body["code"], "not_allowed");
}

TEST_F(ProofsTest, AProofEndsWhenSomebodyElseChangesTheAccount) {
  const Json ada = Enrol("ada");
  Prove(ada);
  EXPECT_EQ(Send("POST", "/v1/accounts/bob/enrolment", Json::object()).status, 201);
  EXPECT_EQ(NewSheet(), "made");  // bob is somebody else
  EXPECT_EQ(Send("POST", "/v1/accounts/ada/unlock").status, 200);
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, AProofOfBeforeAResetOpensNothingOfTheNewEnrolment) {
  Prove(Enrol("ada"));
  config.console.allow_root = true;
  ASSERT_EQ(Send("POST", "/v1/console/resets", {{"account", "ada"}}).status, 200);
  Enrol("ada");
  EXPECT_EQ(NewSheet(), "proof_needed");
}

TEST_F(ProofsTest, TheDirectorysSpellingOfANameCounts) {
  people().emplace("ADA", Identity{"ada", 1000, {}, false});
  const Json ada = Enrol("ada");
  const Answer asked = BeginProof(Owner(), "correct horse", "ADA");
  EXPECT_EQ(GiveProof(asked, {{"code", CodeOf(ada)}}, Owner(), "ADA").body["verdict"], "accept");
  EXPECT_THAT(first_factor.asked, ElementsAre("ada"));
  EXPECT_EQ(NewSheet(), "made");
  EXPECT_EQ(Send("POST", "/v1/accounts/ADA/backup-codes", Json::object(), Owner()).status, 201);
  EXPECT_EQ(Show("ada")["sheet"], 3);
}

TEST_F(ProofsTest, ADirectoryThatHangsProvesNobody) {
  const Json ada = Enrol("ada");
  const Answer asked = BeginProof();
  directory.hangs = true;
  EXPECT_EQ(GiveProof(asked, {{"code", CodeOf(ada)}}).status, 403);
  EXPECT_EQ(BeginProof(Owner(8)).status, 403);
  directory.hangs = false;
  EXPECT_EQ(GiveProof(asked, {{"code", CodeOf(ada)}}).body["verdict"], "accept");
}

TEST_F(ProofsTest, ManyConversationsOfOwnersLeavePamsLoginsAlone) {
  Enrol("ada");
  const Json bob = Enrol("bob");
  const Answer login = Begin("bob");
  for (std::uint64_t i = 0; i < 8193; ++i) BeginProof(Owner(100 + i));
  EXPECT_EQ(Give(login, {{"code", CodeOf(bob)}}).body["verdict"], "accept");
}
}  // namespace
}  // namespace sparekey::testing
