// SPDX-License-Identifier: Apache-2.0
// The login conversation on the real store: what is asked, said and kept.
#include <gmock/gmock.h>

#include "tests/support/service_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::HasSubstr;

class LoginsTest : public ServiceTest {
 protected:
  static std::string Said(const Answer& answer) {
    std::string text;
    for (const Json& line : answer.body["say"]) text += line["text"].get<std::string>();
    return text;
  }
  void FailRecoveries(const std::string& name, int count) {
    for (int i = 0; i < count; ++i) {
      const Answer answer = Recover(name, {"0000-0000-0000-0000", "1111-1111-1111-1111"});
      EXPECT_EQ(answer.body["reason"], "wrong_codes");
    }
  }
};

TEST_F(LoginsTest, AsksForACodeAndAcceptsIt) {
  const Json ada = Enrol("ada");
  const Answer login = Begin("ada");
  EXPECT_EQ(login.body["ask"][0]["id"], "code");
  EXPECT_THAT(login.body["ask"][0]["prompt"].get<std::string>(), HasSubstr("One-time code"));
  EXPECT_TRUE(login.body["verdict"].is_null());
  const Answer answer = Give(login, {{"code", CodeOf(ada)}});
  EXPECT_EQ(answer.body["verdict"], "accept");
  EXPECT_EQ(answer.body["reason"], "accepted");
}

TEST_F(LoginsTest, AcceptsACodeInTheFirstMessage) {
  const Json ada = Enrol("ada");
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "accept");
}

TEST_F(LoginsTest, AcceptsACodeWithSpacesAsAppsShowIt) {
  const std::string code = CodeOf(Enrol("ada"));
  EXPECT_EQ(LogIn("ada", code.substr(0, 3) + " " + code.substr(3)).body["verdict"], "accept");
}

TEST_F(LoginsTest, GivesTheSameVerdictAgainForTheSameLogin) {
  const Json ada = Enrol("ada");
  const Answer login = Begin("ada");
  Give(login, {{"code", CodeOf(ada)}});
  EXPECT_EQ(Give(login, {{"code", CodeOf(ada)}}).body["verdict"], "accept");
  EXPECT_EQ(Give(login, {{"code", "000000"}}).body["verdict"], "accept");
  EXPECT_EQ(Show("ada")["otp_failures"], 0);
}

TEST_F(LoginsTest, AsksAgainWhenTheQuestionGotLost) {
  const Json ada = Enrol("ada");
  const Answer login = Begin("ada");
  const Answer asked = Give(login, {{"code", "recover"}});
  EXPECT_EQ(Give(login, {{"code", "recover"}}).body, asked.body);
  EXPECT_EQ(Give(login, {{"backup_code_1", ada["backup_codes"][0]},
                         {"backup_code_2", ada["backup_codes"][1]}})
                .body["verdict"],
            "accept");
}

TEST_F(LoginsTest, DecidesOnceWhenOneLoginIsAnsweredTwiceAtOnce) {
  const Json ada = Enrol("ada");
  const Answer login = Begin("ada");
  const std::string target = "/v1/logins/" + login.body["login"].get<std::string>() + "/answers";
  std::vector<std::string> verdicts;
  for (int i = 0; i < 2; ++i) {
    Start("POST", target, {{"answers", {{"code", CodeOf(ada)}}}}, std::nullopt,
          [&verdicts](HttpResponse response) {
            verdicts.push_back(Json::parse(response.body.ExposeText())["verdict"]);
          });
  }
  queue.RunUntil([&verdicts] { return verdicts.size() == 2; });
  EXPECT_THAT(verdicts, ::testing::Each("accept"));
}

TEST_F(LoginsTest, DeniesAReplayInTheWordsOfAWrongCodeAndDoesNotCountIt) {
  const Json ada = Enrol("ada");
  LogIn("ada", CodeOf(ada));
  const Answer replay = LogIn("ada", CodeOf(ada));
  EXPECT_EQ(replay.body["reason"], "wrong_code");
  EXPECT_EQ(Show("ada")["otp_failures"], 0);
  const Answer wrong = LogIn("ada", WrongCodeOf(ada));
  EXPECT_EQ(Said(replay), Said(wrong));
  EXPECT_EQ(Show("ada")["otp_failures"], 1);
}

