// SPDX-License-Identifier: Apache-2.0
// One code, many processes at one moment, through libpam and the command line mixed: one accept,
// and nothing counted for the replays.
#include "tests/races/race_fixture.h"

namespace sparekey::races {
namespace {

const int kRounds = IsLongRun() ? 1000 : 100;

class OneCode : public RaceTest {
 protected:
  std::vector<Turn> Everybody(const Owner& owner, const std::string& first,
                              const std::string& second = "", std::size_t count = kProcesses) {
    std::vector<Turn> turns;
    for (std::size_t i = 0; i < count; ++i) {
      // So that each way comes first at times.
      const std::size_t seat = i + static_cast<std::size_t>(rounds_);
      turns.push_back({Recovery(WayOf(seat), DoorOf(seat), owner.name, first, second)});
    }
    return turns;
  }

  // sparekeyd drops what it could not decide in time, and says so: an error, which denies and
  // counts nothing. So one accept is the rule; where a machine is so slow that all were dropped,
  // the code must be good still.
  void Race(const Owner& owner, const std::vector<Turn>& turns) {
    Endings endings = Run(turns);
    ++rounds_;
    if (endings.Of(Ending::kAccept) == 0) {
      EXPECT_EQ(endings.Of(Ending::kUndecided), static_cast<int>(turns.size())) << endings;
      endings = Run({turns[0]});
      ++late_;
    }
    EXPECT_EQ(endings.Of(Ending::kAccept), 1) << "round " << rounds_ << endings << service_.Log();
    EXPECT_EQ(endings.All() - 1, endings.Of(Ending::kDenied) + endings.Of(Ending::kUndecided))
        << "round " << rounds_ << endings;
    ExpectNothingCounted(owner);
  }

  void ExpectNothingCounted(const Owner& owner) {
    const Json shown = service_.Show(owner.name);
    EXPECT_EQ(shown.at("otp_failures"), 0) << rounds_;
    EXPECT_EQ(shown.at("recovery_failures"), 0) << rounds_;
    EXPECT_EQ(shown.at("otp_budget_left"), 100) << rounds_;
    EXPECT_EQ(shown.at("lockout"), "none") << rounds_;
  }

  int late_ = 0;
};

// 8 digits, so that two steps in the window hardly ever have the same code.
TEST_F(OneCode, OfATimeStepIsAcceptedOnce) {
  constexpr int kStepsEach = 10;
  service_.Set({{"backup_codes.count", "2"}, {"backup_codes.low", "2"}, {"otp.window", "10"}});
  while (rounds_ < kRounds && !HasFailure()) {
    const Owner owner =
        service_.Enrol("totp" + std::to_string(rounds_), {{"type", "totp"}, {"digits", 8}});
    const std::int64_t first = owner.StepNow() - kStepsEach / 2;
    for (std::int64_t step = first; step < first + kStepsEach && !HasFailure(); ++step) {
      Race(owner, Everybody(owner, owner.CodeOf(step)));
    }
  }
  EXPECT_EQ(all_.Of(Ending::kAccept), rounds_);
}

TEST_F(OneCode, OfACounterIsAcceptedOnce) {
  const Owner owner = service_.Enrol("hotp", {{"type", "hotp"}, {"digits", 8}});
  for (int counter = 0; counter < kRounds && !HasFailure(); ++counter) {
    Race(owner, Everybody(owner, owner.CodeOf(counter)));
  }
  EXPECT_EQ(all_.Of(Ending::kAccept), rounds_);
}

// A set costs two Argon2id, 64 of them a second of two processors: one round in twenty has all 64
// processes, the others eight.
TEST_F(OneCode, OfASheetIsAcceptedOnceWithItsSet) {
  service_.Set({{"backup_codes.count", "4"}});
  Owner owner = service_.Enrol("recovering");
  while (rounds_ < kRounds && !HasFailure()) {
    for (std::size_t i = 0; i + 1 < owner.sheet.size() && !HasFailure(); i += 2) {
      const std::size_t count = rounds_ % 20 == 0 ? kProcesses : 8;
      Race(owner, Everybody(owner, owner.sheet[i], owner.sheet[i + 1], count));
    }
    service_.NewSheet(owner);
  }
  EXPECT_EQ(all_.Of(Ending::kAccept), rounds_);
}

// Two sets that share a code cannot both be accepted. The loser's is a wrong set.
TEST_F(OneCode, OfASheetIsAcceptedInOneOfTwoSets) {
  Owner owner = service_.Enrol("sharing");
  for (rounds_ = 0; rounds_ < kRounds / 5 && !HasFailure(); ++rounds_) {
    const std::size_t i = static_cast<std::size_t>(rounds_) % 3 * 3;
    if (i == 0 && rounds_ > 0) service_.NewSheet(owner);
    std::vector<Turn> turns;
    for (std::size_t seat = 0; seat < 8; ++seat) {
      const std::string& other = owner.sheet[seat % 2 == 0 ? i : i + 2];
      turns.push_back({Recovery(WayOf(seat + static_cast<std::size_t>(rounds_)), DoorOf(seat),
                                owner.name, owner.sheet[i + 1], other)});
    }
    const Endings endings = Run(turns);
    EXPECT_EQ(endings.Of(Ending::kAccept), 1) << rounds_ << endings << service_.Log();
    const Json shown = service_.Show(owner.name);
    EXPECT_EQ(shown.at("codes_left"), 10 - 2 * (rounds_ % 3 + 1));
    EXPECT_EQ(shown.at("recovery_failures"), 4) << rounds_ << endings;
  }
}

}  // namespace
}  // namespace sparekey::races
