// SPDX-License-Identifier: Apache-2.0
// Enrolments of a list (POST /v1/enrolments) against the real store.
#include "service/listed_enrolments.h"

#include <gmock/gmock.h>

#include "tests/support/service_fixture.h"

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kSecret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";       // RFC 4226 appendix D
constexpr char kOtherSecret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR";  // another last bit

class ListedEnrolmentsTest : public testing::ServiceTest {
 protected:
  static Json One(const std::string& name, Json wishes = Json::object()) {
    wishes["account"] = name;
    if (!wishes.contains("secret")) wishes["secret"] = kSecret;
    return wishes;
  }
  // A vector: compilers differ in what one pair of braces around one JSON value is.
  testing::Answer Enrol(const std::vector<Json>& accounts) {
    return Send("POST", "/v1/enrolments", {{"accounts", accounts}});
  }
  // The result of each account, or the code of its error.
  std::vector<std::string> ResultsOf(const testing::Answer& answer) {
    std::vector<std::string> results;
    EXPECT_EQ(answer.status, 200) << answer.body;
    for (const Json& one : answer.body["results"]) {
      results.push_back(one.contains("error") ? one["error"]["code"] : one["result"]);
    }
    return results;
  }
  std::string Code(int steps = 0) const {
    return CodeOf({{"digits", 6}, {"interval", 30}, {"algorithm", "sha1"}, {"secret", kSecret}},
                  steps);
  }
  std::vector<std::string> KindsOf(const std::string& name) {
    std::vector<std::string> kinds;
    const Json body = Send("GET", "/v1/events?account=" + name).body;
    for (const Json& event : body["events"]) kinds.push_back(event["kind"]);
    return kinds;
  }
};

TEST_F(ListedEnrolmentsTest, MakesEveryAccountActiveAtOnceWithoutASheet) {
  const auto answer = Enrol({One("ada", {{"label", "phone"}}), One("bob")});
  EXPECT_THAT(ResultsOf(answer), ElementsAre("enrolled", "enrolled"));
  EXPECT_EQ(answer.body["results"][0]["account"], "ada");
  EXPECT_THAT(answer.body.dump(), ::testing::Not(HasSubstr(kSecret)));
  const Json ada = Show("ada");
  EXPECT_EQ(ada["enrolment"], "active");
  EXPECT_EQ(ada["authenticators"][0]["label"], "phone");
  EXPECT_EQ(ada["sheet"], Json());
  EXPECT_EQ(ada["administrator"], true);
  EXPECT_EQ(LogIn("ada", Code()).body["verdict"], "accept");
  EXPECT_EQ(LogIn("bob", Code()).body["verdict"], "accept");
}

TEST_F(ListedEnrolmentsTest, TellsOfAllByOneEventAnAccount) {
  Enrol({One("ada", {{"label", "phone"}})});
  EXPECT_THAT(KindsOf("ada"), ElementsAre("enrolment_finished"));
  EXPECT_EQ(Send("GET", "/v1/events").body["events"][0]["detail"],
            "phone, without a proof, from a list");
}

TEST_F(ListedEnrolmentsTest, ChangesNothingWhenItIsAskedAgain) {
  const Json list = {One("ada", {{"label", "phone"}, {"digits", 8}}),
                     One("bob", {{"type", "hotp"}, {"counter", 5}})};
  Enrol(list);
  const Json ada = Show("ada");
  EXPECT_THAT(ResultsOf(Enrol(list)), ElementsAre("unchanged", "unchanged"));
  EXPECT_EQ(Show("ada"), ada);
  EXPECT_THAT(KindsOf("ada"), ElementsAre("enrolment_finished"));
}

TEST_F(ListedEnrolmentsTest, SaysUnchangedAlsoAfterTheAuthenticatorWasUsed) {
  Enrol({One("ada")});
  EXPECT_EQ(LogIn("ada", Code()).body["verdict"], "accept");
  EXPECT_THAT(ResultsOf(Enrol({One("ada")})), ElementsAre("unchanged"));
  EXPECT_EQ(LogIn("ada", Code()).body["verdict"], "deny");  // it stays spent
}

