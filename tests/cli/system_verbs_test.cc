// SPDX-License-Identifier: Apache-2.0
// status, settings, ssh, events, help and what all verbs share.
#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <sstream>

#include "cli/command.h"
#include "core/events.h"
#include "tests/cli/verb_test.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TerminalProgram;

class StatusTest : public testing::VerbTest {
 protected:
  static constexpr char kSuperLocked[] =
      R"({"version":"0.1.0","started":"2026-11-23T14:00:00Z","lockout":"super_locked",)"
      R"("lockout_since":"2026-11-23T14:02:00Z","lockout_causes":["ada"],"ssh_gate":"closed",)"
      R"("ssh_gate_since":"2026-11-23T14:02:00Z","ssh_gate_reason":"super-lockout of ada",)"
      R"("accounts":{"none":1,"active":3,"pending":1,"locked":0,"super_locked":0},)"
      R"("alerts":[{"id":"a1","kind":"super_lockout","since":"2026-11-23T14:02:00Z",)"
      R"("text":"super-lockout"}],"alerts_open":5,"sessions":2,"clock":{"now":"2026-11-23T15:00:00Z",)"
      R"("usable":true},"store":{"path":"/var/lib/sparekey/sparekey.db","schema":1},"enabled":true})";
};

TEST_F(StatusTest, ShowsOneScreen) {
  api_.Answer("GET /v1/status", 200, kSuperLocked);
  const auto result = Run({"status"});
  EXPECT_EQ(result.status, 0);
  for (const char* text :
       {"SUPER-LOCKED", "caused by ada", "sparekey console", "CLOSED", "super-lockout of ada",
        "3 enrolled, 1 pending", "(schema 1)", "4 more: sparekey alerts list"}) {
    EXPECT_THAT(result.out, HasSubstr(text));
  }
  EXPECT_EQ(RunJson({"status"}, 0), Parse(kSuperLocked));
}

TEST_F(StatusTest, SaysThatTheAlertsCannotBeRead) {
  auto status = Parse(kSuperLocked);
  status["alerts"].clear();
  status["alerts_open"] = nullptr;
  status["alerts_problem"] = "database disk image is malformed";
  api_.Answer("GET /v1/status", 200, status.dump());
  EXPECT_THAT(Run({"status"}).out, HasSubstr("UNKNOWN: database disk image is malformed"));
}

TEST_F(StatusTest, SaysThatTheServiceIsNotThere) {
  const testing::TestFolder empty;
  const auto result =
      testing::RunProgram({SPAREKEY_PROGRAM, "--state-dir", empty.path(), "status", "--json"});
  EXPECT_EQ(result.status, 5);
  EXPECT_THAT(result.err, HasSubstr(empty / "api.sock"));
  EXPECT_EQ(Parse(result.out)["error"]["code"], "unavailable");
}