TEST_F(LoginsTest, LocksAtTheFifthWrongCodeAndAsksForBackupCodesAtOnce) {
  const Json ada = Enrol("ada");
  for (int i = 0; i < 3; ++i) LogIn("ada", WrongCodeOf(ada));
  EXPECT_THAT(Said(LogIn("ada", WrongCodeOf(ada))), HasSubstr("One more wrong code locks"));
  EXPECT_EQ(LogIn("ada", WrongCodeOf(ada)).body["reason"], "wrong_code");
  EXPECT_EQ(Show("ada")["lockout"], "locked");
  const Answer login = Begin("ada");
  EXPECT_EQ(login.body["ask"][0]["id"], "backup_code_1");
  EXPECT_EQ(login.body["ask"][1]["prompt"], "Backup code 2 of 2: ");
  EXPECT_EQ(Said(login), "Too many wrong codes. Enter 2 backup codes to get back in.");
  EXPECT_EQ(Recover("ada", {ada["backup_codes"][3], ada["backup_codes"][1]}).body["verdict"],
            "accept");
  EXPECT_EQ(Show("ada")["lockout"], "none");
}

TEST_F(LoginsTest, DeniesAPromptThatWasOpenWhenTheLockFell) {
  const Json ada = Enrol("ada");
  const Answer open = Begin("ada");
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada));
  const Answer answer = Give(open, {{"code", CodeOf(ada)}});
  EXPECT_EQ(answer.body["verdict"], "deny");
  EXPECT_EQ(answer.body["reason"], "locked");
}

TEST_F(LoginsTest, RecoversWithTwoCodesAndSaysHowManyAreLeft) {
  const Json ada = Enrol("ada");
  const Answer answer = Recover("ada", {ada["backup_codes"][0], ada["backup_codes"][9]});
  EXPECT_EQ(answer.body["reason"], "recovered");
  EXPECT_EQ(answer.body["codes_left"], 8);
  EXPECT_THAT(Said(answer), HasSubstr("8 backup codes left"));
}

TEST_F(LoginsTest, TakesABackupCodeAtTheOneTimePromptAsCodeOne) {
  const Json ada = Enrol("ada");
  const Answer login = Begin("ada");
  const Answer asked = Give(login, {{"code", ada["backup_codes"][0]}});
  ASSERT_EQ(asked.body["ask"].size(), 1);
  EXPECT_EQ(asked.body["ask"][0]["id"], "backup_code_2");
  EXPECT_EQ(Show("ada")["codes_left"], 10);
  EXPECT_EQ(Give(login, {{"backup_code_2", ada["backup_codes"][1]}}).body["verdict"], "accept");
}

TEST_F(LoginsTest, TakesABackupCodeInTheFirstMessageEvenWhileLocked) {
  const Json ada = Enrol("ada");
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada));
  const Answer asked = LogIn("ada", ada["backup_codes"][0]);
  ASSERT_EQ(asked.body["ask"][0]["id"], "backup_code_2");
  EXPECT_EQ(Give(asked, {{"backup_code_2", ada["backup_codes"][1]}}).body["verdict"], "accept");
}

TEST_F(LoginsTest, SpendsNothingOnASetWithOneWrongCode) {
  const Json ada = Enrol("ada");
  const Answer answer = Recover("ada", {ada["backup_codes"][0], "0000-0000-0000-0000"});
  EXPECT_EQ(answer.body["reason"], "wrong_codes");
  EXPECT_EQ(Show("ada")["codes_left"], 10);
  EXPECT_EQ(Show("ada")["recovery_failures"], 1);
}

