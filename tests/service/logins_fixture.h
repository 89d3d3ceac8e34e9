// SPDX-License-Identifier: Apache-2.0
// Login conversations: what was said, and recoveries that fail.
#pragma once

#include <string>

#include "tests/support/service_fixture.h"

namespace sparekey::testing {

class LoginsTest : public ServiceTest {
 protected:
  static std::string Said(const Answer& answer) {
    std::string text;
    for (const Json& line : answer.body["say"]) text += line["text"].get<std::string>();
    return text;
  }
  void FailRecoveries(const std::string& name, int count) {
    for (int i = 0; i < count; ++i) {
      const Answer answer = Recover(name, {"0000-0000-0000-0000", "1111-1111-1111-1111"});
      EXPECT_EQ(answer.body["reason"], "wrong_codes");
    }
  }
};

}  // namespace sparekey::testing
