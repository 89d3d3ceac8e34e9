// SPDX-License-Identifier: Apache-2.0
// Several authenticators of one account: adding, renewing, removing, and resynchronising HOTP.
#include <gmock/gmock.h>

#include "tests/support/service_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kAdd[] = "/v1/accounts/ada/authenticators";
constexpr char kConfirm[] = "/v1/accounts/ada/enrolment/confirmation";
constexpr char kSecret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

class AuthenticatorsTest : public ServiceTest {
 protected:
  static std::string HotpCode(const Json& made, std::uint64_t counter) {
    const auto secret = DecodeBase32(made["secret"].get<std::string>());
    return std::string(
        ComputeOtp(HashAlgorithm::kSha1, *secret, counter, made["digits"]).ExposeText());
  }
  std::vector<std::string> Labels() {
    std::vector<std::string> labels;
    const Json list = Send("GET", kAdd).body["authenticators"];
    for (const Json& one : list) labels.push_back(one["label"]);
    return labels;
  }
  Json Add(const std::string& label, Json wishes = Json::object()) {
    wishes["label"] = label;
    wishes["confirm"] = false;
    const Answer answer = Send("POST", kAdd, wishes);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.body;
  }
  Answer Confirm(const std::string& code) { return Send("POST", kConfirm, {{"code", code}}); }
  std::string NewestEvent() {
    const Json events = Send("GET", "/v1/events?limit=1").body["events"];
    return events[0]["kind"].get<std::string>() + ": " + events[0]["detail"].get<std::string>();
  }
};

TEST_F(AuthenticatorsTest, AnAddedOneCountsOnceItIsProvenAndBesideTheFirst) {
  const Json phone = Enrol("ada");
  const Answer added = Send("POST", kAdd, {{"label", "YubiKey"}});
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.body["enrolment"], "pending");
  EXPECT_EQ(added.body["renews"], false);
  EXPECT_FALSE(added.body.contains("backup_codes"));
  EXPECT_EQ(LogIn("ada", CodeOf(added.body)).body["verdict"], "deny");
  EXPECT_EQ(Send("GET", kAdd).body["pending"]["label"], "YubiKey");

  const Answer proven = Confirm(CodeOf(added.body));
  EXPECT_EQ(proven.body["label"], "YubiKey");
  EXPECT_EQ(NewestEvent(), "authenticator_added: YubiKey");
  EXPECT_THAT(Labels(), ElementsAre("authenticator", "YubiKey"));
  EXPECT_EQ(LogIn("ada", CodeOf(added.body)).body["verdict"], "deny");  // spent by the proof
  EXPECT_EQ(LogIn("ada", CodeOf(added.body, 1)).body["verdict"], "accept");
  EXPECT_EQ(LogIn("ada", CodeOf(phone)).body["verdict"], "accept");  // a mark of its own
  EXPECT_EQ(Show("ada")["codes_left"], 10);                          // the sheet stays
}

TEST_F(AuthenticatorsTest, AllShareOneCounterOfFailures) {
  const Json phone = Enrol("ada", {{"digits", 6}});
  Add("eight", {{"digits", 8}});
  for (int i = 0; i < 3; ++i) LogIn("ada", WrongCodeOf(phone));
  for (int i = 0; i < 2; ++i) LogIn("ada", "00000000");
  EXPECT_EQ(Show("ada")["lockout"], "locked");
}

TEST_F(AuthenticatorsTest, EachSaysWhenItWasLastUsed) {
  const Json phone = Enrol("ada");
  Add("YubiKey");
  LogIn("ada", CodeOf(phone));
  const Json list = Send("GET", kAdd).body["authenticators"];
  EXPECT_EQ(list[0]["last_used"], FormatTime(now));
  EXPECT_TRUE(list[1]["last_used"].is_null());
}

