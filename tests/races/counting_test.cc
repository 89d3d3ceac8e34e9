// SPDX-License-Identifier: Apache-2.0
// Attempts at one moment are decided in turn: each wrong one counts once and none past the limit;
// right ones are never denied for somebody else's sake; a lock that falls while a prompt is open
// denies what is typed there.
#include "tests/races/race_fixture.h"

namespace sparekey::races {
namespace {

constexpr int kOtpLimit = 5;
constexpr int kRecoveryLimit = 4;
constexpr int kMostWrong = 10;
const int kRepeats = IsLongRun() ? 30 : 3;

class Counting : public RaceTest {
 protected:
  Counting() {
    service_.Set({{"backup_codes.count", "4"},
                  {"backup_codes.max_attempts", std::to_string(kRecoveryLimit)},
                  {"lockout.otp_attempts", std::to_string(kOtpLimit)},
                  {"lockout.scope", "account"}});
  }
  // `count` wrong codes, all different.
  std::vector<Turn> WrongCodes(const Owner& owner, int count, int first_seat, int wave = 0) {
    std::vector<Turn> turns;
    for (int i = 0; i < count; ++i) {
      const auto seat = static_cast<std::size_t>(first_seat + i);
      turns.push_back({OneTime(WayOf(seat), DoorOf(seat), owner.name, WrongCode(owner, i)), wave});
    }
    return turns;
  }
  // `count` sets of which one code is right.
  std::vector<Turn> WrongSets(const Owner& owner, int count, int first_seat, int wave = 0) {
    std::vector<Turn> turns;
    for (int i = 0; i < count; ++i) {
      const auto seat = static_cast<std::size_t>(first_seat + i);
      const std::string wrong = "0123-4567-89AB-CDE" + std::to_string(i % 10);
      turns.push_back(
          {Recovery(WayOf(seat), DoorOf(seat), owner.name, owner.sheet[0], wrong), wave});
    }
    return turns;
  }
};

TEST_F(Counting, CountsEveryWrongCodeOnceAndNonePastTheLimit) {
  const Owner owner = service_.Enrol("ada", {{"type", "hotp"}});
  std::int64_t counter = 0;
  for (int wrong = 1; wrong <= kMostWrong; ++wrong) {
    for (int repeat = 0; repeat < kRepeats && !HasFailure(); ++repeat, ++rounds_) {
      const int counted = std::min(wrong, kOtpLimit);
      const Endings endings = Run(WrongCodes(owner, wrong, rounds_));
      EXPECT_EQ(endings.Of(Ending::kDenied), counted) << wrong << endings;
      EXPECT_EQ(endings.Of(Ending::kLocked), wrong - counted) << wrong << endings;
      const Json shown = service_.Show("ada");
      EXPECT_EQ(shown.at("otp_failures"), counted) << wrong;
      EXPECT_EQ(shown.at("otp_budget_left"), 100 - counted) << wrong;
      EXPECT_EQ(shown.at("recovery_failures"), 0) << wrong;
      EXPECT_EQ(shown.at("lockout"), wrong >= kOtpLimit ? "locked" : "none") << wrong;
      // Past the limit not even the right code is verified: it is as good as before afterwards.
      const Turn right{OneTime(WayOf(static_cast<std::size_t>(rounds_)), Door::kSsh, "ada",
                               owner.CodeOf(counter++))};
      if (wrong >= kOtpLimit) {
        EXPECT_EQ(Run({right}).Of(Ending::kLocked), 1) << wrong;
        service_.Unlock("ada");
      }
      EXPECT_EQ(Run({right}).Of(Ending::kAccept), 1) << wrong;
      service_.Unlock("ada");
    }
  }
}

TEST_F(Counting, CountsEveryFailedRecoveryOnceAndNonePastTheLimit) {
  for (int wrong = 1; wrong <= kMostWrong && !HasFailure(); ++wrong, ++rounds_) {
    const Owner owner = service_.Enrol("eve" + std::to_string(wrong));
    const int counted = std::min(wrong, kRecoveryLimit);
    const Endings endings = Run(WrongSets(owner, wrong, wrong));
    EXPECT_EQ(endings.Of(Ending::kDenied), counted) << wrong << endings;
    EXPECT_EQ(endings.Of(Ending::kSuperLocked), wrong - counted) << wrong << endings;
    const Json shown = service_.Show(owner.name);
    EXPECT_EQ(shown.at("recovery_failures"), counted) << wrong;
    EXPECT_EQ(shown.at("otp_failures"), 0) << wrong;
    EXPECT_EQ(shown.at("codes_left"), 4) << wrong;
    EXPECT_EQ(shown.at("lockout"), wrong >= kRecoveryLimit ? "super_locked" : "none") << wrong;
  }
}

// Wrong one-time codes and failed recoveries of one account at one moment, by their own counters.
TEST_F(Counting, CountsOneTimeCodesAndRecoveriesApart) {
  for (int repeat = 0; repeat < kRepeats && !HasFailure(); ++repeat, ++rounds_) {
    const Owner owner = service_.Enrol("both" + std::to_string(repeat), {{"type", "hotp"}});
    auto turns = WrongCodes(owner, kOtpLimit - 1, repeat);
    for (const Turn& turn : WrongSets(owner, kRecoveryLimit - 1, repeat)) turns.push_back(turn);
    EXPECT_EQ(Run(turns).Of(Ending::kDenied), kOtpLimit + kRecoveryLimit - 2);
    const Json shown = service_.Show(owner.name);
    EXPECT_EQ(shown.at("otp_failures"), kOtpLimit - 1);
    EXPECT_EQ(shown.at("recovery_failures"), kRecoveryLimit - 1);
    EXPECT_EQ(shown.at("lockout"), "none");
  }
}

TEST_F(Counting, DeniesNoneOfFiftyRightLoginsAtOnceUnderLoad) {
  constexpr std::size_t kOwners = 50;
  service_.Set({{"lockout.otp_attempts", "100"}, {"backup_codes.max_attempts", "100"}});
  std::vector<Owner> owners;
  for (std::size_t i = 0; i < kOwners; ++i) {
    owners.push_back(service_.Enrol("owner" + std::to_string(i), {{"type", "hotp"}}));
  }
  const int rounds = IsLongRun() ? 200 : 20;
  Owner victim;
  for (; rounds_ < rounds && !HasFailure(); ++rounds_) {
    if (rounds_ % 20 == 0) {  // 4 failed recoveries a round, and 100 lock it for good
      victim = service_.Enrol("victim" + std::to_string(rounds_), {{"type", "hotp"}});
    }
    std::vector<Turn> turns;
    for (std::size_t i = 0; i < kOwners; ++i) {
      const std::size_t seat = i + static_cast<std::size_t>(rounds_);
      turns.push_back(
          {OneTime(WayOf(seat), DoorOf(seat), owners[i].name, owners[i].CodeOf(rounds_))});
    }
    for (const Turn& turn : WrongSets(victim, 4, rounds_)) turns.push_back(turn);
    const int others = static_cast<int>(kProcesses - turns.size());
    for (const Turn& turn : WrongCodes(victim, others, rounds_)) turns.push_back(turn);
    EXPECT_EQ(Run(turns).Of(Ending::kAccept), static_cast<int>(kOwners));
    service_.Unlock(victim.name);
  }
}

class OpenPrompt : public Counting {
 protected:
  // One process of each way at its prompt with the right code.
  std::vector<Turn> AtPrompt(const Owner& owner, const std::string& code, Door door) {
    std::vector<Turn> turns;
    for (const Way way : {Way::kPam, Way::kPamAskFirst, Way::kCommand}) {
      turns.push_back({OneTime(way, door, owner.name, code), 1});
    }
    return turns;
  }
  void ExpectUnspent(const Owner& owner, const std::string& code) {
    EXPECT_EQ(Run({{OneTime(Way::kPam, Door::kSsh, owner.name, code)}}).Of(Ending::kAccept), 1);
  }
};

TEST_F(OpenPrompt, IsDeniedByALockThatFallsMeanwhile) {
  const Owner owner = service_.Enrol("ada", {{"type", "hotp"}});
  for (rounds_ = 0; rounds_ < 3 * kRepeats && !HasFailure(); ++rounds_) {
    const std::string right = owner.CodeOf(rounds_);
    auto turns = AtPrompt(owner, right, static_cast<Door>(rounds_ % 3));
    for (const Turn& turn : WrongCodes(owner, kOtpLimit, rounds_)) turns.push_back(turn);
    const Endings endings = Run(turns);
    EXPECT_EQ(endings.Of(Ending::kDenied), kOtpLimit) << endings;
    EXPECT_EQ(endings.Of(Ending::kLocked), 3) << endings;
    EXPECT_EQ(service_.Show("ada").at("otp_failures"), kOtpLimit);
    service_.Unlock("ada");
    ExpectUnspent(owner, right);
  }
}

TEST_F(OpenPrompt, IsDeniedByASuperLockoutThatFallsMeanwhile) {
  for (rounds_ = 0; rounds_ < kRepeats && !HasFailure(); ++rounds_) {
    const Owner owner = service_.Enrol("ada" + std::to_string(rounds_), {{"type", "hotp"}});
    auto turns = AtPrompt(owner, owner.CodeOf(0), static_cast<Door>(rounds_ % 3));
    turns.push_back(
        {Recovery(Way::kPam, Door::kOther, owner.name, owner.sheet[1], owner.sheet[2]), 1});
    for (const Turn& turn : WrongSets(owner, kRecoveryLimit, rounds_)) turns.push_back(turn);
    const Endings endings = Run(turns);
    EXPECT_EQ(endings.Of(Ending::kDenied), kRecoveryLimit) << endings;
    EXPECT_EQ(endings.Of(Ending::kSuperLocked), 4) << endings;
    const Json shown = service_.Show(owner.name);
    EXPECT_EQ(shown.at("recovery_failures"), kRecoveryLimit);
    EXPECT_EQ(shown.at("codes_left"), 4);
    EXPECT_TRUE(shown.at("last_login").is_null()) << shown;
  }
}

TEST_F(OpenPrompt, IsDeniedByAGateThatClosesMeanwhile) {
  const Owner owner = service_.Enrol("ada", {{"type", "hotp"}});
  for (rounds_ = 0; rounds_ < kRepeats && !HasFailure(); ++rounds_) {
    const std::string right = owner.CodeOf(rounds_);
    Json gate{{"state", "closed"}};
    if (rounds_ % 2 == 1) gate["account"] = "ada";
    const Endings endings = Run(AtPrompt(owner, right, Door::kSsh),
                                [&] { service_.Call("PUT", "/v1/ssh-gate", gate); });
    EXPECT_EQ(endings.Of(Ending::kGateClosed), 3) << endings;
    EXPECT_EQ(service_.Show("ada").at("otp_failures"), 0);
    gate["state"] = "open";
    service_.Call("PUT", "/v1/ssh-gate", gate);
    ExpectUnspent(owner, right);
  }
}

}  // namespace
}  // namespace sparekey::races
