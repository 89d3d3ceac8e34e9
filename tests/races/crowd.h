// SPDX-License-Identifier: Apache-2.0
// Many processes, forked once, that log in at one moment: each goes as far as its last answer,
// waits there until all have come, then all go on together.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <vector>

#include "tests/races/attempt.h"
#include "tests/races/shared_number.h"

namespace sparekey::races {

struct Turn {
  Attempt attempt;
  int wave = 0;  // those of wave 1 go on when all of wave 0 have ended, and so on
};

class Crowd {
 public:
  // Call before this process has threads. The processes end with this one.
  Crowd(std::size_t size, const Ways& ways);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  std::size_t size() const { return pids_.size(); }
  // At most size() turns, a process each; their endings in the same order. kNone: not within 60 s.
  std::vector<Ending> Run(const std::vector<Turn>& turns,
                          const std::function<void()>& before_wave_1 = nullptr);

 private:
  struct Hall;
  [[noreturn]] void Live(std::size_t seat, const Ways& ways);

  std::unique_ptr<Shared<Hall>> hall_;
  std::vector<pid_t> pids_;
};

}  // namespace sparekey::races
