// SPDX-License-Identifier: Apache-2.0
// The login conversation on the real store: what is asked, said and kept.
#include <gmock/gmock.h>

#include "service/login.h"
#include "service/login_table.h"
#include "tests/service/logins_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::HasSubstr;

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

TEST_F(LoginsTest, GivesNoIdWhereTheFirstAnswerIsTheVerdict) {
  const Json ada = Enrol("ada");
  Json opening = Opening("ada");
  opening["answers"] = {{"code", CodeOf(ada)}};
  const Answer at_once = Send("POST", "/v1/logins", opening);
  EXPECT_EQ(at_once.body["verdict"], "accept");
  EXPECT_TRUE(at_once.body["login"].is_null());
  const Answer asked = Begin("ada");
  const Answer over = Give(asked, {{"code", CodeOf(ada)}});
  EXPECT_EQ(over.body["verdict"], "deny");
  EXPECT_EQ(over.body["login"], asked.body["login"]);
}

TEST_F(LoginsTest, ForgetsWhatIsOverBeforeWhatStillWaits) {
  const Json ada = Enrol("ada");
  const Answer open = Begin("ada");
  for (int i = 0; i < 9000; ++i) Begin("bob");
  EXPECT_EQ(Give(open, {{"code", CodeOf(ada)}}).body["verdict"], "accept");
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

TEST(LoginTable, ForgetsWhatIsOverBeforeAnOpenQuestion) {
  LoginTable table;
  const Peer peer{SocketKind::kPam, 0, 0, 1, 1};
  std::vector<LoginPtr> open;
  const auto add = [&] {
    open.push_back(std::make_shared<Login>());
    open.back()->owner = peer;
    table.Add(open.back());
  };
  constexpr std::size_t kMostLogins = 8192;
  while (open.size() < kMostLogins) add();
  table.MarkOver(*open[5]);
  add();
  EXPECT_EQ(table.Find(open[5]->id, peer), nullptr);
  EXPECT_EQ(table.Find(open[0]->id, peer), open[0]);
  add();  // nothing is over: the oldest question goes
  EXPECT_EQ(table.Find(open[0]->id, peer), nullptr);
  EXPECT_EQ(table.Find(open[1]->id, peer), open[1]);
  table.MarkOver(*open[0]);  // decided after it was forgotten
  table.MarkOver(*open[1]);
  table.MarkOver(*open[1]);
  EXPECT_EQ(table.Find(open[0]->id, peer), nullptr);
  EXPECT_EQ(table.Find(open[1]->id, peer), open[1]);
}

TEST(LoginTable, KeepsTheLastAnswersOfThoseThatAreOver) {
  LoginTable table;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i <= LoginTable::kMostOver; ++i) {
    const auto login = std::make_shared<Login>();
    login->owner = Peer{SocketKind::kPam, 0, 0, 1, 1};
    table.Add(login);
    table.MarkOver(*login);
    ids.push_back(login->id);
  }
  const Peer peer{SocketKind::kPam, 0, 0, 1, 1};
  EXPECT_EQ(table.Find(ids[0], peer), nullptr);
  EXPECT_NE(table.Find(ids[1], peer), nullptr);
  EXPECT_NE(table.Find(ids.back(), peer), nullptr);
}

}  // namespace
}  // namespace sparekey::testing
