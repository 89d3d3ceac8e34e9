// SPDX-License-Identifier: Apache-2.0
// Roles that use one-time codes.
#include <set>

#include "tests/races/one_account.h"

namespace sparekey::races {
namespace {

// More than one account uses in the long run.
constexpr std::int64_t kMostCounters = 10'000;

// An account no two of whose codes are alike. Of two that are alike by chance a later counter's is
// right although an earlier counter's was spent: one such pair in every thousand runs of the test.
Owner EnrolWithDistinctCodes(const testing::RealService& service, const std::string& name) {
  for (int attempt = 1;; ++attempt) {
    Owner owner = service.Enrol(name + std::to_string(attempt), {{"type", "hotp"}, {"digits", 8}});
    std::set<std::string> codes;
    std::int64_t counter = 0;
    while (counter < kMostCounters && codes.insert(owner.CodeOf(counter)).second) ++counter;
    if (counter == kMostCounters) return owner;
  }
}

// Right codes of counters, one after the other.
class Counters : public OneAccount {
 public:
  Counters(const Stage& stage, const std::string& name, Way way)
      : OneAccount(stage, EnrolWithDistinctCodes(stage.service, name)), way_(way) {}

  void Play(Ledger& ledger, SharedNumber& started) override {
    for (std::int64_t counter = next_; !ledger.IsFull(); ++counter) {
      Entry& entry = ledger.Begin(Deed::kLogin, owner_.name, counter, started);
      const Ending ending = LogIn(owner_.CodeOf(counter), way_);
      if (ending == Ending::kAccept) entry.Done();
      if (ending != Ending::kAccept && ending != Ending::kUndecided) entry.Refuse();
      if (ending != Ending::kAccept) return;
    }
  }
  void Check(const std::vector<Entry>& entries, Totals& totals) override {
    Note(entries, totals);
    std::vector<std::string> spent;
    for (const Entry& entry : entries) {
      next_ = entry.number + 1;
      if (entry.heard == Heard::kDone) spent.push_back(owner_.CodeOf(entry.number));
    }
    EXPECT_EQ(Show().at("otp_failures"), 0) << owner_.name;
    ExpectSpent(spent, totals);
    spent_.insert(spent_.end(), spent.begin(), spent.end());
    if (entries.empty() || entries.back().heard != Heard::kNothing) return;
    // Spent or not: once more, and never a second time.
    const std::string last = owner_.CodeOf(entries.back().number);
    const Ending once_more = LogIn(last);
    EXPECT_TRUE(once_more == Ending::kAccept || once_more == Ending::kDenied) << owner_.name;
    ExpectSpent({last}, totals);
    spent_.push_back(last);
  }
  void ReplayAll(Totals& totals) override {
    EXPECT_LT(next_, kMostCounters);
    ExpectSpent(spent_, totals);
  }

 private:
  const Way way_;
  std::int64_t next_ = 0;
  std::vector<std::string> spent_;
};

// Wrong codes, until the account is locked and beyond.
class Guesser : public OneAccount {
 public:
  explicit Guesser(const Stage& stage)
      : OneAccount(stage, stage.service.Enrol("guessed", {{"type", "hotp"}})) {
    for (int value = 0; wrong_.size() < kOtpLimit; ++value) {
      const std::string code = std::to_string(100'000 + value);
      bool right = false;
      for (int counter = 0; counter <= kLookAhead; ++counter) {
        right = right || owner_.CodeOf(counter) == code;
      }
      if (!right) wrong_.push_back(code);
    }
  }

  void Play(Ledger& ledger, SharedNumber& started) override {
    for (std::size_t i = 0; i < 2 * kOtpLimit; ++i) {
      const Way way = i % 4 == 3 ? Way::kCommand : Way::kPam;
      Entry& entry = ledger.Begin(Deed::kWrongCode, owner_.name, 0, started);
      const Ending ending = LogIn(wrong_[i % wrong_.size()], way);
      if (ending == Ending::kDenied || ending == Ending::kLocked) entry.Done(ToString(ending));
      if (ending == Ending::kUndecided) return;
      if (entry.heard == Heard::kNothing) entry.Refuse();
    }
  }
  void Check(const std::vector<Entry>& entries, Totals& totals) override {
    Note(entries, totals);
    int counted = failures_, unknown = 0;
    bool locked = failures_ >= kOtpLimit;
    for (const Entry& entry : entries) {
      if (entry.heard == Heard::kNothing) ++unknown;
      if (entry.text == std::string(ToString(Ending::kDenied))) ++counted;
      locked = locked || entry.text == std::string(ToString(Ending::kLocked));
    }
    const Json shown = Show();
    failures_ = shown.at("otp_failures");
    EXPECT_GE(failures_, counted) << "a counted failure is lost";
    EXPECT_LE(failures_, std::min(counted + unknown, kOtpLimit)) << "counted twice";
    EXPECT_TRUE(!locked || failures_ >= kOtpLimit) << "a lock is lost";
    EXPECT_EQ(shown.at("lockout"), failures_ >= kOtpLimit ? "locked" : "none");
    if (failures_ < kOtpLimit || ++rounds_locked_ % 3 != 0) return;  // a lock outlives kills
    EXPECT_EQ(LogIn(owner_.CodeOf(0)), Ending::kLocked);
    stage_.service.Unlock(owner_.name);
    failures_ = 0;
  }

 private:
  static constexpr int kLookAhead = 10;
  std::vector<std::string> wrong_;
  int failures_ = 0;
  int rounds_locked_ = 0;
};

}  // namespace

std::unique_ptr<Role> PlayCounters(const Stage& stage, const std::string& name, Way way) {
  return std::make_unique<Counters>(stage, name, way);
}

std::unique_ptr<Role> PlayGuesser(const Stage& stage) { return std::make_unique<Guesser>(stage); }

}  // namespace sparekey::races
