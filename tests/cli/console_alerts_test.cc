// SPDX-License-Identifier: Apache-2.0
// console: alerts are read and acknowledged in the menu, and what happened last.
#include <gmock/gmock.h>

#include "tests/cli/console_person.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using testing::kBack;
using testing::kMenu;
using ::testing::Not;
using testing::Person;

constexpr char kNumber[] = "Number of an alert to acknowledge (Enter: what happened last): ";

class ConsoleAlerts : public testing::ConsoleMenuTest {
 protected:
  void Raise(EventKind kind, const std::string& name) {
    Change({}, [&](Records&, std::vector<Event>& events) {
      Event event;
      event.kind = kind;
      event.account = name;
      event.time = ReadClock();
      events.push_back(event);
    });
  }
  std::vector<EventKind> OpenAlerts() {
    AlertQuery query;
    query.acknowledged = false;
    std::vector<EventKind> kinds;
    const auto alerts = Open()->ListAlerts(query);
    EXPECT_TRUE(alerts.ok());
    for (const Alert& alert : *alerts) kinds.push_back(alert.kind);
    return kinds;
  }
};

TEST_F(ConsoleAlerts, AreAcknowledgedByTheirNumbersOnTheStore) {
  Raise(EventKind::kCodesLow, "ada");
  Raise(EventKind::kCodesLow, "bob");
  Person person = Sit();
  person.Answer(kMenu, "9\n");
  EXPECT_THAT(person.Answer(kNumber, "2\n"), HasSubstr("   2  20"));
  EXPECT_THAT(person.Answer("Acknowledge it? (y/n) ", "y\n"), HasSubstr("It mends nothing."));
  EXPECT_THAT(person.Answer(kNumber, "2\n"), HasSubstr("Acknowledged: "));
  EXPECT_THAT(person.Answer(kNumber, "1\n"), HasSubstr("'2' is no number of an alert"));
  person.Answer("Acknowledge it? (y/n) ", "n\n");
  EXPECT_THAT(person.Answer(kNumber, "\n"), HasSubstr("It stays open."));
  const std::string last = person.Answer(kBack, "\n");
  EXPECT_THAT(last, HasSubstr("Events, newest first:"));
  EXPECT_THAT(last, HasSubstr("alert_acknowledged"));
  EXPECT_EQ(person.Quit(), 0);
  EXPECT_THAT(OpenAlerts(), ::testing::ElementsAre(EventKind::kCodesLow));
}

TEST_F(ConsoleAlerts, AreAcknowledgedByTheService) {
  testing::FakeApi up(folder_ / "api.sock");
  up.Answer("GET /v1/status", 200, R"({"lockout":"none","ssh_gate":"open","enabled":true})");
  up.Answer("GET /v1/accounts?locked=1&limit=20", 200, R"({"accounts":[],"next":null})");
  up.Answer("GET /v1/alerts?state=open&limit=100", 200,
            R"({"alerts":[{"id":7,"kind":"clock_wrong","text":"The clock is wrong","count":3,
                "since":"2026-11-23T14:02:00Z"},{"id":9,"damaged":true}]})");
  up.Answer("POST /v1/alerts/7/acknowledgement", 200, R"({"id":7})");
  up.Answer("GET /v1/events?limit=100", 200, R"({"events":[]})");
  Person person = Sit();
  person.Answer(kMenu, "9\n");
  const std::string alerts = person.Answer(kNumber, "9\n");
  EXPECT_THAT(alerts, HasSubstr("The clock is wrong (3 times)"));
  EXPECT_THAT(alerts, HasSubstr("   9  is damaged"));
  EXPECT_THAT(person.Answer(kNumber, "7\n"), HasSubstr("'9' is no number of an alert"));
  person.Answer("Acknowledge it? (y/n) ", "y\n");
  EXPECT_THAT(person.Answer(kBack, "\n"), HasSubstr("Acknowledged: The clock is wrong"));
  EXPECT_EQ(person.Quit(), 0);
  const auto requests = up.Requests();
  EXPECT_TRUE(std::ranges::any_of(requests, [](const auto& one) {
    return one.method == "POST" && one.target == "/v1/alerts/7/acknowledgement";
  }));
}

TEST_F(ConsoleAlerts, OfAClosedGateOfferNothingButItsEntry) {
  Change({}, [](Records& records, std::vector<Event>& events) {
    CloseGate(records.system.gate, "", "by hand", ReadClock(), events);
  });
  Person person = Sit();
  person.Answer(kMenu, "9\n");
  const std::string screen = person.Answer(kBack, "\n");
  EXPECT_THAT(screen, HasSubstr("SSH is disabled"));
  EXPECT_THAT(screen, HasSubstr("entry 2"));
  EXPECT_THAT(screen, HasSubstr("gate_closed"));
  EXPECT_THAT(screen, Not(HasSubstr(kNumber)));
  EXPECT_EQ(person.Quit(), 0);
  EXPECT_THAT(OpenAlerts(), ::testing::ElementsAre(EventKind::kGateClosed));
}

TEST_F(ConsoleAlerts, OfAnAccountsSuperLockoutOfferItsReset) {
  Change({"bob"}, [](Records& records, std::vector<Event>& events) {
    Account& account = *records.accounts[0].account;
    sparekey::SuperLock(records.policy, account, records.system, false, ReadClock(), events);
  });
  EXPECT_FALSE(IsSuperLocked());
  Person person = Sit();
  person.Answer(kMenu, "9\n");
  const std::string screen = testing::Unfolded(person.Answer(kBack, "\n"));
  EXPECT_THAT(screen, HasSubstr("entry 4 settles it"));
  EXPECT_THAT(screen, HasSubstr("entry 2 settles it"));
  EXPECT_THAT(screen, Not(HasSubstr(kNumber)));
  EXPECT_EQ(person.Quit(), 0);
}

TEST_F(ConsoleAlerts, StayWhileASuperLockoutIsInForce) {
  Raise(EventKind::kCodesLow, "bob");
  SuperLock("ada");
  Person person = Sit();
  person.Answer(kMenu, "9\n");
  const std::string screen = person.Answer(kBack, "\n");
  EXPECT_THAT(screen, HasSubstr("Logins are disabled on this system"));
  EXPECT_THAT(screen, HasSubstr("before the super-lockout has ended: entry 1"));
  EXPECT_THAT(screen, Not(HasSubstr(kNumber)));
  EXPECT_THAT(screen, HasSubstr("Events, newest first:"));
  EXPECT_EQ(person.Quit(), 0);
}

TEST_F(ConsoleAlerts, KeepTheirNumbersInSightHoweverManyTheyAre) {
  for (int i = 0; i < 30; ++i) Raise(EventKind::kCodesLow, "user" + std::to_string(100 + i));
  Person person = Sit();
  person.Answer(kMenu, "9\n");
  person.Answer("q to go back: ", "\n");
  person.Answer("q to go back: ", "\n");
  EXPECT_THAT(person.Answer(kNumber, "\n"), HasSubstr("user129"));
  person.Answer("q to go back: ", "q\n");
  person.Answer(kBack, "\n");
  EXPECT_EQ(person.Quit(), 0);
}

}  // namespace
}  // namespace sparekey
