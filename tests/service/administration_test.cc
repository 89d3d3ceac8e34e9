// SPDX-License-Identifier: Apache-2.0
// Settings, lists, events, sessions, and who may call what.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "tests/service/administration_fixture.h"

namespace sparekey::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(AdministrationTest, UnlockEndsALockoutAndKeepsFailedRecoveries) {
  const Json ada = Enrol("ada");
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada));
  Recover("ada", {"0000-0000-0000-0000", "1111-1111-1111-1111"});
  const Answer answer = Send("POST", "/v1/accounts/ada/unlock");
  EXPECT_EQ(answer.body["lockout"], "none");
  EXPECT_EQ(answer.body["recovery_failures"], 1);
  EXPECT_EQ(answer.body["otp_budget_left"], 100);
}

TEST_F(AdministrationTest, SettingsChangeTogetherOrNotAtAll) {
  const Answer refused =
      Send("PATCH", "/v1/settings", {{"otp.digits", "8"}, {"otp.interval", "4"}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body["detail"].get<std::string>(), HasSubstr("5..3600"));
  EXPECT_EQ(Setting("otp.digits"), "6");
  Send("PATCH", "/v1/settings", {{"otp.digits", "8"}, {"otp.interval", "60"}});
  Restart();
  EXPECT_EQ(Setting("otp.digits"), "8");
  EXPECT_EQ(Setting("otp.interval"), "60");
  EXPECT_THAT(EventKinds(), ::testing::Contains("settings_changed"));
}

TEST_F(AdministrationTest, RaisingTheCodesOfARecoveryIsRefusedWhileItWouldStrandAccounts) {
  const Json ada = Enrol("ada");
  Enrol("bob");
  for (int i = 0; i < 8; i += 2) {
    Recover("ada", {ada["backup_codes"][i], ada["backup_codes"][i + 1]});
  }
  const Answer refused = Send("PATCH", "/v1/settings", {{"backup_codes.required", "3"}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body["detail"].get<std::string>(), HasSubstr("ada"));
  EXPECT_THAT(refused.body["detail"].get<std::string>(), Not(HasSubstr("bob")));
  Send("POST", "/v1/accounts/ada/backup-codes", Json::object());
  EXPECT_EQ(Send("PATCH", "/v1/settings", {{"backup_codes.required", "3"}}).status, 200);
}

TEST_F(AdministrationTest, ASheetThatWaitsForItsFirstCodeIsNotMadeTooSmall) {
  const Json few = {{"backup_codes.count", "2"}, {"backup_codes.low", "2"}};
  ASSERT_EQ(Send("PATCH", "/v1/settings", few).status, 200);
  ASSERT_EQ(Send("POST", "/v1/accounts/ada/enrolment", Json::object()).status, 201);
  const Json wish = {{"backup_codes.count", "10"}, {"backup_codes.required", "3"}};
  const Answer refused = Send("PATCH", "/v1/settings", wish);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body["detail"].get<std::string>(), HasSubstr("ada"));
  now += std::chrono::hours(25);  // it waits no more
  EXPECT_EQ(Send("PATCH", "/v1/settings", wish).status, 200);
}

TEST_F(AdministrationTest, ListsTheLockedAccountsAlone) {
  Send("PATCH", "/v1/settings", {{"lockout.scope", "account"}});
  const Json ada = Enrol("ada");
  for (const char* name : {"bob", "root"}) Enrol(name);
  const auto names = [this](const std::string& query) {
    std::vector<std::string> listed;
    const Json page = Send("GET", "/v1/accounts?locked=1" + query).body;
    for (const Json& account : page["accounts"]) listed.push_back(account["account"]);
    return listed;
  };
  EXPECT_THAT(names(""), ::testing::IsEmpty());
  SuperLock("bob");
  for (int i = 0; i < 5; ++i) LogIn("ada", WrongCodeOf(ada));
  EXPECT_THAT(names(""), ::testing::ElementsAre("ada", "bob"));
  EXPECT_THAT(names("&limit=1"), ::testing::ElementsAre("ada"));
  EXPECT_THAT(names("&after=ada"), ::testing::ElementsAre("bob"));
}

TEST_F(AdministrationTest, PeersThatAreNotRootAskADirectoryOfTheirOwnOneAtATime) {
  Enrol("ada");
  EXPECT_EQ(self_directory.lookups, 0);
  const Peer ada{SocketKind::kApi, 1000, 1000, getpid(), 1};
  std::vector<int> statuses;
  const auto keep = [&](HttpResponse response) { statuses.push_back(response.status); };
  Start("GET", "/v1/accounts/ada", Json(), ada, keep);
  Start("GET", "/v1/accounts/bob", Json(), ada, keep);
  EXPECT_THAT(statuses, ::testing::ElementsAre(429));
  EXPECT_EQ(self_directory.lookups, 1);
  const Peer bob{SocketKind::kApi, 1001, 1001, getpid(), 1};
  Start("GET", "/v1/accounts/ada", Json(), bob, keep);
  queue.RunUntil([&] { return statuses.size() == 3; });
  EXPECT_THAT(statuses, ::testing::UnorderedElementsAre(429, 403, 200));
  EXPECT_EQ(self_directory.lookups, 3);  // Show asks once more
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Send("GET", "/v1/accounts/ada", Json(), ada).status, 200);
    EXPECT_EQ(Send("GET", "/v1/accounts/bob", Json(), ada).status, 403);
  }
}

