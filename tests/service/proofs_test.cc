// SPDX-License-Identifier: Apache-2.0
// What an account's owner may do without root: after password and code, on that connection alone.
#include "service/proofs.h"

#include <gmock/gmock.h>

#include "tests/support/service_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSheet[] = "/v1/accounts/ada/backup-codes";
constexpr char kEnrolment[] = "/v1/accounts/ada/enrolment";
constexpr char kAdd[] = "/v1/accounts/ada/authenticators";

class ProofsTest : public ServiceTest {
 protected:
  static Peer Owner(std::uint64_t connection = 7, uid_t uid = 1000) {
    return {SocketKind::kApi, uid, uid, getpid(), connection};
  }
  Answer BeginProof(const Peer& peer = Owner(), const std::string& password = "correct horse",
                    const std::string& name = "ada") {
    return Send("POST", "/v1/accounts/" + name + "/proof", {{"password", password}}, peer);
  }
  Answer GiveProof(const Answer& login, const Json& answers, const Peer& peer = Owner(),
                   const std::string& name = "ada") {
    return Send("POST", "/v1/accounts/" + name + "/proof/answers",
                {{"login", login.body.value("login", "")}, {"answers", answers}}, peer);
  }
  // With the code of the next step, so that several proofs in a row need no waiting.
  Answer Prove(const Json& enrolment, const Peer& peer = Owner()) {
    now += std::chrono::seconds(30);
    return GiveProof(BeginProof(peer), {{"code", CodeOf(enrolment)}}, peer);
  }
  std::string NewSheet(const Peer& peer = Owner()) {
    const Answer answer = Send("POST", kSheet, Json::object(), peer);
    return answer.status == 201 ? "made" : answer.body.value("code", "?");
  }
  Answer EnrolAsOwner(const Json& wishes = Json::object(), const Peer& peer = Owner()) {
    return Send("POST", kEnrolment, wishes, peer);
  }
};

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

TEST_F(ProofsTest, AnOwnerEnrolsByThePasswordAloneAndProvesTheNewAuthenticator) {
  EXPECT_EQ(EnrolAsOwner().body["code"], "proof_needed");
  const Answer proven = BeginProof();
  EXPECT_EQ(proven.body["verdict"], "accept");
  EXPECT_EQ(proven.body["reason"], "not_required");
  EXPECT_EQ(EnrolAsOwner(Json::object(), Owner(8)).body["code"], "proof_needed");
  const Answer begun = EnrolAsOwner();
  ASSERT_EQ(begun.status, 201) << begun.body;
  EXPECT_EQ(begun.body["enrolment"], "pending");
  const std::string confirmation = std::string(kEnrolment) + "/confirmation";
  const Json code = {{"code", CodeOf(begun.body)}};
  EXPECT_EQ(Send("POST", confirmation, code, Owner(8)).body["code"], "proof_needed");
  EXPECT_EQ(Send("POST", confirmation, code, Owner()).body["enrolment"], "active");
}

TEST_F(ProofsTest, APasswordAloneProvesNothingOnceTheAccountIsEnrolled) {
  ASSERT_EQ(BeginProof().body["verdict"], "accept");
  Enrol("ada");
  EXPECT_EQ(NewSheet(), "proof_needed");
  EXPECT_EQ(EnrolAsOwner().body["code"], "proof_needed");
}

TEST_F(ProofsTest, OnlyRootEnrolsWithoutACodeOrAgainstTheSettings) {
  ASSERT_EQ(BeginProof().body["verdict"], "accept");
  for (const Json& wish : {Json{{"confirm", false}}, Json{{"digits", 8}}, Json{{"interval", 60}},
                           Json{{"algorithm", "sha256"}}, Json{{"type", "hotp"}}}) {
    const Answer answer = EnrolAsOwner(wish);
    EXPECT_EQ(answer.status, 403) << wish;
    EXPECT_EQ(answer.body["code"], "not_allowed");
    EXPECT_THAT(answer.body["detail"].get<std::string>(), HasSubstr("root"));
  }
  EXPECT_EQ(Show("ada")["enrolment"], "none");
  EXPECT_EQ(EnrolAsOwner({{"digits", 6}, {"type", "totp"}, {"label", "phone"}}).status, 201);
}