TEST_F(StatusTest, NamesAConfigurationFileThatIsNotThere) {
  const auto result = testing::RunProgram({SPAREKEY_PROGRAM, "--config", "/nonexistent", "status"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("/nonexistent"));
}

class AlertsTest : public testing::VerbTest {
 protected:
  static constexpr char kAlerts[] =
      R"({"alerts":[{"id":17,"kind":"lockout","account":"bob","state":"open","count":3,)"
      R"("since":"2026-11-23T14:02:00Z","last":"2026-11-23T15:02:00Z","text":"bob is locked"},)"
      R"({"id":18,"damaged":true}]})";
  static constexpr char kOpen[] = "GET /v1/alerts?limit=100&after_id=0&state=open";
};

TEST_F(AlertsTest, ListsTheOpenOnesOrAll) {
  api_.Answer(kOpen, 200, kAlerts);
  api_.Answer("GET /v1/alerts?limit=100&after_id=0", 200, R"({"alerts":[]})");
  const auto result = Run({"alerts", "list"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("17  "));
  EXPECT_THAT(result.out, HasSubstr("bob is locked (3 times)"));
  EXPECT_THAT(result.out, HasSubstr("is damaged and cannot be read"));
  EXPECT_EQ(RunJson({"alerts", "list"}, 0), Parse(kAlerts));
  EXPECT_EQ(Run({"alerts", "list", "--all"}).out, "No alert is open.\n");
}

TEST_F(AlertsTest, AcknowledgesOneAndSaysWhyNot) {
  api_.Answer("POST /v1/alerts/17/acknowledgement", 200,
              R"({"id":17,"state":"acknowledged","text":"bob is locked"})");
  api_.Answer("POST /v1/alerts/18/acknowledgement", 409,
              R"({"code":"conflict","detail":"this alert stays until SSH is enabled again"})");
  EXPECT_EQ(Run({"alerts", "acknowledge", "17"}).out, "Acknowledged: bob is locked\n");
  EXPECT_EQ(RunJson({"alerts", "acknowledge", "17"}, 0)["state"], "acknowledged");
  const auto refused = Run({"alerts", "acknowledge", "18"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("stays until SSH is enabled again"));
  EXPECT_EQ(Run({"alerts", "acknowledge"}).status, 2);
}

TEST_F(AlertsTest, TestsWhoIsToldAndFailsWhereNobodyIs) {
  api_.Answer("POST /v1/alerts/test", 200,
              R"({"event":9,"folder":"/etc/sparekey/notify.d","passed_over":[],"hooks":[)"
              R"({"name":"mail","result":"done","status":0,"milliseconds":12,"said":[]}]})");
  api_.Answer("POST /v1/alerts/test", 200,
              R"({"event":9,"folder":"/etc/sparekey/notify.d",)"
              R"("passed_over":[{"name":"wall.bak","reason":"is not executable"}],"hooks":[)"
              R"({"name":"mail","result":"failed","status":4,"milliseconds":1,"said":["no"]},)"
              R"({"name":"post","result":"killed","status":9,"milliseconds":1,"said":[]}]})");
  api_.Answer("POST /v1/alerts/test", 200,
              R"({"event":9,"folder":"/etc/sparekey/notify.d","passed_over":[],"hooks":[]})");
  const auto good = Run({"alerts", "test"});
  EXPECT_EQ(good.status, 0);
  EXPECT_THAT(good.out, HasSubstr("mail  done after 12 ms"));
  const auto bad = Run({"alerts", "test"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.out, HasSubstr("failed with exit status 4"));
  EXPECT_THAT(bad.out, HasSubstr("killed by signal 9"));
  EXPECT_THAT(bad.out, HasSubstr("passed over: is not executable"));
  const auto none = Run({"alerts", "test"});
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.out, HasSubstr("Nobody is notified"));
  EXPECT_EQ(RunJson({"alerts", "test"}, 1)["hooks"].size(), 0u);
}

class SettingsTest : public testing::VerbTest {
 protected:
  SettingsTest() { api_.Answer("GET /v1/settings", 200, kSettings); }
  static constexpr char kSettings[] =
      R"({"settings":[{"name":"otp.digits","value":"8","default":"6","range":"6..8",)"
      R"("meaning":"digits of new authenticators"},{"name":"enabled","value":"true",)"
      R"("default":"true","range":"true, false","meaning":"two-factor logins at all"}]})";
};

TEST_F(SettingsTest, ShowListsAll) {
  const auto result = Run({"settings", "show"});
  EXPECT_THAT(result.out, HasSubstr("otp.digits"));
  EXPECT_THAT(result.out, HasSubstr("6..8"));
  EXPECT_EQ(RunJson({"settings", "show"}, 0), Parse(kSettings));
}

TEST_F(SettingsTest, GetPrintsTheValueAlone) {
  EXPECT_EQ(Run({"settings", "get", "otp.digits"}).out, "8\n");
  EXPECT_EQ(RunJson({"settings", "get", "otp.digits"}, 0)["value"], "8");
  const auto result = Run({"settings", "get", "otp.digit"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("'otp.digit'"));
}

TEST_F(SettingsTest, SetSendsAllAtOnce) {
  api_.Answer("PATCH /v1/settings", 200, kSettings);
  const auto result = Run({"settings", "set", "otp.digits=8", "otp.issuer=a=b", "enabled="});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(Parse(api_.Requests()[0].body),
            Parse(R"({"otp.digits":"8","otp.issuer":"a=b","enabled":""})"));
}

TEST_F(SettingsTest, SetRefusesWhatIsNoAssignment) {
  for (const char* word : {"otp.digits", "=8", ""}) {
    const auto result = Run({"settings", "set", word});
    EXPECT_EQ(result.status, 2) << word;
    EXPECT_THAT(result.err, HasSubstr("KEY=VALUE"));
  }
  EXPECT_EQ(Run({"settings", "set", "a=1", "a=2"}).status, 2);
  EXPECT_THAT(api_.Requests(), IsEmpty());
}

TEST_F(SettingsTest, SetShowsWhyTheServiceRefuses) {
  api_.Answer("PATCH /v1/settings", 400,
              R"({"code":"invalid","detail":"otp.digits: 9 is not possible; range: 6..8"})");
  const auto result = Run({"settings", "set", "otp.digits=9"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("6..8"));
}

class SshTest : public testing::VerbTest {
 protected:
  static constexpr char kClosed[] =
      R"({"ssh_gate":"closed","since":"2026-11-23T14:02:00Z","reason":"super-lockout of ada",)"
      R"("accounts":[{"account":"bob","since":"2026-11-23T14:03:00Z","reason":"locked"}]})";
};

TEST_F(SshTest, StatusShowsEveryGate) {
  api_.Answer("GET /v1/ssh-gate", 200, kClosed);
  const auto result = Run({"ssh", "status"});
  EXPECT_THAT(result.out, HasSubstr("closed since"));
  EXPECT_THAT(result.out, HasSubstr("closed for bob"));
  EXPECT_EQ(RunJson({"ssh", "status"}, 0), Parse(kClosed));
}

TEST_F(SshTest, EnableAndDisableSendStateAndName) {
  api_.Answer("PUT /v1/ssh-gate", 200, kClosed);
  EXPECT_EQ(Run({"ssh", "enable"}).status, 0);
  EXPECT_EQ(Run({"ssh", "disable", "bob"}).status, 0);
  EXPECT_EQ(Parse(api_.Requests()[0].body), Parse(R"({"state":"open"})"));
  EXPECT_EQ(Parse(api_.Requests()[1].body), Parse(R"({"state":"closed","account":"bob"})"));
}

class EventsTest : public testing::VerbTest {
 protected:
  static std::string Event(int id, const std::string& kind) {
    return R"({"id":)" + std::to_string(id) + R"(,"time":"2026-11-23T14:02:00Z","kind":")" + kind +
           R"(","account":"ada","door":"ssh","remote_host":"192.0.2.7","detail":""})";
  }
};

TEST_F(EventsTest, ArePrintedOldestFirst) {
  api_.Answer(
      "GET /v1/events?account=&limit=100", 200,
      R"({"next":null,"events":[)" + Event(2, "lockout") + ',' + Event(1, "wrong_code") + "]}");
  const auto result = Run({"events"});
  EXPECT_EQ(result.status, 0);
  EXPECT_LT(result.out.find("wrong_code"), result.out.find("lockout"));
  EXPECT_THAT(result.out, HasSubstr("from=192.0.2.7"));
  EXPECT_EQ(RunJson({"events"}, 0)["events"][0]["id"], 1);
}

TEST_F(EventsTest, StandBelowOneAnotherWhateverTheirKind) {
  std::string list;
  for (int kind = 0; kind <= static_cast<int>(EventKind::kTest); ++kind) {
    const std::string name(ToString(static_cast<EventKind>(kind)));
    list += (list.empty() ? "" : ",") + Event(kind + 1, name);
  }
  api_.Answer("GET /v1/events?account=&limit=100", 200, R"({"events":[)" + list + "]}");
  std::istringstream lines(Run({"events"}).out);
  std::set<std::size_t> columns;
  for (std::string line; std::getline(lines, line);) columns.insert(line.find("  ada"));
  EXPECT_EQ(columns.size(), 1U);
}

TEST_F(EventsTest, TakeATimeAndAnAccount) {
  api_.Answer("GET /v1/events?account=ada&limit=100&since=2026-11-23T12%3A02%3A00Z&after_id=0", 200,
              R"({"events":[],"next":null})");
  EXPECT_EQ(Run({"events", "--account", "ada", "--since", "2026-11-23T14:02:00+02:00"}).status, 0);
  for (const char* since : {"yesterday", "", "2026-13-01x", "h", "-1h", "1w", "99999999d"}) {
    const auto result = Run({"events", std::string("--since=") + since});
    EXPECT_EQ(result.status, 2) << since;
    EXPECT_THAT(result.err, HasSubstr("--since"));
  }
  EXPECT_EQ(Run({"events", "--account", "a/b"}).status, 2);
}

TEST_F(EventsTest, ReadEveryPageSinceATime) {
  std::string page;
  for (int id = 500; id < 600; ++id) page += (page.empty() ? "" : ",") + Event(id, "login");
  const std::string target =
      "GET /v1/events?account=&limit=100&since=2026-11-23T00%3A00%3A00Z&after_id=";
  api_.Answer(target + "0", 200, R"({"events":[],"next":450})");  // nothing so new among them
  api_.Answer(target + "450", 200, R"({"next":599,"events":[)" + page + "]}");
  api_.Answer(target + "599", 200, R"({"next":null,"events":[)" + Event(600, "login") + "]}");
  const auto json = RunJson({"events", "--since", "2026-11-23"}, 0);
  ASSERT_EQ(json["events"].size(), 101U);
  EXPECT_EQ(json["events"][0]["id"], 500);
  EXPECT_EQ(json["events"][100]["id"], 600);
}

TEST_F(EventsTest, FollowPrintsWhatComesAndEndsCleanlyOnCtrlC) {
  api_.Answer("GET /v1/events?account=&limit=100", 200,
              R"({"events":[)" + Event(1, "login") + "]}");
  api_.Answer("GET /v1/events?account=&follow=1&after_id=1", 200,
              R"({"next":null,"events":[)" + Event(2, "replay") + "]}");
  api_.Answer("GET /v1/events?account=&follow=1&after_id=2", 429, R"({"code":"busy"})");
  TerminalProgram program(Command({"events", "--follow"}));
  ASSERT_TRUE(program.WaitFor("login"));
  ASSERT_TRUE(program.WaitFor("replay"));
  program.Type("\x03");
  EXPECT_EQ(program.Wait(), 0);
}

TEST_F(EventsTest, FollowGoesOnAfterWhatWasBeforeTheTime) {
  const std::string all = "GET /v1/events?account=";
  api_.Answer(all + "&limit=1", 200, R"({"next":6,"events":[)" + Event(7, "login") + "]}");
  api_.Answer(all + "&limit=100&since=2026-11-23T00%3A00%3A00Z&after_id=0", 200,
              R"({"next":null,"events":[]})");
  api_.Answer(all + "&follow=1&after_id=7", 200,
              R"({"next":null,"events":[)" + Event(8, "replay") + "]}");
  api_.Answer(all + "&follow=1&after_id=8", 429, R"({"code":"busy"})");
  TerminalProgram program(Command({"events", "--follow", "--since", "2026-11-23"}));
  ASSERT_TRUE(program.WaitFor("replay"));
  program.Type("\x03");
  EXPECT_EQ(program.Wait(), 0);
}

TEST_F(EventsTest, FollowEndsWhenNobodyReadsAnyMore) {
  api_.Answer("GET /v1/events?account=&limit=100", 200,
              R"({"events":[)" + Event(1, "login") + "]}");
  api_.Answer("GET /v1/events?account=&follow=1&after_id=1", 200, R"({"events":[]})");
  std::string line;
  for (const std::string& word : Command({"events", "--follow", "--json"})) line += word + ' ';
  const auto result =
      testing::RunProgram({"/bin/bash", "-c", line + "| head -n 1; echo status=${PIPESTATUS[0]}"});
  EXPECT_THAT(result.out, HasSubstr("\"kind\":\"login\""));
  EXPECT_THAT(result.out, HasSubstr("status=0"));
}

TEST_F(EventsTest, FollowEndsWhereItIsNotAllowed) {
  api_.Answer("GET /v1/events?account=&limit=100", 403,
              R"({"code":"not_allowed","detail":"root"})");
  EXPECT_EQ(Run({"events", "--follow"}).status, 6);
}

class HelpTest : public testing::VerbTest {};

TEST_F(HelpTest, IsGivenForEveryCommandBothWays) {
  for (const CommandSpec& command : Commands()) {
    std::vector<std::string> words = {std::string(command.noun)};
    if (!command.verb.empty()) words.emplace_back(command.verb);
    std::vector<std::string> by_noun = {"help"};
    by_noun.insert(by_noun.end(), words.begin(), words.end());
    words.emplace_back("--help");
    for (const auto& line : {words, by_noun}) {
      const auto result = Run(line);
      EXPECT_EQ(result.status, 0) << result.err;
      EXPECT_THAT(result.out, HasSubstr(Synopsis(command)));
      EXPECT_EQ(result.err, "");
    }
  }
}

TEST_F(HelpTest, NamesWhatIsUnknown) {
  EXPECT_EQ(Run({"help", "usr"}).status, 2);
  EXPECT_THAT(Run({"help", "user", "enrol"}).err, HasSubstr("'enrol'"));
}

TEST_F(HelpTest, WorksWithoutAConfiguration) {
  const auto result = testing::RunProgram({SPAREKEY_PROGRAM, "--config", "/nonexistent", "--help"});
  EXPECT_EQ(result.status, 0);
}

TEST_F(HelpTest, PrintsTheVersion) {
  EXPECT_THAT(Run({"--version"}).out, HasSubstr("sparekey 0."));
  EXPECT_TRUE(RunJson({"--version"}, 0).contains("version"));
}

TEST_F(HelpTest, PrintsOneJsonValueForWrongUsageToo) {
  EXPECT_EQ(RunJson({"user", "enroll"}, 2)["error"]["code"], "invalid");
  EXPECT_TRUE(RunJson({"help"}, 0).contains("commands"));
}

}  // namespace
}  // namespace sparekey
