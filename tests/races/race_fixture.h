// SPDX-License-Identifier: Apache-2.0
// What the tests under races share: a real sparekeyd, 64 processes, a line with the totals.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/races/crowd.h"

namespace sparekey::races {

using Json = nlohmann::json;
using testing::Owner;

inline bool IsLongRun() {
  const char* const value = std::getenv("SPAREKEY_LONG");
  return value != nullptr && std::string(value) == "1";
}

// Of a run with random moments; printed, and taken from SPAREKEY_SEED to repeat it.
inline unsigned int Seed() {
  const char* const given = std::getenv("SPAREKEY_SEED");
  return given == nullptr ? std::random_device()()
                          : static_cast<unsigned int>(std::strtoul(given, nullptr, 10));
}

class Endings {
 public:
  void Count(const std::vector<Ending>& endings) {
    for (const Ending ending : endings) ++counts_[ending];
  }
  int Of(Ending ending) const {
    const auto found = counts_.find(ending);
    return found == counts_.end() ? 0 : found->second;
  }
  void Add(const Endings& other) {
    for (const auto& [ending, count] : other.counts_) counts_[ending] += count;
  }
  int All() const {
    int all = 0;
    for (const auto& [ending, count] : counts_) all += count;
    return all;
  }
  friend std::ostream& operator<<(std::ostream& out, const Endings& endings) {
    for (const auto& [ending, count] : endings.counts_) {
      out << ", " << count << " " << ending;
    }
    return out;
  }

 private:
  std::map<Ending, int> counts_;
};

inline Endings Counted(const std::vector<Ending>& endings) {
  Endings counted;
  counted.Count(endings);
  return counted;
}

class RaceTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kProcesses = 64;

  // Every way and door, mixed. One in eight is the command, which costs a program's start.
  static Way WayOf(std::size_t seat) {
    if (seat % 8 == 7) return Way::kCommand;
    return seat % 2 == 0 ? Way::kPam : Way::kPamAskFirst;
  }
  static Door DoorOf(std::size_t seat) { return static_cast<Door>(seat / 2 % 3); }

  // A code that no step which is in reach has.
  static std::string WrongCode(const Owner& owner, int number) {
    for (int value = number * 1000;; ++value) {
      std::string code = std::to_string(value);
      code.insert(0, static_cast<std::size_t>(owner.phone.digits) - code.size(), '0');
      const std::int64_t now = owner.phone.type == OtpType::kTotp ? owner.StepNow() : 0;
      bool right = false;
      for (std::int64_t step = std::max<std::int64_t>(0, now - 40); step < now + 40; ++step) {
        right = right || owner.CodeOf(step) == code;
      }
      if (!right) return code;
    }
  }

  Endings Run(const std::vector<Turn>& turns,
              const std::function<void()>& before_wave_1 = nullptr) {
    const Endings endings = Counted(crowd_.Run(turns, before_wave_1));
    EXPECT_EQ(endings.Of(Ending::kNone), 0) << "a process did not come back" << service_.Log();
    EXPECT_EQ(endings.Of(Ending::kBroken), 0) << service_.Log();
    all_.Add(endings);
    return endings;
  }

  void TearDown() override {
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start_;
    std::cout << "[  totals  ] " << what_ << ": " << rounds_ << " rounds, " << all_.All()
              << " attempts" << all_ << "; " << time.count() << " s" << std::endl;
  }

  testing::RealService service_;
  Ways ways_{service_};
  Crowd crowd_{kProcesses, ways_};
  std::string what_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  int rounds_ = 0;
  Endings all_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace sparekey::races