TEST_F(LoginsTest, CountsSpentAndOtherPeoplesCodesButNotOneCodeTwiceOrTheLastSet) {
  const Json ada = Enrol("ada");
  const Json bob = Enrol("bob");
  const Json& codes = ada["backup_codes"];
  Recover("ada", {codes[0], codes[1]});
  EXPECT_EQ(Recover("ada", {codes[0], codes[1]}).body["reason"], "wrong_codes");
  EXPECT_EQ(Show("ada")["recovery_failures"], 0);
  EXPECT_EQ(Recover("ada", {codes[2], codes[2]}).body["reason"], "not_an_attempt");
  EXPECT_EQ(Show("ada")["recovery_failures"], 0);
  EXPECT_EQ(Recover("ada", {codes[0], codes[2]}).body["reason"], "wrong_codes");
  EXPECT_EQ(Recover("ada", {bob["backup_codes"][0], bob["backup_codes"][1]}).body["reason"],
            "wrong_codes");
  EXPECT_EQ(Show("ada")["recovery_failures"], 2);
  EXPECT_EQ(Show("bob")["codes_left"], 10);
}

TEST_F(LoginsTest, AsksForNoCodesWhereTooFewAreLeftForARecovery) {
  const Json ada = Enrol("ada");
  Send("PATCH", "/v1/settings", {{"backup_codes.required", "3"}});
  for (int i = 0; i < 9; i += 3) {
    Recover("ada",
            {ada["backup_codes"][i], ada["backup_codes"][i + 1], ada["backup_codes"][i + 2]});
  }
  const Answer answer = Recover("ada", {ada["backup_codes"][9]});
  EXPECT_EQ(answer.body["reason"], "not_an_attempt");
  EXPECT_THAT(Said(answer), HasSubstr("sparekey codes new ada"));
  EXPECT_EQ(Show("ada")["recovery_failures"], 0);
}

TEST_F(LoginsTest, ForgetsWhatIsOverBeforeWhatStillWaits) {
  const Json ada = Enrol("ada");
  const Answer open = Begin("ada");
  for (int i = 0; i < 9000; ++i) Begin("bob");
  EXPECT_EQ(Give(open, {{"code", CodeOf(ada)}}).body["verdict"], "accept");
}

TEST_F(LoginsTest, SuperLocksEverybodyAtAnAdministratorsTenthFailedRecovery) {
  const Json ada = Enrol("ada");
  const Json bob = Enrol("bob");
  FailRecoveries("ada", 10);
  for (const Json& who : {ada, bob}) {
    const Answer answer = LogIn(who["account"], CodeOf(who));
    EXPECT_EQ(answer.body["reason"], "super_locked");
    EXPECT_EQ(Said(answer),
              "Logins are disabled on this system. Reset it at the local console with: sparekey "
              "console");
  }
  EXPECT_EQ(Begin("root").body["reason"], "super_locked");
  EXPECT_EQ(Begin("nobody-knows").body["reason"], "super_locked");
  Restart();
  EXPECT_EQ(Begin("ada", "web").body["reason"], "super_locked");
  const Json status = Send("GET", "/v1/status").body;
  EXPECT_EQ(status["lockout"], "super_locked");
  EXPECT_EQ(status["ssh_gate"], "closed");
  EXPECT_EQ(status["lockout_causes"], Json::array({"ada"}));
}

TEST_F(LoginsTest, SuperLocksAnotherAccountAlone) {
  Enrol("bob");
  const Json ada = Enrol("ada");
  FailRecoveries("bob", 10);
  EXPECT_THAT(Said(Begin("bob")), HasSubstr("Logins of bob are disabled."));
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "accept");
}

TEST_F(LoginsTest, CountsNothingWithoutAFirstFactor) {
  const Json ada = Enrol("ada");
  for (int i = 0; i < 20; ++i) {
    Json opening = Opening("ada");
    opening["first_factor"] = "none";
    opening["answers"] = {{"code", WrongCodeOf(ada)}};
    const Answer answer = Send("POST", "/v1/logins", opening);
    EXPECT_EQ(answer.body["reason"], "not_an_attempt");
    EXPECT_EQ(Said(answer), "");
  }
  EXPECT_EQ(Show("ada")["otp_failures"], 0);
}

