// SPDX-License-Identifier: Apache-2.0
// Roles of an administrator: enrolments, an SSH gate.
#include "tests/races/one_account.h"

namespace sparekey::races {
namespace {

// New accounts: enrolled, proven with a code, then used with the next time steps.
class Enroller : public Role {
 public:
  explicit Enroller(const Stage& stage) : stage_(stage) {}

  void Play(Ledger& ledger, SharedNumber& started) override {
    for (int i = 0; i < kMostAccounts; ++i) {
      const std::string name = "new" + std::to_string(round_) + "-" + std::to_string(i);
      Entry& enrolment = ledger.Begin(Deed::kEnrolment, name, 0, started);
      const Json made = stage_.service.Try("POST", RealService::Target(name) + "/enrolment",
                                           {{"type", "totp"}, {"digits", 8}});
      if (made.at("status") != 201) return;
      enrolment.Done(made.at("body").dump());
      const Owner owner = RealService::MakeOwner(made.at("body"));
      const std::int64_t step = owner.StepNow() - 2;
      Entry& confirmation = ledger.Begin(Deed::kConfirmation, name, step, started);
      if (!Confirm(owner, step)) return;
      confirmation.Done();
      for (std::int64_t next = step + 1; next < step + 4; ++next) {
        Entry& login = ledger.Begin(Deed::kLogin, name, next, started);
        const Ending ending = LogIn(owner, next);
        if (ending == Ending::kUndecided) return;
        ending == Ending::kAccept ? login.Done() : login.Refuse();
      }
    }
  }
  void Check(const std::vector<Entry>& entries, Totals& totals) override {
    Note(entries, totals);
    for (std::size_t i = 0; i < entries.size();) {
      std::size_t end = i + 1;
      while (end < entries.size() && entries[end].deed != Deed::kEnrolment) ++end;
      if (entries[i].heard == Heard::kDone) {
        CheckAccount({entries.begin() + static_cast<std::ptrdiff_t>(i),
                      entries.begin() + static_cast<std::ptrdiff_t>(end)},
                     totals);
      }
      i = end;
    }
    ++round_;
  }

 private:
  static constexpr int kMostAccounts = 10;

  bool Confirm(const Owner& owner, std::int64_t step) const {
    const Json answer =
        stage_.service.Try("POST", RealService::Target(owner.name) + "/enrolment/confirmation",
                           {{"code", owner.CodeOf(step)}});
    return answer.at("status") == 200;
  }
  Ending LogIn(const Owner& owner, std::int64_t step) const {
    return stage_.ways.Run(OneTime(Way::kPam, Door::kWeb, owner.name, owner.CodeOf(step)), [] {});
  }
  // Of one account: its enrolment, which was acknowledged, its confirmation, its logins.
  void CheckAccount(const std::vector<Entry>& entries, Totals& totals) const {
    const Owner owner = RealService::MakeOwner(Json::parse(entries[0].text));
    const Json shown = stage_.service.Show(owner.name);
    const bool is_active = shown.at("enrolment") == "active";
    EXPECT_TRUE(is_active || shown.at("enrolment") == "pending") << "an enrolment is lost";
    const bool is_confirmed = entries.size() > 1 && entries[1].heard == Heard::kDone;
    EXPECT_TRUE(is_active || !is_confirmed) << "a confirmation is lost";
    std::int64_t next = owner.StepNow() - 2;
    for (std::size_t i = 1; i < entries.size(); ++i) {
      next = entries[i].number + 1;
      if (entries[i].heard != Heard::kDone) continue;
      EXPECT_EQ(LogIn(owner, entries[i].number), Ending::kDenied) << "accepted again";
      ++totals.replays;
    }
    EXPECT_TRUE(is_active || Confirm(owner, next++)) << "a pending enrolment cannot go on";
    EXPECT_EQ(LogIn(owner, next), Ending::kAccept);
    const Json now = stage_.service.Show(owner.name);
    EXPECT_EQ(now.at("sheet"), owner.sheet_number);
    EXPECT_EQ(now.at("codes_left"), owner.sheet.size());
  }

  const Stage stage_;
  int round_ = 0;
};

// Closes and opens the gate of an account.
class Gate : public OneAccount {
 public:
  explicit Gate(const Stage& stage) : OneAccount(stage, stage.service.Enrol("gated")) {}

  void Play(Ledger& ledger, SharedNumber& started) override {
    for (int i = 0; i < kMostMoves; ++i) {
      is_closed_ = !is_closed_;
      Entry& entry = ledger.Begin(Deed::kGate, owner_.name, is_closed_ ? 1 : 0, started);
      const Json moved =
          stage_.service.Try("PUT", "/v1/ssh-gate",
                             {{"state", is_closed_ ? "closed" : "open"}, {"account", owner_.name}});
      if (moved.at("status") != 200) return;
      entry.Done();
    }
  }
  void Check(const std::vector<Entry>& entries, Totals& totals) override {
    Note(entries, totals);
    const bool was_closed = is_closed_;
    is_closed_ = Show().at("ssh_gate") == "closed";
    if (entries.empty()) {
      EXPECT_EQ(is_closed_, was_closed);
    } else if (entries.back().heard == Heard::kDone) {
      EXPECT_EQ(is_closed_, entries.back().number == 1) << "a move of the gate is lost";
    }
  }

 private:
  static constexpr int kMostMoves = 30;
  bool is_closed_ = false;
};

}  // namespace

std::unique_ptr<Role> PlayEnroller(const Stage& stage) { return std::make_unique<Enroller>(stage); }

std::unique_ptr<Role> PlayGate(const Stage& stage) { return std::make_unique<Gate>(stage); }

}  // namespace sparekey::races
