// SPDX-License-Identifier: Apache-2.0
// The alerts in the store: of one commit with their events, kept by a restart, found damaged where
// they are, and brought into a store that is older than they are.
#include <gmock/gmock.h>

#include <chrono>
#include <tuple>

#include "core/store_look.h"
#include "core/store_renewal.h"
#include "tests/core/store_fixture.h"
#include "tests/support/store_file.h"

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using testing::EventOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Seen = std::pair<EventKind, std::string>;

class StoreAlerts : public testing::StoreTest {
 protected:
  Status Record(std::vector<Event> events) {
    return testing::RunOne(store(), {{}, [events](Records&) -> Result<Changes> {
                                       Changes changes;
                                       changes.events = events;
                                       return changes;
                                     }});
  }
  std::vector<Alert> List(AlertQuery query = {}) {
    auto alerts = store().ListAlerts(query);
    EXPECT_TRUE(alerts.ok());
    return alerts ? *std::move(alerts) : std::vector<Alert>{};
  }
  std::vector<Seen> Seens(AlertQuery query = {}) {
    std::vector<Seen> seen;
    for (const Alert& alert : List(query)) seen.emplace_back(alert.kind, alert.account);
    return seen;
  }
  void Edit(const std::string& sql) {
    Close();
    testing::EditStoreFile(file(), sql);
  }
  // The tables of the version before alerts; what the rows hold is the same.
  void MakeOld() {
    Edit(
        "DROP TABLE alert; DROP INDEX event_block; CREATE INDEX event_account ON event(account);"
        "PRAGMA user_version=1; PRAGMA journal_mode=DELETE");
  }
  void PutShutAccounts() {
    Account bob = testing::MakeAccount("bob", 1001);
    bob.locked = testing::kNow;
    bob.gate = GateClosure{testing::kNow + std::chrono::seconds(1), "lockout of bob"};
    ASSERT_TRUE(testing::Put(store(), bob).ok());
    Account eve = testing::MakeAccount("eve", 1002);
    eve.super_locked = testing::kNow;
    ASSERT_TRUE(testing::Put(store(), eve).ok());
  }
  Status ShutTheSystem() {
    return testing::RunOne(
        store(), {{}, [](Records& records) -> Result<Changes> {
                    records.system.super_locked = SystemSuperLockout{testing::kNow, {"ada"}};
                    records.system.gate = GateClosure{testing::kNow, "super-lockout of ada"};
                    records.policy.enabled = false;
                    Changes changes;
                    changes.system = changes.policy = true;
                    changes.events = {EventOf(EventKind::kLogin, "ada")};
                    return changes;
                  }});
  }
};

TEST_F(StoreAlerts, AreThereWithTheCommitOfTheirEventAndStayAfterARestart) {
  ASSERT_TRUE(
      Record({EventOf(EventKind::kLogin, "ada"), EventOf(EventKind::kLockout, "ada", "5")}).ok());
  Open();
  const auto alerts = List();
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].kind, EventKind::kLockout);
  EXPECT_EQ(alerts[0].account, "ada");
  EXPECT_EQ(alerts[0].id, 2);
  EXPECT_EQ(alerts[0].since, testing::kNow);
  EXPECT_EQ(alerts[0].detail, "5");
  EXPECT_FALSE(alerts[0].acknowledged);
  EXPECT_EQ(*store().CountOpenAlerts(), 1u);
}

TEST_F(StoreAlerts, RaisedTwiceAreOne) {
  ASSERT_TRUE(Record({EventOf(EventKind::kCodesLow, "ada", "3")}).ok());
  ASSERT_TRUE(Record({EventOf(EventKind::kCodesLow, "ada", "1")}).ok());
  const auto alerts = List();
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].count, 2u);
  EXPECT_EQ(alerts[0].detail, "1");
}