TEST_F(LoginsTest, CountsNothingThatIsNoAttempt) {
  const Json ada = Enrol("ada");
  for (const std::string text :
       {"", "12345", "123456789", "abc", "K7QM-9TXR", "\xff\xfe", "１２３４５６"}) {
    const Answer login = Begin("ada");
    Json answers = {{"code", text}};
    HttpRequest request;
    request.method = "POST";
    request.path = "/v1/logins/" + login.body["login"].get<std::string>() + "/answers";
    request.body = SecretBytes(
        Json{{"answers", answers}}.dump(-1, ' ', false, Json::error_handler_t::replace));
    request.peer = Peer{SocketKind::kPam, 0, 0, getpid(), 1};
    std::optional<Json> body;
    routes->Handle(std::move(request), [&body](HttpResponse response) {
      body = Json::parse(response.body.ExposeText());
    });
    queue.RunUntil([&body] { return body.has_value(); });
    EXPECT_EQ((*body)["reason"], "not_an_attempt") << text;
  }
  EXPECT_EQ(Show("ada")["otp_failures"], 0);
  EXPECT_EQ(Show("ada")["recovery_failures"], 0);
}

TEST_F(LoginsTest, LeavesAccountsThatAreNotEnrolledToThePolicy) {
  EXPECT_EQ(Begin("bob").body["reason"], "not_required");
  EXPECT_EQ(Begin("stranger").body["reason"], "not_required");
  Send("PATCH", "/v1/settings", {{"required_for", "everyone"}});
  const Answer answer = Begin("bob");
  EXPECT_EQ(answer.body["reason"], "not_enrolled");
  EXPECT_THAT(Said(answer), HasSubstr("sparekey user enroll bob"));
}

TEST_F(LoginsTest, TellsTheTerminalWhoIsEnrolledAndWhoMustEnrol) {
  Enrol("ada");
  Send("PATCH", "/v1/settings", {{"enabled", "false"}});
  const Answer ada = Begin("ada");
  EXPECT_EQ(ada.body["reason"], "not_required");
  EXPECT_EQ(ada.body["enrolled"], true);
  EXPECT_EQ(Begin("bob").body["enrolled"], false);
  config.console.allow_root = true;
  ASSERT_EQ(Send("POST", "/v1/console/resets", {{"account", "ada"}}).status, 200);
  const Answer reset = Begin("ada");
  EXPECT_EQ(reset.body["reason"], "not_enrolled");
  EXPECT_EQ(reset.body["must_enrol"], true);
  EXPECT_EQ(reset.body["enrolled"], false);
}

TEST_F(LoginsTest, AsksForNoRecoveryWhereTheTerminalForbidsIt) {
  const Json ada = Enrol("ada");
  Json opening = Opening("ada");
  opening["recovery"] = false;
  opening["answers"] = {{"code", ada["backup_codes"][0]}};
  EXPECT_EQ(Send("POST", "/v1/logins", opening).body["reason"], "not_an_attempt");
  opening["answers"] = {{"code", "recover"}};
  EXPECT_EQ(Send("POST", "/v1/logins", opening).body["reason"], "not_an_attempt");
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada));
  opening.erase("answers");
  EXPECT_EQ(Send("POST", "/v1/logins", opening).body["reason"], "locked");
}

TEST_F(LoginsTest, DecidesEnrolledAccountsWithoutTheDirectoryAndDeniesTheRest) {
  const Json ada = Enrol("ada");
  directory.hangs = true;
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "accept");
  const Answer bob = Begin("bob");
  EXPECT_EQ(bob.status, 503);
  EXPECT_EQ(bob.body["code"], "unavailable");
}

TEST_F(LoginsTest, KeepsAnAdministratorOneWhileTheDirectoryHangs) {
  Enrol("ada");
  directory.hangs = true;
  FailRecoveries("ada", 10);
  directory.hangs = false;
  EXPECT_EQ(Begin("bob").body["reason"], "super_locked");
}

TEST_F(LoginsTest, DeniesANameOrANumberThatHasBeenGivenToSomebodyElse) {
  const Json ada = Enrol("ada");
  people().at("ada").uid = 2000;
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["reason"], "identity_changed");
  people().erase("ada");
  EXPECT_EQ(Begin("ada").body["reason"], "identity_changed");
  people().emplace("eve", Identity{"eve", 1000, {}, false});
  EXPECT_EQ(Begin("eve").body["reason"], "identity_changed");
}

