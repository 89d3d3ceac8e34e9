// SPDX-License-Identifier: Apache-2.0
#include "tests/races/crowd.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <ctime>
#include <new>
#include <stdexcept>

namespace sparekey::races {
namespace {

constexpr std::size_t kMostSeats = 128;
constexpr std::size_t kMostWaves = 4;
constexpr std::chrono::seconds kPatience{60};

// A number in shared memory that processes wait for.
class Number {
 public:
  void Set(std::uint32_t value) {
    value_ = value;
    Wake();
  }
  void Add() {
    ++value_;
    Wake();
  }
  std::uint32_t Get() const { return value_; }
  // False when it has not come to that within the patience.
  template <typename Reached>
  bool Await(Reached reached, std::chrono::seconds patience = kPatience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const std::uint32_t seen = value_;
      if (reached(seen)) return true;
      if (std::chrono::steady_clock::now() > end) return false;
      const timespec second{1, 0};
      syscall(SYS_futex, &value_, FUTEX_WAIT, seen, &second, nullptr, 0);
    }
  }

 private:
  void Wake() { syscall(SYS_futex, &value_, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0); }
  std::atomic<std::uint32_t> value_ = 0;
};
static_assert(sizeof(Number) == sizeof(std::uint32_t));

struct Seat {
  std::atomic<std::uint32_t> round = 0;  // in which its turn is due
  Turn turn;
  Ending ending = Ending::kNone;
};

}  // namespace

struct Crowd::Hall {
  Number round;    // counts up when the seats are set
  Number arrived;  // at the last answer, or ended before
  Number open;     // waves that may go on
  std::array<Number, kMostWaves> ended;
  std::array<Seat, kMostSeats> seats;
};

Crowd::Crowd(std::size_t size, const Ways& ways) {
  void* const memory =
      mmap(nullptr, sizeof(Hall), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || size > kMostSeats) throw std::runtime_error("no hall");
  hall_ = new (memory) Hall();
  const pid_t parent = getpid();
  for (std::size_t seat = 0; seat < size; ++seat) {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      Live(seat, ways);
    }
    pids_.push_back(pid);
  }
}

Crowd::~Crowd() {
  for (const pid_t pid : pids_) kill(pid, SIGKILL);
  for (const pid_t pid : pids_) waitpid(pid, nullptr, 0);
  munmap(hall_, sizeof(Hall));
}

void Crowd::Live(std::size_t number, const Ways& ways) {
  Seat& seat = hall_->seats[number];
  for (std::uint32_t round = 0;;) {
    while (!hall_->round.Await([round](std::uint32_t now) { return now != round; })) {
    }
    round = hall_->round.Get();
    if (seat.round != round) continue;
    bool has_arrived = false;
    const auto arrive = [&] {
      if (has_arrived) return;
      has_arrived = true;
      hall_->arrived.Add();
    };
    const auto wave = static_cast<std::uint32_t>(seat.turn.wave);
    const auto wait = [&] {
      arrive();
      hall_->open.Await([wave](std::uint32_t open) { return open > wave; }, 2 * kPatience);
    };
    try {
      seat.ending = ways.Run(seat.turn.attempt, wait);
    } catch (...) {
      seat.ending = Ending::kBroken;
    }
    arrive();
    hall_->ended[wave].Add();
  }
}

std::vector<Ending> Crowd::Run(const std::vector<Turn>& turns,
                               const std::function<void()>& before_wave_1) {
  std::array<std::uint32_t, kMostWaves> in_wave{};
  if (turns.size() > pids_.size()) throw std::invalid_argument("more turns than processes");
  for (std::size_t i = 0; i < turns.size(); ++i) {
    Seat& seat = hall_->seats[i];
    seat.turn = turns[i];
    seat.ending = Ending::kNone;
    seat.round = hall_->round.Get() + 1;
    ++in_wave.at(static_cast<std::size_t>(turns[i].wave));
  }
  hall_->arrived.Set(0);
  hall_->open.Set(0);
  for (Number& ended : hall_->ended) ended.Set(0);
  hall_->round.Add();

  const auto all = [](std::size_t count) {
    return [count](std::uint32_t now) { return now >= count; };
  };
  bool in_time = hall_->arrived.Await(all(turns.size()));
  for (std::size_t wave = 0; in_time && wave < kMostWaves; ++wave) {
    if (wave == 1 && before_wave_1) before_wave_1();
    hall_->open.Set(static_cast<std::uint32_t>(wave) + 1);
    in_time = hall_->ended[wave].Await(all(in_wave[wave]));
  }
  std::vector<Ending> endings;
  for (std::size_t i = 0; i < turns.size(); ++i) endings.push_back(hall_->seats[i].ending);
  return endings;
}

}  // namespace sparekey::races