TEST_F(StoreAlerts, AreGoneWithTheCommitThatSettlesThem) {
  ASSERT_TRUE(Record({EventOf(EventKind::kLockout, "ada"), EventOf(EventKind::kLockout, "bob"),
                      EventOf(EventKind::kGateClosed, "")})
                  .ok());
  ASSERT_TRUE(Record({EventOf(EventKind::kUnlocked, "ada")}).ok());
  EXPECT_THAT(Seens(),
              ElementsAre(Seen(EventKind::kLockout, "bob"), Seen(EventKind::kGateClosed, "")));
}

TEST_F(StoreAlerts, AcknowledgedStayUntilTheyAreSettled) {
  ASSERT_TRUE(Record({EventOf(EventKind::kLockout, "ada")}).ok());
  ASSERT_TRUE(Record({EventOf(EventKind::kAlertAcknowledged, "ada", "lockout")}).ok());
  EXPECT_THAT(Seens({0, false, 10}), IsEmpty());
  EXPECT_THAT(Seens({0, true, 10}), SizeIs(1));
  EXPECT_EQ(*store().CountOpenAlerts(), 0u);
  ASSERT_TRUE(Record({EventOf(EventKind::kRecovery, "ada")}).ok());
  EXPECT_THAT(Seens(), IsEmpty());
}

TEST_F(StoreAlerts, ComeByPages) {
  std::vector<Event> events;
  for (int i = 0; i < 7; ++i) {
    events.push_back(EventOf(EventKind::kLockout, "user" + std::to_string(i)));
  }
  ASSERT_TRUE(Record(events).ok());
  EXPECT_THAT(Seens({0, std::nullopt, 3}), SizeIs(3));
  EXPECT_THAT(Seens({6, std::nullopt, 3}), ElementsAre(Seen(EventKind::kLockout, "user6")));
}

TEST_F(StoreAlerts, AreLookedAtByAWorkAndNotFoundOnceSettled) {
  ASSERT_TRUE(Record({EventOf(EventKind::kLockout, "ada", "5")}).ok());
  std::string seen;
  Work look{{}, [&](Records& records) -> Result<Changes> {
              seen = records.alert->detail;
              return Changes{};
            }};
  look.alert = 1;
  EXPECT_TRUE(testing::RunOne(store(), look).ok());
  EXPECT_EQ(seen, "5");
  look.alert = 2;
  EXPECT_EQ(testing::RunOne(store(), look).error().code, ErrorCode::kNotFound);
}

TEST_F(StoreAlerts, ThatAreDamagedAreShownAsSuchAndStandInNobodysWay) {
  ASSERT_TRUE(Record({EventOf(EventKind::kLockout, "ada"), EventOf(EventKind::kLockout, "bob"),
                      EventOf(EventKind::kLockout, "eve")})
                  .ok());
  Edit("UPDATE alert SET state=1 WHERE account IN ('ada', 'bob')");
  Open();
  const auto alerts = List();
  ASSERT_THAT(alerts, SizeIs(3));
  EXPECT_TRUE(alerts[0].damaged && alerts[1].damaged && !alerts[2].damaged);
  ASSERT_TRUE(
      Record({EventOf(EventKind::kLockout, "ada"), EventOf(EventKind::kUnlocked, "bob")}).ok());
  EXPECT_THAT(Seens(),
              ElementsAre(Seen(EventKind::kLockout, "eve"), Seen(EventKind::kLockout, "ada")));
}

