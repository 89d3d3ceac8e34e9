// SPDX-License-Identifier: Apache-2.0
// Which event raises an alert, which one settles it, and what its line says.
#include "core/alerts.h"

#include <gmock/gmock.h>

#include <tuple>

#include "tests/support/accounts.h"

namespace sparekey {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using What = AlertChange::What;
using Seen = std::tuple<What, EventKind, std::string>;

Event EventOf(EventKind kind, std::string account = "ada", std::string detail = "") {
  Event event;
  event.id = 7;
  event.kind = kind;
  event.account = std::move(account);
  event.detail = std::move(detail);
  event.time = testing::kNow;
  return event;
}

std::vector<Seen> ChangesBy(const Event& event, const SystemState& system = {}) {
  std::vector<Seen> seen;
  for (const AlertChange& change : AlertChangesOf(event, system)) {
    seen.emplace_back(change.what, change.kind, change.account);
  }
  return seen;
}

TEST(Alerts, AreRaisedByWhatAnAdministratorMustKnow) {
  for (const EventKind kind :
       {EventKind::kLockout, EventKind::kSuperLockout, EventKind::kGateClosed, EventKind::kCodesLow,
        EventKind::kUnsealingFailed}) {
    EXPECT_THAT(ChangesBy(EventOf(kind)), ElementsAre(Seen(What::kRaise, kind, "ada")));
  }
  EXPECT_THAT(ChangesBy(EventOf(EventKind::kGateClosed, "")),
              ElementsAre(Seen(What::kRaise, EventKind::kGateClosed, "")));
  EXPECT_THAT(ChangesBy(EventOf(EventKind::kTwoFactorOff, "")),
              ElementsAre(Seen(What::kRaise, EventKind::kTwoFactorOff, "")));
}

TEST(Alerts, OfASuperLockoutThatCoversEverybodyAreTheSystems) {
  SystemState system;
  system.super_locked = SystemSuperLockout{testing::kNow, {"ada"}};
  EXPECT_THAT(ChangesBy(EventOf(EventKind::kSuperLockout), system),
              ElementsAre(Seen(What::kRaise, EventKind::kSuperLockout, "")));
}

TEST(Alerts, OfAWrongClockAreTheSystemsWhoeverMetIt) {
  EXPECT_THAT(ChangesBy(EventOf(EventKind::kClockWrong)),
              ElementsAre(Seen(What::kRaise, EventKind::kClockWrong, "")));
}

TEST(Alerts, AreSettledByWhatEndsTheirReason) {
  const auto settles = [](EventKind kind, EventKind settled, const std::string& account) {
    EXPECT_THAT(ChangesBy(EventOf(kind, account)),
                ElementsAre(Seen(What::kSettle, settled, account)));
  };
  settles(EventKind::kUnlocked, EventKind::kLockout, "ada");
  settles(EventKind::kRecovery, EventKind::kLockout, "ada");
  settles(EventKind::kGateOpened, EventKind::kGateClosed, "ada");
  settles(EventKind::kGateOpened, EventKind::kGateClosed, "");
  settles(EventKind::kSheetReplaced, EventKind::kCodesLow, "ada");
  settles(EventKind::kEnrolmentRemoved, EventKind::kCodesLow, "ada");
  settles(EventKind::kTwoFactorOn, EventKind::kTwoFactorOff, "");
  settles(EventKind::kConsoleReset, EventKind::kSuperLockout, "");
}

TEST(Alerts, OfAnAccountThatIsResetAreSettledButForItsGate) {
  EXPECT_THAT(ChangesBy(EventOf(EventKind::kConsoleReset)),
              UnorderedElementsAre(Seen(What::kSettle, EventKind::kLockout, "ada"),
                                   Seen(What::kSettle, EventKind::kSuperLockout, "ada"),
                                   Seen(What::kSettle, EventKind::kCodesLow, "ada"),
                                   Seen(What::kSettle, EventKind::kUnsealingFailed, "ada")));
}

TEST(Alerts, AreLeftAloneByEveryOtherEvent) {
  for (const EventKind kind :
       {EventKind::kLogin, EventKind::kWrongCode, EventKind::kReplay, EventKind::kFailedRecovery,
        EventKind::kEnrolmentBegun, EventKind::kEnrolmentFinished, EventKind::kSettingsChanged,
        EventKind::kAuthenticatorAdded, EventKind::kAuthenticatorRenewed,
        EventKind::kAuthenticatorRemoved, EventKind::kResynchronised, EventKind::kSessionsEnded,
        EventKind::kTest}) {
    EXPECT_THAT(ChangesBy(EventOf(kind)), IsEmpty()) << ToString(kind);
  }
}

TEST(Alerts, StayAcknowledgedWhileTheirReasonLasts) {
  EXPECT_THAT(ChangesBy(EventOf(EventKind::kAlertAcknowledged, "ada", "lockout")),
              ElementsAre(Seen(What::kAcknowledge, EventKind::kLockout, "ada")));
  EXPECT_THAT(ChangesBy(EventOf(EventKind::kAlertAcknowledged, "", "clock_wrong")),
              ElementsAre(Seen(What::kSettle, EventKind::kClockWrong, "")));
  EXPECT_THAT(ChangesBy(EventOf(EventKind::kAlertAcknowledged, "", "no such kind")), IsEmpty());
}

TEST(Alerts, RaisedTwiceAreOneThatCounts) {
  const AlertChange change{What::kRaise, EventKind::kCodesLow, "ada"};
  const Alert first = RaiseAlert(std::nullopt, change, EventOf(EventKind::kCodesLow, "ada", "3"));
  EXPECT_EQ(first.id, 7);
  Event later = EventOf(EventKind::kCodesLow, "ada", "1");
  later.id = 9;
  later.time += std::chrono::hours(1);
  const Alert second = RaiseAlert(first, change, later);
  EXPECT_EQ(second.id, 7);
  EXPECT_EQ(second.count, 2u);
  EXPECT_EQ(second.since, testing::kNow);
  EXPECT_EQ(second.last, later.time);
  EXPECT_EQ(second.detail, "1");
}

TEST(Alerts, RaisedAgainAfterSomebodySawThemAreNewOnes) {
  const AlertChange change{What::kRaise, EventKind::kCodesLow, "ada"};
  Alert seen = RaiseAlert(std::nullopt, change, EventOf(EventKind::kCodesLow));
  seen.acknowledged = true;
  Event later = EventOf(EventKind::kCodesLow);
  later.id = 9;
  const Alert again = RaiseAlert(seen, change, later);
  EXPECT_EQ(again.id, 9);
  EXPECT_FALSE(again.acknowledged);
  EXPECT_EQ(again.count, 1u);
}

TEST(Alerts, OfAClosedGateCannotBeAcknowledged) {
  Alert alert;
  alert.kind = EventKind::kGateClosed;
  EXPECT_THAT(CheckAcknowledgeable(alert).error().message, HasSubstr("sparekey ssh enable"));
  alert.account = "ada";
  EXPECT_THAT(CheckAcknowledgeable(alert).error().message, HasSubstr("sparekey ssh enable ada"));
  alert.kind = EventKind::kLockout;
  EXPECT_TRUE(CheckAcknowledgeable(alert).ok());
}

TEST(Alerts, OfTwoFactorThatIsOffCannotBeAcknowledged) {
  Alert alert;
  alert.kind = EventKind::kTwoFactorOff;
  EXPECT_THAT(CheckAcknowledgeable(alert).error().message, HasSubstr("enabled=true"));
}

TEST(Alerts, AreImpliedByEveryStateThatAnEventWouldHaveRaisedThemFor) {
  SystemState system;
  system.super_locked = SystemSuperLockout{testing::kNow, {"ada", "bob"}};
  system.gate = GateClosure{testing::kNow, "super-lockout of ada"};
  Policy policy;
  policy.enabled = false;
  const auto alerts = AlertsImpliedBy(system, policy, testing::kBuilt);
  ASSERT_EQ(alerts.size(), 3u);
  EXPECT_THAT(AlertText(alerts[0]), HasSubstr("(failures of ada, bob)"));
  EXPECT_EQ(alerts[1].detail, "super-lockout of ada");
  EXPECT_EQ(alerts[2].since, testing::kBuilt);
  Account account = testing::MakeAccount();
  EXPECT_THAT(AlertsImpliedBy(account), IsEmpty());
  account.locked = account.super_locked = testing::kNow;
  account.gate = GateClosure{testing::kNow, "lockout of ada"};
  EXPECT_EQ(AlertsImpliedBy(account).size(), 3u);
}

TEST(Alerts, SayWhatHappenedAndWhatToDoNext) {
  const auto text = [](EventKind kind, std::string account, std::string detail) {
    const Event event = EventOf(kind, account, std::move(detail));
    return AlertText(RaiseAlert(std::nullopt, {What::kRaise, kind, std::move(account)}, event));
  };
  EXPECT_EQ(text(EventKind::kGateClosed, "", "super-lockout of ada"),
            "SSH is disabled (super-lockout of ada): enable it again? sparekey ssh enable");
  EXPECT_THAT(text(EventKind::kGateClosed, "bob", "x"), HasSubstr("sparekey ssh enable bob"));
  EXPECT_THAT(text(EventKind::kLockout, "bob", "5 wrong codes in a row"),
              HasSubstr("sparekey user unlock bob"));
  EXPECT_THAT(text(EventKind::kSuperLockout, "bob", ""), HasSubstr("sparekey console reset bob"));
  EXPECT_THAT(text(EventKind::kCodesLow, "bob", "2 backup codes left"),
              HasSubstr("sparekey codes new bob"));
  EXPECT_THAT(text(EventKind::kClockWrong, "", ""), HasSubstr("Set the clock"));
  EXPECT_THAT(text(EventKind::kTwoFactorOff, "", ""), HasSubstr("enabled=true"));
  EXPECT_THAT(text(EventKind::kUnsealingFailed, "bob", ""), HasSubstr("console reset bob"));
}

}  // namespace
}  // namespace sparekey