TEST_F(LoginsTest, TakesTwoNamesOfOneUidForOneAccount) {
  const Json ada = Enrol("ada");
  people().emplace("ada-backup", Identity{"ada-backup", 1000, {"ada"}, false});
  EXPECT_EQ(LogIn("ada-backup", CodeOf(ada)).body["verdict"], "accept");
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "deny");  // spent for both
  for (int i = 0; i < 5; ++i) LogIn("ada-backup", WrongCodeOf(ada));
  EXPECT_EQ(Begin("ada").body["ask"][0]["id"], "backup_code_1");
  EXPECT_EQ(Show("ada-backup")["account"], "ada");
  const Json access = {{"account", "ada-backup"}, {"door", "ssh"}};
  EXPECT_EQ(Send("POST", "/v1/access", access).body["reason"], "key_only");
  const Answer other = Send("POST", "/v1/accounts/ada-backup/enrolment", Json::object());
  EXPECT_EQ(other.status, 409);
}

TEST_F(LoginsTest, ASecondNameHasNoWayAroundTheAccountsOwnLockouts) {
  const Json bob = Enrol("bob");
  people().emplace("bob2", Identity{"bob2", 1001, {"bob"}, false});
  FailRecoveries("bob2", 10);
  EXPECT_EQ(Show("bob")["lockout"], "super_locked");
  ASSERT_EQ(Send("PATCH", "/v1/settings", {{"enabled", "false"}}).status, 200);
  EXPECT_EQ(Begin("bob2").body["reason"], "super_locked");
}

TEST_F(LoginsTest, DeniesARenamedAccountUntilItIsEnrolledAnew) {
  const Json ada = Enrol("ada");
  people().emplace("augusta", Identity{"augusta", 1000, {"sudo"}, false});
  people().erase("ada");
  EXPECT_EQ(LogIn("augusta", CodeOf(ada)).body["reason"], "identity_changed");
  const Json augusta = Enrol("augusta");
  EXPECT_EQ(LogIn("augusta", CodeOf(augusta)).body["verdict"], "accept");
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["reason"], "identity_changed");  // account gone
}

TEST_F(LoginsTest, DeniesWhomAGroupThatIsNotKnownNowMayRequireToEnrol) {
  const Json ada = Enrol("ada");
  for (const char* name : {"ada", "bob"}) {
    people().at(name).groups = {"users"};
    people().at(name).groups_complete = false;
  }
  EXPECT_EQ(Begin("bob").body["reason"], "not_required");
  const Json wish = {{"required_for", "groups"}, {"required_groups", "staff"}};
  ASSERT_EQ(Send("PATCH", "/v1/settings", wish).status, 200);
  EXPECT_EQ(Begin("bob").status, 503);
  EXPECT_EQ(Send("POST", "/v1/accounts/bob/enrolment", Json::object()).status, 503);
  EXPECT_EQ(LogIn("ada", CodeOf(ada)).body["verdict"], "accept");
  EXPECT_EQ(Show("ada")["administrator"], true);
  people().at("bob").groups = {"staff"};
  EXPECT_EQ(Begin("bob").body["reason"], "not_enrolled");
}

TEST_F(LoginsTest, KeepsAccountsWithoutANumberApart) {
  config.console.allow_root = true;
  for (const char* name : {"eve", "fay"}) people().emplace(name, Identity{name, kNoUid, {}, false});
  const Json eve = Enrol("eve");
  const Json fay = Enrol("fay");
  EXPECT_EQ(LogIn("eve", CodeOf(eve)).body["verdict"], "accept");
  EXPECT_EQ(LogIn("fay", WrongCodeOf(fay)).body["verdict"], "deny");
  EXPECT_EQ(Show("eve")["otp_failures"], 0);
  EXPECT_EQ(Show("fay")["otp_failures"], 1);
  EXPECT_EQ(Show("fay")["uid"], Json());
  EXPECT_EQ(Show("fay")["administrator"], false);
  EXPECT_EQ(Send("POST", "/v1/accounts/eve/enrolment", Json::object()).status, 409);
  people().emplace("gus", Identity{"gus", kNoUid, {}, false});
  for (const char* name : {"eve", "gus"}) {
    EXPECT_EQ(Send("POST", "/v1/console/resets", {{"account", name}}).status, 200) << name;
    EXPECT_EQ(Show(name)["must_enrol"], true) << name;
    EXPECT_EQ(LogIn(name, CodeOf(Enrol(name))).body["verdict"], "accept") << name;
  }
}