TEST_F(ProofsTest, AuthenticatorsAreTheOwnersAfterAProof) {
  const Json ada = Enrol("ada", {{"label", "phone"}});
  const std::string authenticators = "/v1/accounts/ada/authenticators";
  const std::vector<std::tuple<std::string, std::string, Json>> changes = {
      {"POST", authenticators, {{"label", "tablet"}}},
      {"PUT", authenticators + "/phone", Json::object()},
      {"DELETE", authenticators + "/tablet", Json()},
      {"POST", "/v1/accounts/ada/resync", {{"first", "123456"}, {"second", "123456"}}}};
  for (const auto& [method, target, body] : changes) {
    EXPECT_EQ(Send(method, target, body, Owner()).body["code"], "proof_needed") << target;
  }
  EXPECT_EQ(Send("GET", authenticators, Json(), Owner()).status, 200);
  ASSERT_EQ(Prove(ada).body["verdict"], "accept");
  std::vector<int> statuses;
  for (const auto& [method, target, body] : changes) {
    statuses.push_back(Send(method, target, body, Owner()).status);
  }
  EXPECT_THAT(statuses, ElementsAre(201, 201, 404, 409));
  for (const Json& wish : {Json{{"confirm", false}}, Json{{"digits", 8}}, Json{{"type", "hotp"}}}) {
    Json body = wish;
    body["label"] = "key";
    EXPECT_EQ(Send("POST", authenticators, body, Owner()).body["code"], "not_allowed") << wish;
    EXPECT_EQ(Send("PUT", authenticators + "/phone", wish, Owner()).body["code"], "not_allowed");
  }
}

TEST_F(ProofsTest, AnotherNameOfTheUidProvesNothingAboutTheAccount) {
  people().emplace("ada2", Identity{"ada2", 1000, {}, false});
  Enrol("ada");
  const Answer denied = BeginProof(Owner(), "correct horse", "ada2");
  EXPECT_EQ(denied.body["reason"], "identity_changed");
  EXPECT_EQ(NewSheet(), "proof_needed");
  EXPECT_EQ(Send("POST", "/v1/accounts/ada2/enrolment", Json::object(), Owner()).body["code"],
            "not_allowed");
}

