// SPDX-License-Identifier: Apache-2.0
// The auth phase through the real libpam, against a scripted sparekeyd.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/pam/pam_login.h"
#include "tests/pam/scripted_logins.h"

namespace sparekey {

class Authenticate : public testing::Test {
 protected:
  // A stack with a password before the module, as in a real service file.
  std::string Folder(const std::string& options = "", const std::string& first = "password=pw") {
    services_.Write("test", "auth requisite $first " + first +
                                "\nauth required $sparekey socket=" + socket_ + " " + options);
    return services_.path();
  }
  // One login as anna with the answers; the module's code is the stack's.
  int Login(const std::string& options, std::vector<std::string> replies,
            std::deque<std::optional<std::string>> answers = {}) {
    daemon_.reset();
    daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn(std::move(replies)));
    login_ = std::make_unique<PamLogin>(Folder(options), "anna");
    return login_->Answers(std::move(answers)).Authenticate();
  }
  nlohmann::json Request(std::size_t index) {
    return nlohmann::json::parse(daemon_->requests().at(index).body);
  }

  const TemporaryFolder folder_;
  const std::string socket_ = folder_ / "pam.sock";
  PamServices services_{""};
  std::unique_ptr<FakeDaemon> daemon_;
  std::unique_ptr<PamLogin> login_;
};

}  // namespace sparekey
