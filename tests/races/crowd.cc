// SPDX-License-Identifier: Apache-2.0
#include "tests/races/crowd.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <stdexcept>

#include "tests/support/processes.h"

namespace sparekey::races {
namespace {

constexpr std::size_t kMostSeats = 128;
constexpr std::size_t kMostWaves = 4;

struct Seat {
  std::atomic<std::uint32_t> round = 0;  // in which its turn is due
  Turn turn;
  Ending ending = Ending::kNone;
};

}  // namespace

struct Crowd::Hall {
  SharedNumber round;    // counts up when the seats are set
  SharedNumber arrived;  // at the last answer, or ended before
  SharedNumber open;     // waves that may go on
  std::array<SharedNumber, kMostWaves> ended;
  std::array<Seat, kMostSeats> seats;
};

Crowd::Crowd(std::size_t size, const Ways& ways) : hall_(std::make_unique<Shared<Hall>>()) {
  if (size > kMostSeats) throw std::invalid_argument("too many processes");
  const pid_t parent = getpid();
  for (std::size_t seat = 0; seat < size; ++seat) {
    const pid_t pid = CheckedFork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      Live(seat, ways);
    }
    pids_.push_back(pid);
  }
}

Crowd::~Crowd() {
  for (const pid_t pid : pids_) CheckedKill(pid, SIGKILL);
  for (const pid_t pid : pids_) waitpid(pid, nullptr, 0);
}

void Crowd::Live(std::size_t number, const Ways& ways) {
  Hall& hall = **hall_;
  Seat& seat = hall.seats[number];
  for (std::uint32_t round = 0;;) {
    while (!hall.round.Await([round](std::uint32_t now) { return now != round; })) {
    }
    round = hall.round.Get();
    if (seat.round != round) continue;
    bool has_arrived = false;
    const auto arrive = [&] {
      if (has_arrived) return;
      has_arrived = true;
      hall.arrived.Add();
    };
    const auto wave = static_cast<std::uint32_t>(seat.turn.wave);
    const auto wait = [&] {
      arrive();
      hall.open.Await([wave](std::uint32_t open) { return open > wave; }, 2 * kPatience);
    };
    try {
      seat.ending = ways.Run(seat.turn.attempt, wait);
    } catch (...) {
      seat.ending = Ending::kBroken;
    }
    arrive();
    hall.ended[wave].Add();
  }
}

std::vector<Ending> Crowd::Run(const std::vector<Turn>& turns,
                               const std::function<void()>& before_wave_1) {
  Hall& hall = **hall_;
  std::array<std::uint32_t, kMostWaves> in_wave{};
  if (turns.size() > pids_.size()) throw std::invalid_argument("more turns than processes");
  for (std::size_t i = 0; i < turns.size(); ++i) {
    Seat& seat = hall.seats[i];
    seat.turn = turns[i];
    seat.ending = Ending::kNone;
    seat.round = hall.round.Get() + 1;
    ++in_wave.at(static_cast<std::size_t>(turns[i].wave));
  }
  hall.arrived.Set(0);
  hall.open.Set(0);
  for (SharedNumber& ended : hall.ended) ended.Set(0);
  hall.round.Add();

  bool in_time = hall.arrived.AwaitAtLeast(turns.size());
  for (std::size_t wave = 0; in_time && wave < kMostWaves; ++wave) {
    if (wave == 1 && before_wave_1) before_wave_1();
    hall.open.Set(static_cast<std::uint32_t>(wave) + 1);
    in_time = hall.ended[wave].AwaitAtLeast(in_wave[wave]);
  }
  std::vector<Ending> endings;
  for (std::size_t i = 0; i < turns.size(); ++i) endings.push_back(hall.seats[i].ending);
  return endings;
}

}  // namespace sparekey::races
