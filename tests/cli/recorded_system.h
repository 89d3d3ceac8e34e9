// SPDX-License-Identifier: Apache-2.0
// A machine made of recorded files and answers.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "cli/doctor.h"
#include "tests/support/program.h"

namespace sparekey::testing {

class RecordedSystem : public ::testing::Test {
 protected:
  RecordedSystem() {
    system_.root = folder_.path();
    system_.now = TimePoint(std::chrono::seconds(1'800'000'000));
    system_.built = TimePoint(std::chrono::seconds(1'793'491'200));
    system_.clock_synchronised = true;
    system_.run = [this](const std::vector<std::string>& command) {
      commands_.push_back(command);
      for (const auto& [part, result] : answers_) {
        for (const std::string& word : command) {
          if (word.find(part) != std::string::npos) return result;
        }
      }
      return CommandResult{};
    };
    system_.look = [this](const std::string& path) {
      const auto known = facts_.find(path);
      if (known != facts_.end()) return known->second;
      const bool there = std::filesystem::exists(folder_.path() + path);
      return FileFacts{there ? FileKind::kFile : FileKind::kMissing, 0, 0644};
    };
    system_.measure = [this](const std::string&) { return disk_; };
    system_.list_terminals = [this] { return terminals_; };
  }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = folder_.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  static std::vector<std::string> Ids(const Findings& findings) {
    std::vector<std::string> ids;
    for (const Finding& finding : findings) ids.push_back(finding.id);
    return ids;
  }
  static const Finding& Find(const Findings& findings, const std::string& id) {
    static const Finding kNone;
    for (const Finding& finding : findings) {
      if (finding.id == id) return finding;
    }
    ADD_FAILURE() << "no finding " << id;
    return kNone;
  }

  TestFolder folder_;
  System system_;
  std::vector<std::pair<std::string, CommandResult>> answers_;  // by a part of a word
  std::vector<std::vector<std::string>> commands_;
  std::map<std::string, FileFacts> facts_;
  std::optional<DiskFacts> disk_ = DiskFacts{std::uint64_t{8} << 30, 100'000, true};
  std::vector<TerminalProcess> terminals_;
};

inline AccountFacts Enrolled(const std::string& name, bool administrator = false) {
  AccountFacts account;
  account.name = name;
  account.active = true;
  account.administrator = administrator;
  account.codes_left = 10;
  return account;
}

inline OwnFacts SoundFacts() {
  OwnFacts own;
  own.service_answers = true;
  own.policy = Policy{};
  own.accounts = {Enrolled("ada", true), Enrolled("bob")};
  own.accounts_complete = true;
  own.store = StoreFacts{10, true, {}};
  return own;
}

}  // namespace sparekey::testing
