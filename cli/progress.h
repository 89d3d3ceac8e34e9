// SPDX-License-Identifier: Apache-2.0
// How far a long command is, on standard error: a bar on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace sparekey {

struct ProgressState {
  std::size_t done = 0;
  std::size_t total = 0;
  std::chrono::milliseconds elapsed{0};
};
// "43,210 of 100,000 accounts, 8,120 a second, 7 s left"
std::string ProgressText(const ProgressState& state);
// The same behind a bar, in at most `columns`.
std::string ProgressBar(const ProgressState& state, std::size_t columns);

// From any thread.
class Progress {
 public:
  static constexpr std::chrono::seconds kLineEvery{10};  // where it is no terminal
  static constexpr std::chrono::milliseconds kBarEvery{100};

  explicit Progress(std::size_t total);
  ~Progress() { Finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Advance(std::size_t by);
  void Tell(std::string_view line);  // a line of its own
  void Finish();                     // takes the bar away
  std::chrono::milliseconds elapsed() const;

 private:
  void Show();
  void Clear();

  const bool on_terminal_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::mutex mutex_;
  std::size_t done_ = 0;
  const std::size_t total_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace sparekey
