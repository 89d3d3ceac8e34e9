// SPDX-License-Identifier: Apache-2.0
// The real program against a scripted API: one folder with api.sock and pam.sock.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/fake_api.h"
#include "tests/support/program.h"

namespace sparekey::testing {

class VerbTest : public ::testing::Test {
 protected:
  VerbTest() : api_(folder_ / "api.sock"), pam_(folder_ / "pam.sock") {
    std::ofstream(folder_ / "sparekey.conf") << "accounts = any\n[console]\nallow = root\n";
  }

  std::vector<std::string> Command(const std::vector<std::string>& words) const {
    std::vector<std::string> command = {SPAREKEY_PROGRAM, "--config", folder_ / "sparekey.conf",
                                        "--state-dir", folder_.path()};
    command.insert(command.end(), words.begin(), words.end());
    return command;
  }
  ProgramResult Run(const std::vector<std::string>& words, const std::string& input = "") const {
    return RunProgram(Command(words), input);
  }
  // Standard output of a call with --json: exactly one value.
  nlohmann::json RunJson(std::vector<std::string> words, int status,
                         const std::string& input = "") const {
    words.emplace_back("--json");
    const ProgramResult result = Run(words, input);
    EXPECT_EQ(result.status, status) << result.err;
    auto value = nlohmann::json::parse(result.out, nullptr, false);
    EXPECT_FALSE(value.is_discarded()) << result.out;
    return value;
  }
  static nlohmann::json Parse(const std::string& text) {
    return nlohmann::json::parse(text, nullptr, false);
  }

  TestFolder folder_;
  FakeApi api_;
  FakeApi pam_;
};

}  // namespace sparekey::testing