TEST_F(ListedEnrolmentsTest, RefusesAnAccountThatHasAnotherAuthenticator) {
  Enrol({One("ada", {{"label", "phone"}})});
  for (const Json& other :
       {Json{{"label", "tablet"}}, Json{{"label", "phone"}, {"secret", kOtherSecret}},
        Json{{"label", "phone"}, {"digits", 7}}, Json{{"label", "phone"}, {"interval", 60}},
        Json{{"label", "phone"}, {"algorithm", "sha256"}},
        Json{{"label", "phone"}, {"type", "hotp"}}}) {
    EXPECT_THAT(ResultsOf(Enrol({One("ada", other)})), ElementsAre("conflict")) << other;
  }
  EXPECT_EQ(LogIn("ada", Code()).body["verdict"], "accept");
}

TEST_F(ListedEnrolmentsTest, LeavesTheOthersWhereOneCannotBeEnrolled) {
  const auto answer = Enrol({One("a:b"), One("nobody"), One("ada", {{"secret", "AAAA"}}),
                             One("ada", {{"digits", 9}}), Json{{"account", "ada"}}, Json("ada"),
                             One("bob"), One("ada", {{"interval", "x"}})});
  EXPECT_THAT(ResultsOf(answer), ElementsAre("invalid", "not_found", "invalid", "invalid",
                                             "invalid", "invalid", "enrolled", "invalid"));
  EXPECT_EQ(Show("ada")["enrolment"], "none");
  EXPECT_EQ(Show("bob")["enrolment"], "active");
}

TEST_F(ListedEnrolmentsTest, TakesTheSecondOfTwoLinesOfOneAccountAsItStandsThen) {
  EXPECT_THAT(ResultsOf(Enrol({One("ada"), One("ada"), One("ada", {{"secret", kOtherSecret}})})),
              ElementsAre("enrolled", "unchanged", "conflict"));
}

TEST_F(ListedEnrolmentsTest, GivesAUidThatTwoNamesHaveToTheFirstAlone) {
  people().emplace("ada2", Identity{"ada2", 1000, {"ada2"}, false});
  EXPECT_THAT(ResultsOf(Enrol({One("ada"), One("ada2")})), ElementsAre("enrolled", "conflict"));
  EXPECT_THAT(ResultsOf(Enrol({One("ada2")})), ElementsAre("conflict"));
  EXPECT_EQ(LogIn("ada", Code()).body["verdict"], "accept");
}

TEST_F(ListedEnrolmentsTest, GivesAUidThatChangedHandsToItsNewHolder) {
  Enrol({One("bob")});
  people().erase("bob");
  people().emplace("carol", Identity{"carol", 1001, {"carol"}, false});
  EXPECT_THAT(ResultsOf(Enrol({One("carol")})), ElementsAre("enrolled"));
  EXPECT_EQ(LogIn("carol", Code()).body["verdict"], "accept");
}

TEST_F(ListedEnrolmentsTest, VoidsASheetThatWasAnotherPersons) {
  ServiceTest::Enrol("bob");
  EXPECT_NE(Show("bob")["sheet"], Json());
  people().at("bob").uid = 2002;
  EXPECT_THAT(ResultsOf(Enrol({One("bob")})), ElementsAre("enrolled"));
  EXPECT_EQ(Show("bob")["sheet"], Json());
}

TEST_F(ListedEnrolmentsTest, SaysWhichSheetAnAccountHasThatIsUnchanged) {
  Enrol({One("ada")});
  EXPECT_EQ(Enrol({One("ada")}).body["results"][0]["sheet"], Json());
  EXPECT_EQ(Send("POST", "/v1/accounts/ada/backup-codes").status, 201);
  EXPECT_EQ(Enrol({One("ada")}).body["results"][0]["sheet"], 1);
}

TEST_F(ListedEnrolmentsTest, IsRefusedAsAWholeUnderASuperLockoutOfTheSystem) {
  const Json ada = ServiceTest::Enrol("ada");
  Send("PATCH", "/v1/settings", {{"backup_codes.max_attempts", "1"}, {"lockout.scope", "system"}});
  Recover("ada", {"0000000000000000", "1000000000000000"});
  EXPECT_EQ(Enrol({One("bob")}).status, 403);
  EXPECT_EQ(Show("bob")["enrolment"], "none");
}

TEST_F(ListedEnrolmentsTest, RefusesAnAccountAloneThatIsSuperLocked) {
  ServiceTest::Enrol("bob");
  Send("PATCH", "/v1/settings", {{"backup_codes.max_attempts", "1"}, {"lockout.scope", "account"}});
  Recover("bob", {"0000000000000000", "1000000000000000"});
  EXPECT_EQ(Show("bob")["lockout"], "super_locked");
  EXPECT_THAT(ResultsOf(Enrol({One("bob"), One("ada")})), ElementsAre("not_allowed", "enrolled"));
}