TEST_F(AuthenticatorsTest, OneSecretUnderTwoLabelsSpendsEachCodeOnce) {
  const Json first = Enrol("ada", {{"secret", kSecret}});
  EXPECT_EQ(LogIn("ada", CodeOf(first)).body["verdict"], "accept");
  const Json second = Add("copy", {{"secret", kSecret}});
  const Answer again = LogIn("ada", CodeOf(second));
  EXPECT_EQ(again.body["verdict"], "deny");
  EXPECT_EQ(Show("ada")["otp_failures"], 0);  // a replay
  EXPECT_EQ(LogIn("ada", CodeOf(first, 1)).body["verdict"], "accept");
  EXPECT_EQ(LogIn("ada", CodeOf(first, 1)).body["verdict"], "deny");
  Send("DELETE", std::string(kAdd) + "/authenticator");
  EXPECT_EQ(LogIn("ada", CodeOf(second, 1)).body["verdict"], "deny");
}

TEST_F(AuthenticatorsTest, ASpentCodeProvesNoCopyOfItsSecret) {
  const Json first = Enrol("ada", {{"secret", kSecret}});
  LogIn("ada", CodeOf(first));
  Send("POST", kAdd, {{"label", "copy"}, {"secret", kSecret}});
  EXPECT_EQ(Confirm(CodeOf(first)).body["code"], "wrong_code");
  EXPECT_EQ(Confirm(CodeOf(first, 1)).status, 200);
  EXPECT_EQ(LogIn("ada", CodeOf(first, 1)).body["verdict"], "deny");
}

TEST_F(AuthenticatorsTest, RenewingKeepsTheOldSecretUntilTheNewOneIsProven) {
  const Json old = Enrol("ada", {{"label", "phone"}});
  const Answer renewal = Send("PUT", std::string(kAdd) + "/phone", Json::object());
  ASSERT_EQ(renewal.status, 201) << renewal.body;
  EXPECT_EQ(renewal.body["renews"], true);
  EXPECT_NE(renewal.body["secret"], old["secret"]);
  EXPECT_EQ(LogIn("ada", CodeOf(old)).body["verdict"], "accept");
  EXPECT_EQ(Show("ada")["pending"]["renews"], true);

  EXPECT_EQ(Confirm(CodeOf(renewal.body)).status, 200);
  EXPECT_EQ(NewestEvent(), "authenticator_renewed: phone");
  EXPECT_THAT(Labels(), ElementsAre("phone"));
  EXPECT_EQ(LogIn("ada", CodeOf(old, 1)).body["verdict"], "deny");
  EXPECT_EQ(LogIn("ada", CodeOf(renewal.body, 1)).body["verdict"], "accept");
}

TEST_F(AuthenticatorsTest, ARenewalThatIsNeverProvenEndsAfterADayAndTheOldSecretStays) {
  const Json old = Enrol("ada", {{"label", "phone"}});
  const Json renewal = Send("PUT", std::string(kAdd) + "/phone", Json::object()).body;
  now += std::chrono::hours(25);
  EXPECT_EQ(Confirm(CodeOf(renewal)).status, 409);
  EXPECT_TRUE(Show("ada")["pending"].is_null());
  EXPECT_EQ(LogIn("ada", CodeOf(old)).body["verdict"], "accept");
}

TEST_F(AuthenticatorsTest, AnEnrolmentThatIsNeverProvenIsForgottenAfterADay) {
  Send("POST", "/v1/accounts/ada/enrolment", Json::object());
  Send("POST", "/v1/accounts/bob/enrolment", Json::object());
  now += std::chrono::hours(23);
  Send("POST", "/v1/accounts/bob/enrolment", Json::object());
  now += std::chrono::hours(2);
  EXPECT_EQ(Show("ada")["enrolment"], "none");
  EXPECT_EQ(Show("bob")["enrolment"], "pending");
  EXPECT_EQ(Send("GET", "/v1/status").body["accounts"]["pending"], 2);
  routes->KeepHouse();
  EXPECT_EQ(Send("GET", "/v1/status").body["accounts"]["pending"], 1);
  EXPECT_EQ(NewestEvent(), "enrolment_removed: not confirmed within 24 hours");
}

