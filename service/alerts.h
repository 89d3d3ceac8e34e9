// SPDX-License-Identifier: Apache-2.0
// The API's routes about alerts, and the test of the programs that are told of events.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "service/backend.h"
#include "service/json.h"

namespace sparekey {

Json ToJson(const Alert& alert);

class Alerts {
 public:
  explicit Alerts(const Backend& backend) : backend_(backend) {}

  void List(const HttpRequest& request, Respond respond) const;
  void Acknowledge(const std::string& id, Respond respond) const;
  // Answers once every hook has ended.
  void Test(Respond respond) const;

 private:
  const Backend& backend_;
};

// Records that an account's record cannot be opened, once an hour: who meets it is denied, and
// nobody else would hear of it. What could not be recorded is tried again by the next who meets it.
// On the server's thread.
class DamageReports {
 public:
  explicit DamageReports(const Backend& backend) : backend_(backend) {}
  void Report(const std::string& account, const Error& error);

 private:
  const Backend& backend_;
  std::map<std::string, std::chrono::steady_clock::time_point> reported_;
};

}  // namespace sparekey
