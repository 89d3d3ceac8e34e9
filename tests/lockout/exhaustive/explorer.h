// SPDX-License-Identifier: Apache-2.0
// Breadth first over everything that can happen in a scene.
#pragma once

#include <cstddef>
#include <string>

#include "tests/lockout/exhaustive/ledger.h"

namespace sparekey::testing {

struct Exploration {
  std::size_t states = 0;
  std::size_t transitions = 0;
  std::size_t questions = 0;  // Admit and DecideAccess
  // The shortest way to what is wrong, and what it is; empty: every rule was kept.
  std::string violation;

  Exploration& operator+=(const Exploration& other);
};

Exploration Explore(const Scene& scene);

}  // namespace sparekey::testing