TEST_F(StoreAlerts, WhoseIndexIsDamagedStandInNoLockoutsWay) {
  ASSERT_TRUE(Record({EventOf(EventKind::kGateClosed, "")}).ok());
  for (const char* index : {"alert_of", "alert_state"}) {
    Close();
    const std::string whole = testing::ReadAll(file());
    testing::BreakStoreFile(file(), index);
    Open();
    std::vector<std::int64_t> heard;
    store().SetListener([&](std::span<const Event> events) {
      for (const Event& event : events) heard.push_back(event.id);
    });
    std::vector<Work> works;
    works.push_back(testing::CountingUp(ada_));
    works.push_back(testing::CountingUp(ada_));
    const auto count = works[1].step;
    works[1].step = [count](Records& records) {
      auto changes = count(records);
      changes->events = {EventOf(EventKind::kLockout, "ada")};
      return changes;
    };
    works.push_back(testing::CountingUp(ada_));
    store().Run(works);
    for (const Work& work : works) EXPECT_TRUE(work.status.ok()) << work.status.error().message;
    EXPECT_EQ(testing::Failures(store(), ada_), 3) << index;
    EXPECT_THAT(heard, ElementsAre(2)) << index;
    EXPECT_EQ(store().CountOpenAlerts().error().code, ErrorCode::kDamaged) << index;
    // But nobody is told that an alert was acknowledged.
    Work acknowledge{{}, [](Records&) -> Result<Changes> {
                       Changes changes;
                       changes.events = {EventOf(EventKind::kAlertAcknowledged, "", "gate_closed")};
                       return changes;
                     }};
    acknowledge.alert = 1;
    EXPECT_EQ(testing::RunOne(store(), acknowledge).error().code, ErrorCode::kDamaged) << index;
    Open();
    EXPECT_EQ(testing::Failures(store(), ada_), 3) << index;
    Close();
    testing::WriteAll(file(), whole);
    Open();
  }
}

TEST_F(StoreAlerts, AreOfTheirAccountAlone) {
  ASSERT_TRUE(Record({EventOf(EventKind::kLockout, "ada")}).ok());
  Edit("UPDATE alert SET account='bob'");
  Open();
  EXPECT_TRUE(List().at(0).damaged);
}

TEST_F(StoreAlerts, AreCheckedWithTheStore) {
  ASSERT_TRUE(
      Record({EventOf(EventKind::kLockout, "ada"), EventOf(EventKind::kLockout, "bob")}).ok());
  Edit("UPDATE alert SET state=1 WHERE account='bob'");
  Open();
  std::vector<std::string> damage;
  std::uint64_t rows = 0;
  for (std::optional<std::string> from = ""; from;) {
    const auto piece = store().Check(*from, {.rows = 1});
    ASSERT_TRUE(piece.ok()) << *from;
    rows += piece->rows;
    damage.insert(damage.end(), piece->damage.begin(), piece->damage.end());
    from = piece->next;
  }
  EXPECT_THAT(damage, ElementsAre("alert 2 in the store is damaged"));
  EXPECT_EQ(rows, 3u + 2u + 2u + 2u);  // state, ada and her uid, events, alerts
}

TEST_F(StoreAlerts, OfWhatIsRolledBackAreNotThere) {
  std::vector<Work> works(2);
  works[0] = {{}, [](Records&) -> Result<Changes> {
                Changes changes;
                changes.events = {EventOf(EventKind::kLockout, "ada")};
                return changes;
              }};
  works[1] = {{{"ada", 1000}}, [](Records& records) -> Result<Changes> {
                records.accounts[0].account->sheet->last_spent = {200};  // no such place
                Changes changes = testing::ChangesOf({0});
                changes.events = {EventOf(EventKind::kLockout, "bob")};
                return changes;
              }};
  store().Run(works);
  EXPECT_TRUE(works[0].status.ok());
  EXPECT_FALSE(works[1].status.ok());
  EXPECT_THAT(Seens(), ElementsAre(Seen(EventKind::kLockout, "ada")));
}

TEST_F(StoreAlerts, ListenersHearWhatWasCommittedInOrderAndNothingElse) {
  std::vector<std::pair<std::int64_t, std::string>> heard;
  store().SetListener([&](std::span<const Event> events) {
    for (const Event& event : events) heard.emplace_back(event.id, event.account);
  });
  ASSERT_TRUE(Record({EventOf(EventKind::kLogin, "ada"), EventOf(EventKind::kTest, "")}).ok());
  int failures = 0;
  ASSERT_TRUE(testing::RunOne(store(), testing::LookingAt(ada_, failures)).ok());
  Work refused{{}, [](Records&) -> Result<Changes> { return Invalid("no"); }};
  EXPECT_FALSE(testing::RunOne(store(), refused).ok());
  ASSERT_TRUE(Record({EventOf(EventKind::kLogin, "bob")}).ok());
  EXPECT_THAT(heard, ElementsAre(std::pair(1, "ada"), std::pair(2, ""), std::pair(3, "bob")));
}