class EventPruningTest : public AdministrationTest {
 protected:
  // All of them of the present.
  void Record(int number) {
    decider->Read([number, time = now](Store& store) {
      Work work;
      work.step = [=](Records&) -> Result<Changes> {
        Changes changes;
        Event event;
        event.time = time;
        changes.events.assign(static_cast<std::size_t>(number), event);
        return changes;
      };
      store.Run({&work, 1});
    });
  }
  std::size_t Count() {
    std::size_t events = 0;
    for (Json next = std::numeric_limits<std::int64_t>::max(); !next.is_null();) {
      const Json page = Send("GET", "/v1/events?limit=1000&before_id=" + next.dump()).body;
      events += page["events"].size();
      next = page["next"];
    }
    return events;
  }
  void Pass(std::chrono::hours time) {
    now += time;
    steady_now += time;
  }
};

TEST_F(EventPruningTest, DeletesAllButTheNewestInPieces) {
  config.keep_events = 1000;
  Record(1500);
  routes->KeepHouse();  // looks at the clock
  EXPECT_EQ(Count(), 1500u);
  routes->KeepHouse();
  routes->KeepHouse();  // goes on
  queue.RunUntil([&] { return Count() == 1000; });
}

TEST_F(EventPruningTest, DeletesWhatIsOldByAClockThatWentOnEvenlyForADay) {
  config.keep_event_days = 30;
  config.keep_events = 0;
  Record(300);
  routes->KeepHouse();
  Pass(std::chrono::hours(24 * 31));
  Record(2);
  routes->KeepHouse();
  queue.RunUntil([&] { return Count() == 2; });
}

TEST_F(EventPruningTest, DeletesNothingByAClockThatJumped) {
  config.keep_event_days = 30;
  config.keep_events = 0;
  Record(300);
  routes->KeepHouse();
  Pass(std::chrono::hours(24 * 3));
  now += std::chrono::hours(24 * 365 * 10);
  for (int i = 0; i < 3; ++i) {
    routes->KeepHouse();
    EXPECT_EQ(Count(), 300u);
    Pass(std::chrono::hours(1));
  }
  now -= std::chrono::hours(24 * 365 * 10);  // and back: it must be even for a day again
  routes->KeepHouse();
  Pass(std::chrono::hours(24 * 31));
  routes->KeepHouse();
  queue.RunUntil([&] { return Count() == 1; });
}

TEST_F(EventPruningTest, DeletesNothingByAClockBeforeTheReleaseDate) {
  config.keep_event_days = 1;
  config.keep_events = 0;
  now = kBuilt - std::chrono::hours(24 * 60);
  Record(2);
  routes->KeepHouse();
  Pass(std::chrono::hours(24 * 50));
  routes->KeepHouse();
  EXPECT_EQ(Count(), 2u);
  EXPECT_EQ(Count(), 2u);
}

