// SPDX-License-Identifier: Apache-2.0
// Roles that use backup codes.
#include "tests/races/one_account.h"

namespace sparekey::races {
namespace {

// Recoveries; a new sheet when the codes are at an end.
class Recoveries : public OneAccount {
 public:
  explicit Recoveries(const Stage& stage) : OneAccount(stage, stage.service.Enrol("recovering")) {}

  void Play(Ledger& ledger, SharedNumber& started) override {
    while (!ledger.IsFull()) {
      const bool is_used_up = next_ + 1 >= owner_.sheet.size();
      Entry& entry = ledger.Begin(is_used_up ? Deed::kSheet : Deed::kRecovery, owner_.name,
                                  static_cast<std::int64_t>(next_), started);
      if (!(is_used_up ? MakeSheet(entry) : UsePair(entry))) return;
    }
  }
  void Check(const std::vector<Entry>& entries, Totals& totals) override {
    Note(entries, totals);
    bool maybe_sheet = false, maybe_pair = false;
    for (const Entry& entry : entries) {
      const bool done = entry.heard == Heard::kDone;
      maybe_sheet = entry.deed == Deed::kSheet && !done;
      maybe_pair = entry.deed == Deed::kRecovery && !done;
      if (entry.deed == Deed::kSheet && done) Take(Json::parse(entry.text));
      if (entry.deed == Deed::kSheet) continue;
      next_ = static_cast<std::size_t>(entry.number) + 2;
      if (done) used_.push_back(next_ - 2);
    }
    const bool is_known = CheckSheet(maybe_sheet, maybe_pair);
    if (is_known) ExpectUsed(totals);
    used_.clear();
    // A new sheet too must be good, and a recovery clears what the replays counted.
    const int failures = Show().at("recovery_failures");
    if (is_known && failures < kRecoveryLimit / 2) return;
    Take(stage_.service.Call("POST", RealService::Target(owner_.name) + "/backup-codes"));
    EXPECT_EQ(Recover(0), Ending::kAccept);
    next_ = 2;
    left_ -= 2;
  }

 private:
  bool UsePair(Entry& entry) {
    const Ending ending = Recover(next_, next_ % 8 == 2 ? Way::kCommand : Way::kPam);
    if (ending == Ending::kAccept) entry.Done();
    if (ending != Ending::kAccept && ending != Ending::kUndecided) entry.Refuse();
    next_ += 2;
    return ending == Ending::kAccept;
  }
  bool MakeSheet(Entry& entry) {
    const Json made =
        stage_.service.Try("POST", RealService::Target(owner_.name) + "/backup-codes");
    if (made.at("status") != 201) return false;
    entry.Done(made.at("body").dump());
    Take(made.at("body"));
    return true;
  }
  void Take(const Json& made) {
    owner_.sheet = made.at("backup_codes").get<std::vector<std::string>>();
    owner_.sheet_number = made.at("sheet");
    next_ = 0;
    left_ = owner_.sheet.size();
    used_.clear();
  }
  // False: there is a newer sheet, which nobody has heard of.
  bool CheckSheet(bool maybe_sheet, bool maybe_pair) {
    const Json shown = Show();
    const std::uint32_t number = shown.at("sheet");
    if (maybe_sheet && number == owner_.sheet_number + 1) return false;
    EXPECT_EQ(number, owner_.sheet_number) << "an acknowledged sheet is lost";
    const std::size_t most = left_ - 2 * used_.size();
    left_ = shown.at("codes_left");
    EXPECT_TRUE(left_ == most || (maybe_pair && left_ + 2 == most))
        << left_ << " codes are left, not " << most;
    return true;
  }
  void ExpectUsed(Totals& totals) const {
    for (const std::size_t place : used_) {
      const Ending ending = Recover(place);
      // Where too few codes are left for a recovery, none is looked at.
      EXPECT_TRUE(ending == Ending::kDenied || ending == Ending::kNotAnAttempt)
          << "codes accepted again, or: " << ending;
      ++totals.replays;
    }
  }

  std::size_t next_ = 0;  // first of the next pair
  std::size_t left_ = owner_.sheet.size();
  std::vector<std::size_t> used_;  // pairs of this sheet that this round has acknowledged
};

// Wrong sets, until the account is super-locked and beyond; then another account.
class CodeGuesser : public OneAccount {
 public:
  explicit CodeGuesser(const Stage& stage) : OneAccount(stage, NewOwner(stage, 0)) {}

  void Play(Ledger& ledger, SharedNumber& started) override {
    const std::string wrong = "0123-4567-89AB-CDEF";
    for (int i = 0, locked = 0; i < kRecoveryLimit && locked < 3; ++i) {
      Entry& entry = ledger.Begin(Deed::kFailedRecovery, owner_.name, 0, started);
      const Ending ending = stage_.ways.Run(
          Recovery(Way::kPamAskFirst, Door::kWeb, owner_.name, owner_.sheet[0], wrong), [] {});
      if (ending == Ending::kUndecided) return;
      if (ending == Ending::kSuperLocked) ++locked;
      const bool possible = ending == Ending::kDenied || ending == Ending::kSuperLocked;
      possible ? entry.Done(ToString(ending)) : entry.Refuse();
    }
  }
  void Check(const std::vector<Entry>& entries, Totals& totals) override {
    Note(entries, totals);
    int counted = failures_;
    for (const Entry& entry : entries) {
      if (entry.text == std::string(ToString(Ending::kDenied))) ++counted;
    }
    const int most = std::min(counted + CountOf(entries, Heard::kNothing), kRecoveryLimit);
    const Json shown = Show();
    failures_ = shown.at("recovery_failures");
    EXPECT_GE(failures_, counted) << "a counted failure is lost";
    EXPECT_LE(failures_, most) << "counted twice";
    EXPECT_EQ(shown.at("lockout"), failures_ >= kRecoveryLimit ? "super_locked" : "none");
    EXPECT_EQ(shown.at("codes_left"), owner_.sheet.size());
    if (failures_ < kRecoveryLimit || ++rounds_locked_ % 3 != 0) return;
    EXPECT_EQ(Recover(0), Ending::kSuperLocked);
    failures_ = 0;
    owner_ = NewOwner(stage_, rounds_locked_);
  }

 private:
  static Owner NewOwner(const Stage& stage, int number) {
    return stage.service.Enrol("codes-guessed" + std::to_string(number));
  }

  int failures_ = 0;
  int rounds_locked_ = 0;
};

}  // namespace

std::unique_ptr<Role> PlayRecoveries(const Stage& stage) {
  return std::make_unique<Recoveries>(stage);
}

std::unique_ptr<Role> PlayCodeGuesser(const Stage& stage) {
  return std::make_unique<CodeGuesser>(stage);
}

}  // namespace sparekey::races