TEST_F(AuthenticatorsTest, TheLastOneGoesOnlyWithTwoFactorItself) {
  Enrol("ada", {{"label", "phone"}});
  const Answer last = Send("DELETE", std::string(kAdd) + "/phone");
  EXPECT_EQ(last.status, 409);
  EXPECT_THAT(last.body["detail"].get<std::string>(), HasSubstr("sparekey user remove ada"));
  Add("my phone");
  EXPECT_EQ(Send("DELETE", std::string(kAdd) + "/phone").status, 204);
  EXPECT_EQ(NewestEvent(), "authenticator_removed: phone");
  EXPECT_THAT(Labels(), ElementsAre("my phone"));
  EXPECT_EQ(Send("DELETE", std::string(kAdd) + "/phone").status, 404);
}

TEST_F(AuthenticatorsTest, RefusesWhatHasNoPlace) {
  EXPECT_EQ(Send("POST", kAdd, {{"label", "x"}}).status, 404);  // not enrolled
  EXPECT_EQ(Send("GET", kAdd).status, 404);
  Enrol("ada", {{"label", "phone"}});
  EXPECT_EQ(Send("POST", kAdd, {{"label", "phone"}}).status, 409);
  EXPECT_EQ(Send("PUT", std::string(kAdd) + "/tablet", Json::object()).status, 404);
  for (const char* label : {"", "a/b", "a:b", "a\nb"}) {
    EXPECT_EQ(Send("POST", kAdd, {{"label", label}}).status, 400) << label;
  }
  EXPECT_EQ(Send("POST", kAdd, Json::object()).status, 400);
  for (const char* label : {"2", "3", "4", "5"}) Add(label);
  const Answer sixth = Send("POST", kAdd, {{"label", "6"}});
  EXPECT_EQ(sixth.status, 409);
  EXPECT_THAT(sixth.body["detail"].get<std::string>(), HasSubstr("5 authenticators"));
}

TEST_F(AuthenticatorsTest, NothingChangesUnderASuperLockout) {
  Enrol("ada", {{"label", "phone"}});
  Add("tablet");
  Json codes;
  for (int i = 0; i < 10; ++i) Recover("ada", {"0000-0000-0000-0000", "1111-1111-1111-1111"});
  EXPECT_EQ(Send("POST", kAdd, {{"label", "x"}}).status, 403);
  EXPECT_EQ(Send("PUT", std::string(kAdd) + "/phone", Json::object()).status, 403);
  EXPECT_EQ(Send("DELETE", std::string(kAdd) + "/phone").status, 403);
  EXPECT_EQ(
      Send("POST", "/v1/accounts/ada/resync", {{"first", "000000"}, {"second", "000000"}}).status,
      403);
  EXPECT_THAT(Labels(), ElementsAre("phone", "tablet"));
}

TEST_F(AuthenticatorsTest, SecretsAreAsLongAsTheHash) {
  Enrol("ada");
  for (const auto& [algorithm, bytes] :
       {std::pair("sha1", 20U), std::pair("sha256", 32U), std::pair("sha512", 64U)}) {
    const Json made = Add(algorithm, {{"algorithm", algorithm}});
    EXPECT_EQ(DecodeBase32(made["secret"].get<std::string>())->size(), bytes);
    EXPECT_EQ(LogIn("ada", CodeOf(made)).body["verdict"], "accept") << algorithm;
  }
}

TEST_F(AuthenticatorsTest, ALoginDropsWhatNobodyConfirmedInADay) {
  const Json old = Enrol("ada", {{"label", "phone"}});
  Send("PUT", std::string(kAdd) + "/phone", Json::object());
  now += std::chrono::hours(25);
  EXPECT_EQ(LogIn("ada", CodeOf(old)).body["verdict"], "accept");
  now -= std::chrono::hours(25);
  EXPECT_TRUE(Show("ada")["pending"].is_null());
}

class HotpTest : public AuthenticatorsTest {
 protected:
  Answer Resync(const std::string& first, const std::string& second) {
    return Send("POST", "/v1/accounts/ada/resync", {{"first", first}, {"second", second}});
  }
  Json made_ = Enrol("ada", {{"type", "hotp"}, {"label", "token"}, {"secret", kSecret}});
};