TEST_F(ListedEnrolmentsTest, EnrolsNobodyWhoseDirectoryDoesNotAnswer) {
  directory.hangs = true;
  EXPECT_THAT(ResultsOf(Enrol({One("ada")})), ElementsAre("unavailable"));
  directory.hangs = false;
  people().at("bob").groups_complete = false;
  EXPECT_THAT(ResultsOf(Enrol({One("ada"), One("bob")})), ElementsAre("enrolled", "unavailable"));
}

TEST_F(ListedEnrolmentsTest, FailsAsAWholeWhereTheStoreFails) {
  faults.fails = true;
  EXPECT_EQ(Enrol({One("ada"), One("bob")}).status, 503);
  faults.fails = false;
  EXPECT_EQ(Show("ada")["enrolment"], "none");
}

TEST_F(ListedEnrolmentsTest, IsForRootAlone) {
  const Peer ada{SocketKind::kApi, 1000, 1000, getpid(), 1};
  EXPECT_EQ(Send("POST", "/v1/enrolments", {{"accounts", {One("ada")}}}, ada).status, 403);
}

TEST_F(ListedEnrolmentsTest, TakesNoListThatIsEmptyOrTooLong) {
  for (const Json& bad : {Json::array(), Json("ada"), Json()}) {
    EXPECT_EQ(Send("POST", "/v1/enrolments", {{"accounts", bad}}).status, 400);
  }
  Json list = Json::array();
  for (std::size_t i = 0; i <= ListedEnrolments::kMostAccounts; ++i) {
    list.push_back(One("nobody" + std::to_string(i)));
  }
  EXPECT_EQ(Enrol(list).status, 400);
  list.erase(0);
  EXPECT_EQ(Enrol(list).status, 200);
}

// Counts how many look-ups wait for their answer.
class PatientDirectory : public Directory {
 public:
  explicit PatientDirectory(Directory& inner) : inner_(inner) {}
  void Lookup(std::string name, Found found) override {
    most = std::max(most, ++waiting);
    inner_.Lookup(std::move(name), [this, found = std::move(found)](auto identity) {
      --waiting;
      found(std::move(identity));
    });
  }
  std::size_t waiting = 0, most = 0;

 private:
  Directory& inner_;
};

TEST_F(ListedEnrolmentsTest, AsksTheDirectoryForAFewNamesAtOnce) {
  PatientDirectory patient(directory);
  Json list = Json::array();
  for (int i = 0; i < 20; ++i) {
    const std::string name = "user" + std::to_string(i);
    people().emplace(name, Identity{name, static_cast<uid_t>(3000 + i), {name}, false});
    list.push_back(One(name));
  }
  Backend watched{*decider,
                  patient,
                  self_directory,
                  *hashes,
                  backend->post,
                  backend->after,
                  backend->clock,
                  testing::kBuilt,
                  "host",
                  code_key,
                  config,
                  true,
                  0,
                  first_factor};
  const ListedEnrolments listed(watched);
  HttpRequest request;
  request.body = SecretBytes(Json{{"accounts", list}}.dump());
  std::optional<int> status;
  listed.Enrol(request, [&](HttpResponse response) { status = response.status; });
  queue.RunUntil([&] { return status.has_value(); });
  EXPECT_EQ(status, 200);
  EXPECT_EQ(patient.most, ListedEnrolments::kMostLookups);
  EXPECT_EQ(Show("user19")["enrolment"], "active");
}

TEST_F(ListedEnrolmentsTest, LetsOneMoreRequestWaitForAnother) {
  std::vector<int> statuses;
  const auto keep = [&](HttpResponse response) { statuses.push_back(response.status); };
  for (int i = 0; i <= ListedEnrolments::kMostRequests; ++i) {
    Start("POST", "/v1/enrolments", {{"accounts", {One("ada")}}}, std::nullopt, keep);
  }
  EXPECT_THAT(statuses, ElementsAre(429));
  queue.RunUntil([&] { return statuses.size() == ListedEnrolments::kMostRequests + 1; });
  EXPECT_THAT(ResultsOf(Enrol({One("bob")})), ElementsAre("enrolled"));
}

}  // namespace
}  // namespace sparekey
