// SPDX-License-Identifier: Apache-2.0
// What an account's owner may change after a proof, and what stays root's.
#include <gmock/gmock.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "service/proofs.h"
#include "tests/service/proofs_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kAdd[] = "/v1/accounts/ada/authenticators";

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

TEST_F(ProofsTest, OwnersAskTheDirectoryOfTheirOwnOnly) {
  ASSERT_EQ(BeginProof().body["verdict"], "accept");
  const int before = self_directory.lookups;
  ASSERT_EQ(EnrolAsOwner().status, 201);
  EXPECT_EQ(self_directory.lookups, before + 2);
}
}  // namespace
}  // namespace sparekey::testing
