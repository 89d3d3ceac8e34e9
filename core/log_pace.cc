// SPDX-License-Identifier: Apache-2.0
#include "core/log_pace.h"

#include <algorithm>

namespace sparekey {
namespace {

constexpr std::chrono::duration<double> kLongestMove{0.2};

}  // namespace

void LogPace::Committed(std::size_t works) {
  const double more = static_cast<double>(works) - crowd_;
  crowd_ += more / (more > 0 ? 8 : 64);  // a few small batches between large ones are no calm
}

void LogPace::Moved(int frames, std::chrono::duration<double> time) {
  if (frames > 0) frame_time_ = time / frames;
}

int LogPace::Frames() const {
  double most = kMostFrames;
  if (frame_time_.count() > 0) most = std::min(most, kLongestMove / frame_time_);
  const double wanted = kFewestFrames * crowd_ * crowd_;
  return static_cast<int>(std::max<double>(kFewestFrames, std::min(most, wanted)));
}

}  // namespace sparekey
