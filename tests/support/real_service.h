// SPDX-License-Identifier: Apache-2.0
// A real sparekeyd in a folder of its own, run by whoever runs the test, for accounts that need no
// system users (accounts = any), and what tests do as its administrator, through its API.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/account.h"
#include "tests/support/program.h"

namespace sparekey::testing {

// What the owner of an enrolled account holds.
struct Owner {
  std::string name;
  Authenticator phone;
  std::vector<std::string> sheet;  // backup codes
  std::uint32_t sheet_number = 0;

  std::string CodeOf(std::int64_t step) const;  // TOTP step, or HOTP counter
  std::int64_t StepNow() const;
};

class RealService {
 public:
  RealService();   // initialised and serving
  ~RealService();  // ended by SIGTERM, if it still runs
  RealService(const RealService&) = delete;
  RealService& operator=(const RealService&) = delete;

  void Start();  // returns when it serves
  void Stop();   // SIGTERM; it must end well
  void Kill();   // SIGKILL
  pid_t pid() const { return pid_; }

  std::string api() const { return folder_ / "state/api.sock"; }
  std::string pam() const { return folder_ / "state/pam.sock"; }
  std::string Log() const { return ReadWholeFile(folder_ / "log"); }
  // `sparekey --json` for this service, with more words behind it.
  std::vector<std::string> Command(const std::vector<std::string>& words) const;

  // One request on api.sock. {"status": …, "body": …}; status 0: no answer.
  nlohmann::json Try(const std::string& method, const std::string& target,
                     const nlohmann::json& body = nullptr) const;
  // The same; anything but success is a failure of the test.
  nlohmann::json Call(const std::string& method, const std::string& target,
                      const nlohmann::json& body = nullptr) const;

  void Set(const nlohmann::json& settings) const { Call("PATCH", "/v1/settings", settings); }
  Owner Enrol(const std::string& name, const nlohmann::json& wishes = {}) const;
  nlohmann::json Show(const std::string& name) const { return Call("GET", Target(name)); }
  void Unlock(const std::string& name) const { Call("POST", Target(name) + "/unlock"); }
  void NewSheet(Owner& owner) const;

  static std::string Target(const std::string& name) { return "/v1/accounts/" + name; }
  // The answer of POST /v1/accounts/NAME/enrolment, as its owner keeps it.
  static Owner MakeOwner(const nlohmann::json& enrolment);

 private:
  void AwaitReady(int ready);
  int Reap();

  TestFolder folder_;
  pid_t pid_ = -1;
};

}  // namespace sparekey::testing
