// SPDX-License-Identifier: Apache-2.0
#include "core/log_pace.h"

#include <gtest/gtest.h>

namespace sparekey {
namespace {

using namespace std::chrono_literals;

LogPace AmongMany() {
  LogPace pace;
  for (int i = 0; i < 100; ++i) pace.Committed(16);
  return pace;
}

TEST(LogPace, MovesLittleAtATimeWhereWorksComeOneByOne) {
  LogPace pace;
  EXPECT_EQ(pace.Frames(), LogPace::kFewestFrames);
  for (int i = 0; i < 1000; ++i) pace.Committed(1);
  EXPECT_EQ(pace.Frames(), LogPace::kFewestFrames);
}

TEST(LogPace, MovesSeldomWhereManyComeAtOnce) {
  EXPECT_EQ(AmongMany().Frames(), LogPace::kMostFrames);
}

TEST(LogPace, TakesAFewWorksAloneForNoCalmButManyForOne) {
  LogPace pace = AmongMany();
  for (int i = 0; i < 20; ++i) pace.Committed(1);
  EXPECT_EQ(pace.Frames(), LogPace::kMostFrames);
  for (int i = 0; i < 1000; ++i) pace.Committed(1);
  EXPECT_EQ(pace.Frames(), LogPace::kFewestFrames);
}

TEST(LogPace, MovesFewerFramesAtATimeWhereTheDiskIsSlow) {
  LogPace pace = AmongMany();
  pace.Moved(1000, 1s);
  EXPECT_EQ(pace.Frames(), 200);  // 0.2 s
  pace.Moved(200, 400ms);
  EXPECT_EQ(pace.Frames(), LogPace::kFewestFrames);
  pace.Moved(128, 1ms);
  EXPECT_EQ(pace.Frames(), LogPace::kMostFrames);
}

TEST(LogPace, LearnsNothingFromAMoveOfNothing) {
  LogPace pace = AmongMany();
  pace.Moved(0, 1s);
  EXPECT_EQ(pace.Frames(), LogPace::kMostFrames);
}

}  // namespace
}  // namespace sparekey