TEST_F(LoginsTest, NeverTakesAnAccountWithoutANumberForAPeersOwn) {
  people().emplace("eve", Identity{"eve", kNoUid, {}, false});
  Enrol("eve");
  for (const uid_t uid : {uid_t{1000}, kNoUid}) {
    const Peer peer{SocketKind::kApi, uid, uid, getpid(), 1};
    EXPECT_EQ(Send("GET", "/v1/accounts/eve", Json(), peer).status, 403);
  }
}

TEST_F(LoginsTest, SaysThatTheClockIsWrongAndStillRecovers) {
  const Json ada = Enrol("ada");
  now = kBuilt - std::chrono::hours(1);
  const Answer answer = LogIn("ada", "123456");
  EXPECT_EQ(answer.body["reason"], "clock_wrong");
  EXPECT_THAT(Said(answer), HasSubstr("System clock wrong"));
  EXPECT_EQ(Recover("ada", {ada["backup_codes"][0], ada["backup_codes"][1]}).body["verdict"],
            "accept");
}

TEST_F(LoginsTest, KnowsNoLoginOfAnotherSocketOrUser) {
  Enrol("ada");
  const Answer login = Begin("ada");
  const std::string target = "/v1/logins/" + login.body["login"].get<std::string>() + "/answers";
  const Json body = {{"answers", {{"code", "123456"}}}};
  EXPECT_EQ(Send("POST", target, body, Peer{SocketKind::kPam, 1000, 1000, 1, 1}).status, 403);
  EXPECT_EQ(Send("POST", target, body, Peer{SocketKind::kApi, 0, 0, 1, 1}).status, 403);
  EXPECT_EQ(Send("POST", "/v1/logins/00ff/answers", body).status, 404);
  EXPECT_EQ(Show("ada")["otp_failures"], 0);
}

TEST_F(LoginsTest, RefusesOpeningsThatSayTooLittleOrTooMuch) {
  for (const Json& opening :
       std::vector<Json>{Json::object(),
                         {{"account", "ada"}},
                         {{"account", "a/b"}, {"door", "ssh"}},
                         {{"account", ""}, {"door", "ssh"}},
                         {{"account", std::string(10000, 'a')}, {"door", "ssh"}},
                         {{"account", "ada"}, {"door", "console"}},
                         {{"account", "ada"}, {"door", "window"}},
                         {{"account", 7}, {"door", "ssh"}},
                         {{"account", "ada"}, {"door", "ssh"}, {"first_factor", "charm"}},
                         {{"account", "ada"}, {"door", "ssh"}, {"recovery", "yes"}},
                         {{"account", "ada"}, {"door", "ssh"}, {"answers", "123456"}},
                         {{"account", "ada"}, {"door", "ssh"}, {"answers", {{"code", 123456}}}},
                         {{"account", "ada"},
                          {"door", "ssh"},
                          {"answers", {{"code", std::string(2000, '1')}}}}}) {
    const Answer answer = Send("POST", "/v1/logins", opening);
    EXPECT_EQ(answer.status, 400) << opening;
    EXPECT_EQ(answer.body["code"], "invalid");
  }
}

TEST_F(LoginsTest, LetsAKeyAlonePassOnlyWherePolicySaysSo) {
  Enrol("ada");
  const Json question = {{"account", "ada"}, {"door", "ssh"}, {"code_proven", false}};
  const Answer denied = Send("POST", "/v1/access", question);
  EXPECT_EQ(denied.body["reason"], "key_only");
  EXPECT_THAT(Said(denied), HasSubstr("AuthenticationMethods publickey,keyboard-interactive"));
  Send("PATCH", "/v1/settings", {{"ssh.keys", "accept"}});
  EXPECT_EQ(Send("POST", "/v1/access", question).body["verdict"], "accept");
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}});
  const Answer closed = Send("POST", "/v1/access", question);
  EXPECT_EQ(closed.body["reason"], "gate_closed");
  EXPECT_THAT(Said(closed), HasSubstr("SSH is disabled since "));
}

}  // namespace
}  // namespace sparekey::testing
