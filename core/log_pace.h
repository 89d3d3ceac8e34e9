// SPDX-License-Identifier: Apache-2.0
// When the store's log is moved into the database. A log that never finds a quiet moment is moved
// all the same: little at a time where works come one by one, since the next one would wait for it;
// seldom where many come at once and share the wait, but never so much that a slow disk takes long.
#pragma once

#include <chrono>
#include <cstddef>

namespace sparekey {

class LogPace {
 public:
  // 4 KiB each.
  static constexpr int kFewestFrames = 128, kMostFrames = 10240;

  void Committed(std::size_t works);  // in one batch
  void Moved(int frames, std::chrono::duration<double> time);

  // With so many frames it is time.
  int Frames() const;

 private:
  double crowd_ = 1;                            // works a batch, of late
  std::chrono::duration<double> frame_time_{};  // of the last move
};

}  // namespace sparekey