TEST_F(HotpTest, TakesTenCountersAheadAndNeverGoesBack) {
  EXPECT_EQ(LogIn("ada", HotpCode(made_, 0)).body["verdict"], "accept");
  EXPECT_EQ(LogIn("ada", HotpCode(made_, 11)).body["verdict"], "deny");
  EXPECT_EQ(LogIn("ada", HotpCode(made_, 10)).body["verdict"], "accept");
  EXPECT_EQ(LogIn("ada", HotpCode(made_, 9)).body["verdict"], "deny");
  EXPECT_EQ(Send("GET", kAdd).body["authenticators"][0]["counter"], 11);
}

TEST_F(HotpTest, TwoConsecutiveCodesFarAheadBringItBackInStep) {
  EXPECT_EQ(LogIn("ada", HotpCode(made_, 500)).body["verdict"], "deny");
  const Answer found = Resync(HotpCode(made_, 500), HotpCode(made_, 501));
  EXPECT_EQ(found.status, 200) << found.body;
  EXPECT_EQ(found.body["label"], "token");
  EXPECT_EQ(NewestEvent(), "resynchronised: token");
  EXPECT_EQ(LogIn("ada", HotpCode(made_, 501)).body["verdict"], "deny");  // spent
  EXPECT_EQ(LogIn("ada", HotpCode(made_, 502)).body["verdict"], "accept");
}

TEST_F(HotpTest, OtherPairsMoveNoCounter) {
  LogIn("ada", HotpCode(made_, 5));
  const auto pairs = {std::pair(20, 22), std::pair(21, 20), std::pair(20, 20),
                      std::pair(4, 5),   std::pair(5, 6),   std::pair(1006, 1007)};
  for (const auto& [first, second] : pairs) {
    const Answer answer = Resync(HotpCode(made_, first), HotpCode(made_, second));
    EXPECT_EQ(answer.body["code"], "wrong_code") << first;
  }
  EXPECT_EQ(Send("GET", kAdd).body["authenticators"][0]["counter"], 6);
  EXPECT_EQ(Show("ada")["otp_failures"], 0);
}

TEST_F(HotpTest, ATotpAuthenticatorHasNoCounter) {
  Enrol("bob");
  EXPECT_EQ(
      Send("POST", "/v1/accounts/bob/resync", {{"first", "000000"}, {"second", "000000"}}).status,
      409);
  EXPECT_EQ(Send("POST", "/v1/accounts/ada/resync", {{"first", "000000"}}).status, 400);
}

TEST_F(HotpTest, AnImportedOneGoesOnAtItsCounter) {
  const Json other = Add("old token", {{"type", "hotp"}, {"counter", 1000}});
  EXPECT_EQ(LogIn("ada", HotpCode(other, 999)).body["verdict"], "deny");
  EXPECT_EQ(LogIn("ada", HotpCode(other, 1000)).body["verdict"], "accept");
  EXPECT_THAT(other["uri"].get<std::string>(), HasSubstr("counter=1000"));
  for (const Json& wish : {Json{{"counter", 1}}, Json{{"type", "hotp"}, {"interval", 60}},
                           Json{{"type", "hotp"}, {"counter", -1}}}) {
    Json body = wish;
    body["label"] = "x";
    EXPECT_EQ(Send("POST", kAdd, body).status, 400) << wish;
  }
}

TEST_F(HotpTest, AnImportedCounterCountsForTheOldLabelToo) {
  Add("copy", {{"type", "hotp"}, {"secret", kSecret}, {"counter", 8}});
  EXPECT_EQ(LogIn("ada", HotpCode(made_, 7)).body["verdict"], "deny");
  Send("DELETE", std::string(kAdd) + "/copy");
  EXPECT_EQ(LogIn("ada", HotpCode(made_, 7)).body["verdict"], "deny");
  EXPECT_EQ(LogIn("ada", HotpCode(made_, 8)).body["verdict"], "accept");
}

TEST_F(AuthenticatorsTest, AMethodThatARouteLacksIsToldWithThoseItHas) {
  HttpResponse response;
  bool answered = false;
  Start("PATCH", kAdd, Json(), std::nullopt, [&](HttpResponse given) {
    response = std::move(given);
    answered = true;
  });
  queue.RunUntil([&] { return answered; });
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.allow, "GET, POST");
}

}  // namespace
}  // namespace sparekey::testing