TEST_F(StoreAlerts, OfAListenerThatThrowsNothingIsLost) {
  store().SetListener([](std::span<const Event>) { throw std::bad_alloc(); });
  EXPECT_TRUE(Record({EventOf(EventKind::kLockout, "ada")}).ok());
  EXPECT_THAT(Seens(), SizeIs(1));
}

TEST_F(StoreAlerts, OfAnOlderStoreAreThoseThatItsStateImplies) {
  PutShutAccounts();
  ASSERT_TRUE(ShutTheSystem().ok());
  MakeOld();
  Open();
  EXPECT_THAT(
      Seens(),
      ElementsAre(Seen(EventKind::kSuperLockout, ""), Seen(EventKind::kGateClosed, ""),
                  Seen(EventKind::kTwoFactorOff, ""), Seen(EventKind::kLockout, "bob"),
                  Seen(EventKind::kGateClosed, "bob"), Seen(EventKind::kSuperLockout, "eve")));
  EXPECT_EQ(List().at(4).since, testing::kNow + std::chrono::seconds(1));
  EXPECT_EQ(testing::Failures(store(), ada_), 0);  // nothing else is lost
  EXPECT_THAT(store().ReadEvents({})->events, SizeIs(1));
  // Their ids are nobody else's.
  ASSERT_TRUE(Record({EventOf(EventKind::kLockout, "ada")}).ok());
  EXPECT_EQ(List().back().account, "ada");
  Open();  // and it is done once
  EXPECT_THAT(Seens(), SizeIs(7));
}

TEST_F(StoreAlerts, OfAnOlderStoreComeWithoutTheRecordsThatAreDamaged) {
  PutShutAccounts();
  MakeOld();
  Edit("UPDATE account SET flags=flags+16 WHERE name='eve'");
  Open();
  EXPECT_THAT(Seens(),
              ElementsAre(Seen(EventKind::kLockout, "bob"), Seen(EventKind::kGateClosed, "bob")));
}

TEST_F(StoreAlerts, OfAnOlderStoreWaitForTheKeyThatFits) {
  PutShutAccounts();
  MakeOld();
  const auto wrong = OpenSqliteStore(state(), testing::TestKey(2));
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("key does not fit"));
  Open();
  EXPECT_THAT(Seens(), SizeIs(3));
}

TEST_F(StoreAlerts, OfAnOlderStoreAreNotMadeByLooking) {
  MakeOld();
  const std::string before = testing::ReadAll(file());
  const auto look = StoreLook::Open(state(), testing::TestKey());
  ASSERT_FALSE(look.ok());
  EXPECT_THAT(look.error().message, HasSubstr("older schema 1"));
  EXPECT_EQ(testing::ReadAll(file()), before);
}

TEST_F(StoreAlerts, OfARenewedStoreBeginWithItsClosedGate) {
  const std::string key = state() + "/master.key";
  ASSERT_TRUE(MasterKey::Create(key).ok());
  MakeOld();
  const auto renewed = RenewStore(state(), key, testing::kNow);
  ASSERT_TRUE(renewed.ok()) << renewed.error().message;
  EXPECT_EQ(renewed->accounts, 1u);
  EXPECT_FALSE(renewed->some_unknown);
  auto store = OpenSqliteStore(state(), *MasterKey::Load(key));
  ASSERT_TRUE(store.ok()) << store.error().message;
  const auto alerts = (*store)->ListAlerts({});
  ASSERT_THAT(*alerts, SizeIs(1));
  EXPECT_EQ(alerts->at(0).kind, EventKind::kGateClosed);
}

}  // namespace
}  // namespace sparekey
