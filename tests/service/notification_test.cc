// SPDX-License-Identifier: Apache-2.0
#include "service/notification.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "service/json.h"
#include "tests/core/store_fixture.h"

namespace sparekey {
namespace {

using testing::EventOf;

TEST(Notification, IsOneLineOfAsciiWhateverTheEventHolds) {
  Event event = EventOf(EventKind::kRecovery, "ada", std::string(1024, '\xff'));
  event.remote_host = "evil\n\"host\"\xe2\x80\xae";
  const std::string json = NotificationJson(event, "nas", 3);
  EXPECT_EQ(json.find('\n'), json.size() - 1);
  EXPECT_TRUE(
      std::all_of(json.begin(), json.end() - 1, [](char c) { return c >= ' ' && c <= '~'; }));
  EXPECT_EQ(Json::parse(json)["missed"], 3);
  EXPECT_LT(json.size(), 60'000u);  // fits into a pipe
}

TEST(Notification, HasALineForPeopleForEveryKind) {
  for (int i = 0; i <= static_cast<int>(EventKind::kTest); ++i) {
    const auto kind = static_cast<EventKind>(i);
    if (!IsNotified(kind)) continue;
    const Json told = Json::parse(NotificationJson(EventOf(kind), "nas", 0));
    EXPECT_GT(told["text"].get<std::string>().size(), 15u) << ToString(kind);
  }
}

}  // namespace
}  // namespace sparekey
