// SPDX-License-Identifier: Apache-2.0
// sparekeyd is killed at random moments while eight processes use it. It starts again with nobody's
// help; what was acknowledged is there, what was spent stays spent. What was answered with an
// error, or not at all, may be either.
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <random>
#include <thread>

#include "tests/races/race_fixture.h"
#include "tests/races/roles.h"
#include "tests/support/processes.h"

namespace sparekey::races {
namespace {

const int kRounds = IsLongRun() ? 1000 : 200;
constexpr std::size_t kRoles = 8;

struct Stand {
  SharedNumber started;  // questions, of all roles
  std::array<Ledger, kRoles> ledgers;
};

class KillingTheService : public ::testing::Test {
 protected:
  KillingTheService() {
    // TOTP steps to spare, and new sheets that cost little.
    service_.Set({{"otp.window", "10"},
                  {"backup_codes.count", "6"},
                  {"lockout.scope", "account"},
                  {"ssh.close_gate_on", "never"}});
    const Stage stage{service_, ways_};
    roles_.push_back(PlayCounters(stage, "asked", Way::kPam));
    roles_.push_back(PlayCounters(stage, "first", Way::kPamAskFirst));
    roles_.push_back(PlayCounters(stage, "command", Way::kCommand));
    roles_.push_back(PlayGuesser(stage));
    roles_.push_back(PlayRecoveries(stage));
    roles_.push_back(PlayCodeGuesser(stage));
    roles_.push_back(PlayEnroller(stage));
    roles_.push_back(PlayGate(stage));
  }

  void Round() {
    stand_->started.Set(0);
    std::vector<pid_t> players;
    for (std::size_t i = 0; i < roles_.size(); ++i) {
      stand_->ledgers[i].Clear();
      players.push_back(StartPlaying(i));
    }
    const auto questions = std::uniform_int_distribution<std::size_t>(1, 60)(random_);
    stand_->started.AwaitAtLeast(questions, std::chrono::seconds(5));
    const auto more = std::uniform_int_distribution<int>(0, 3000)(random_);
    std::this_thread::sleep_for(std::chrono::microseconds(more));
    service_.Kill();
    for (const pid_t player : players) waitpid(player, nullptr, 0);
    const auto start = std::chrono::steady_clock::now();
    service_.Start();
    away_ += std::chrono::steady_clock::now() - start;
    for (std::size_t i = 0; i < roles_.size(); ++i) {
      roles_[i]->Check(stand_->ledgers[i].Entries(), totals_);
    }
  }

  pid_t StartPlaying(std::size_t i) {
    const pid_t pid = CheckedFork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    roles_[i]->Play(stand_->ledgers[i], stand_->started);
    _exit(0);
  }

  testing::RealService service_;
  Ways ways_{service_};
  Shared<Stand> stand_;
  std::vector<std::unique_ptr<Role>> roles_;
  const unsigned int seed_ = Seed();
  std::mt19937 random_{seed_};
  Totals totals_;
  std::chrono::duration<double> away_{};
};

TEST_F(KillingTheService, LosesNothingThatWasAcknowledged) {
  std::cout << "SPAREKEY_SEED=" << seed_ << std::endl;
  const auto start = std::chrono::steady_clock::now();
  int kills = 0;
  for (; kills < kRounds && !HasFailure(); ++kills) Round();
  for (const auto& role : roles_) role->ReplayAll(totals_);
  EXPECT_GT(totals_.acknowledged, kills);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::cout << "[  totals  ] seed " << seed_ << ": " << kills << " kills, " << totals_.acknowledged
            << " acknowledged, " << totals_.unknown << " unknown, " << totals_.replays
            << " replays denied; back after " << 1000 * away_.count() / kills << " ms on average; "
            << time.count() << " s" << std::endl;
}

}  // namespace
}  // namespace sparekey::races
