// SPDX-License-Identifier: Apache-2.0
// An administrator's requests, and the accounts that lock themselves out.
#pragma once

#include <string>
#include <vector>

#include "tests/support/service_fixture.h"

namespace sparekey::testing {

class AdministrationTest : public ServiceTest {
 protected:
  Json Setting(const std::string& name) {
    const Json settings = Send("GET", "/v1/settings").body["settings"];
    for (const Json& setting : settings) {
      if (setting["name"] == name) return setting["value"];
    }
    return nullptr;
  }
  void SuperLock(const std::string& name) {
    for (int i = 0; i < 10; ++i) {
      Recover(name, {"0000-0000-0000-0000", "1111-1111-1111-1111"});
    }
  }
  std::vector<std::string> EventKinds(const std::string& query = "") {
    std::vector<std::string> kinds;
    const Json events = Send("GET", "/v1/events" + query).body["events"];
    for (const Json& event : events) {
      kinds.push_back(event["kind"]);
    }
    return kinds;
  }
};

}  // namespace sparekey::testing