TEST_F(ProofsTest, WhatIsRootsStaysRoots) {
  ASSERT_EQ(Prove(Enrol("ada")).body["verdict"], "accept");
  for (const auto& [method, target] : std::vector<std::pair<std::string, std::string>>{
           {"DELETE", "/v1/accounts/ada"},
           {"POST", "/v1/accounts/ada/unlock"},
           {"GET", "/v1/accounts"},
           {"PATCH", "/v1/settings"},
           {"PUT", "/v1/ssh-gate"},
           {"GET", "/v1/events"},
           {"POST", "/v1/accounts/bob/enrolment"},
           {"POST", "/v1/accounts/bob/backup-codes"}}) {
    const Answer answer = Send(method, target, Json::object(), Owner());
    EXPECT_EQ(answer.status, 403) << target;
    EXPECT_EQ(answer.body["code"], "not_allowed") << target;
  }
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

TEST_F(ProofsTest, APasswordAloneMakesNoSheetEvenIfTheAccountIsEnrolledMeanwhile) {
  EXPECT_EQ(BeginProof().body["verdict"], "accept");
  for (const auto& [method, target] :
       {std::pair("POST", std::string(kSheet)), std::pair("POST", std::string(kAdd)),
        std::pair("DELETE", std::string(kAdd) + "/phone")}) {
    EXPECT_EQ(Send(method, target, {{"label", "x"}}, Owner()).status, 404) << target;
  }
}

TEST_F(ProofsTest, ChangesComeAtABoundedRate) {
  Prove(Enrol("ada"));
  int made = 0;
  while (Send("POST", kAdd, {{"label", "x"}}, Owner()).status == 201) ++made;
  EXPECT_EQ(made, Selves::kMostChangesAtOnce);
  EXPECT_EQ(Send("POST", kAdd, {{"label", "x"}}, Owner()).body["code"], "busy");
  EXPECT_EQ(Send("POST", kAdd, {{"label", "x"}}).status, 201);  // root
}

TEST(Selves, ARequestThatIsNeverAnsweredLeavesTheNextOneIn) {
  const auto selves = std::make_shared<Selves>();
  auto lost = Selves::Enter(selves, 1000);
  EXPECT_FALSE(Selves::Enter(selves, 1000));
  EXPECT_TRUE(Selves::Enter(selves, 1001));
  lost.reset();
  const auto answered = Selves::Enter(selves, 1000);
  ASSERT_TRUE(answered);
  answered->End();
  const auto next = Selves::Enter(selves, 1000);
  EXPECT_TRUE(next);
  answered->End();  // once more is none
  EXPECT_FALSE(Selves::Enter(selves, 1000));
}

TEST(Selves, GiveBackWhatTimePaysOff) {
  Selves selves;
  std::chrono::steady_clock::time_point now{};
  for (int i = 0; i < Selves::kMostChangesAtOnce; ++i) EXPECT_TRUE(selves.MayChange(1000, now));
  EXPECT_FALSE(selves.MayChange(1000, now));
  EXPECT_TRUE(selves.MayChange(1001, now));
  now += Selves::kChangeEvery;
  EXPECT_TRUE(selves.MayChange(1000, now));
  EXPECT_FALSE(selves.MayChange(1000, now));
}

TEST_F(ProofsTest, AUidOrNameInDoubtIsRootsBusiness) {
  Enrol("bob");
  people().erase("bob");
  people().at("ada").uid = 1001;  // bob's number before
  const Peer heir = Owner(7, 1001);
  EXPECT_EQ(BeginProof(heir).body["reason"], "identity_changed");
  EXPECT_EQ(EnrolAsOwner(Json::object(), heir).body["code"], "not_allowed");

  people().at("ada").uid = 1000;
  const Json ada = Enrol("ada");
  ASSERT_EQ(Prove(ada).body["verdict"], "accept");
  people().at("ada").uid = 1002;
  EXPECT_EQ(NewSheet(), "not_allowed");
  EXPECT_EQ(BeginProof(Owner(7, 1002)).status, 403);  // the record is uid 1000's
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

TEST_F(ProofsTest, OwnersAskTheDirectoryOfTheirOwnOnly) {
  ASSERT_EQ(BeginProof().body["verdict"], "accept");
  const int before = self_directory.lookups;
  ASSERT_EQ(EnrolAsOwner().status, 201);
  EXPECT_EQ(self_directory.lookups, before + 2);
}

TEST_F(ProofsTest, ManyConversationsOfOwnersLeavePamsLoginsAlone) {
  Enrol("ada");
  const Json bob = Enrol("bob");
  const Answer login = Begin("bob");
  for (std::uint64_t i = 0; i < 8193; ++i) BeginProof(Owner(100 + i));
  EXPECT_EQ(Give(login, {{"code", CodeOf(bob)}}).body["verdict"], "accept");
}

TEST(ProofTable, KeepsABoundedNumberAndGivesUpTheOldest) {
  ProofTable table;
  const ProofTable::TimePoint start{};
  const auto peer = [](std::uint64_t connection) {
    return Peer{SocketKind::kApi, 1000, 1000, 1, connection};
  };
  for (std::uint64_t i = 0; i <= kMostProofs; ++i) {
    table.Add(i, {"ada", 1000, true, {}}, start + std::chrono::milliseconds(i));
  }
  EXPECT_EQ(table.size(), kMostProofs);
  EXPECT_EQ(table.Find(peer(0), "ada", start), nullptr);
  EXPECT_NE(table.Find(peer(1), "ada", start), nullptr);
  EXPECT_NE(table.Find(peer(kMostProofs), "ada", start), nullptr);
  table.Add(5, {"ada", 1000, true, {}}, start + std::chrono::hours(1));
  EXPECT_EQ(table.size(), 1U);
}

TEST(ProofTable, AProofCountsForItsConnectionUidAndAccount) {
  ProofTable table;
  const ProofTable::TimePoint start{};
  table.Add(7, {"ada", 1000, true, {}}, start);
  const Peer owner{SocketKind::kApi, 1000, 1000, 1, 7};
  Peer other = owner;
  EXPECT_NE(table.Find(owner, "ada", start), nullptr);
  EXPECT_EQ(table.Find(owner, "bob", start), nullptr);
  EXPECT_EQ(table.Find(owner, "ada", start + kProofLifetime), nullptr);
  other.uid = 1001;
  EXPECT_EQ(table.Find(other, "ada", start), nullptr);
  other = owner;
  other.connection = 8;
  EXPECT_EQ(table.Find(other, "ada", start), nullptr);
}

}  // namespace
}  // namespace sparekey::testing