TEST_F(AdministrationTest, EventsTellWhatHappenedNewestFirstAndCanBeFollowed) {
  const Json ada = Enrol("ada");
  LogIn("ada", CodeOf(ada));
  LogIn("ada", WrongCodeOf(ada));
  EXPECT_THAT(EventKinds(), ::testing::ElementsAre("wrong_code", "login", "enrolment_finished",
                                                   "enrolment_begun"));
  EXPECT_THAT(EventKinds("?after_id=2"), ::testing::ElementsAre("login", "wrong_code"));
  EXPECT_THAT(EventKinds("?account=bob"), ::testing::IsEmpty());
  EXPECT_THAT(EventKinds("?limit=1"), ::testing::ElementsAre("wrong_code"));
  const Json event = Send("GET", "/v1/events?limit=1").body["events"][0];
  EXPECT_EQ(event["door"], "ssh");
  EXPECT_EQ(event["remote_host"], "192.0.2.7");
  EXPECT_EQ(event["account"], "ada");
  for (const std::string bad : {"?limit=0", "?limit=x", "?since=yesterday", "?after_id=-2"}) {
    EXPECT_EQ(Send("GET", "/v1/events" + bad).status, 400) << bad;
  }
  std::optional<Json> followed;
  Start("GET", "/v1/events?after_id=4&follow=1", Json(), std::nullopt,
        [&followed](HttpResponse response) { followed = Json::parse(response.body.ExposeText()); });
  LogIn("ada", WrongCodeOf(ada));
  queue.RunUntil([&followed] { return followed.has_value(); });
  EXPECT_EQ((*followed)["events"][0]["kind"], "wrong_code");
}

TEST_F(AdministrationTest, ListsAccountsByPage) {
  for (const std::string name : {"ada", "bob", "root"}) Enrol(name);
  const Json first = Send("GET", "/v1/accounts?limit=2").body;
  EXPECT_EQ(first["accounts"].size(), 2);
  EXPECT_EQ(first["next"], "bob");
  const Json second = Send("GET", "/v1/accounts?limit=2&after=bob").body;
  EXPECT_EQ(second["accounts"][0]["account"], "root");
  EXPECT_TRUE(second["next"].is_null());
}

TEST_F(AdministrationTest, KeepsSessionsOfLiveProcessesOverARestart) {
  const Answer begun = Send("POST", "/v1/sessions",
                            {{"account", "ada"}, {"service", "sshd"}, {"remote_host", "::1"}});
  ASSERT_EQ(begun.status, 201) << begun.body;
  Show("ada");  // until the directory has said whose session it is
  EXPECT_EQ(Send("GET", "/v1/status").body["sessions"], 1);
  Restart();
  EXPECT_EQ(Send("GET", "/v1/status").body["sessions"], 1);
  const std::string target = "/v1/sessions/" + begun.body["session"].get<std::string>();
  EXPECT_EQ(Send("DELETE", target).status, 204);
  EXPECT_EQ(Send("DELETE", target).status, 404);
  EXPECT_EQ(Send("GET", "/v1/status").body["sessions"], 0);
}

TEST_F(AdministrationTest, RefusesBodiesThatAreNoObject) {
  for (const std::string text :
       {"", "[]", "null", "{", "{\"a\":}", "\xff", "{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}"}) {
    HttpRequest request;
    request.method = "PATCH";
    request.path = "/v1/settings";
    request.body = SecretBytes(text);
    request.peer = Peer{SocketKind::kApi, 0, 0, getpid(), 1};
    int status = 0;
    routes->Handle(std::move(request),
                   [&status](HttpResponse response) { status = response.status; });
    EXPECT_EQ(status, 400) << text;
  }
}

// Who may call what, for every route of the table.
TEST_F(AdministrationTest, EveryRouteRefusesWhomItsRowDoesNotName) {
  Enrol("ada");
  const auto peer = [](SocketKind socket, uid_t uid) { return Peer{socket, uid, uid, 1, 1}; };
  for (const Routes::Route& route : Routes::Table()) {
    std::string target(route.pattern);
    if (const auto brace = target.find("{}"); brace != std::string::npos) {
      target.replace(brace, 2, "ada");
    }
    const auto refuses = [&](SocketKind socket, uid_t uid) {
      return Send(std::string(route.method), target, Json::object(), peer(socket, uid)).status ==
             403;
    };
    const bool anyone = route.who == Who::kAnyone;
    const bool self = route.who == Who::kRootOrSelf || route.who == Who::kSelf;
    EXPECT_EQ(refuses(SocketKind::kApi, 1001), !anyone) << target;
    EXPECT_EQ(refuses(SocketKind::kApi, 1000), !anyone && !self) << target;
    EXPECT_EQ(refuses(SocketKind::kPam, 1000), !anyone) << target;
    if (route.who == Who::kRootOnPamSocket) {
      EXPECT_TRUE(refuses(SocketKind::kApi, 0)) << target;
    } else if (!anyone) {
      EXPECT_TRUE(refuses(SocketKind::kPam, 0)) << target;
    }
  }
  EXPECT_EQ(Show("ada")["enrolment"], "active");
  EXPECT_EQ(Send("GET", "/v1/nothing").status, 404);
  EXPECT_EQ(Send("DELETE", "/v1/health").status, 405);
}
}  // namespace
}  // namespace sparekey::testing
