// SPDX-License-Identifier: Apache-2.0
// Enrolments of a list: root's, with secrets that root brings, active at once and without a sheet.
// All of a request are in one commit. The same request again changes nothing.
#pragma once

#include <atomic>
#include <memory>

#include "service/backend.h"

namespace sparekey {

class ListedEnrolments {
 public:
  static constexpr std::size_t kMostAccounts = 256;  // of a request: logins wait meanwhile
  static constexpr int kMostRequests = 2;            // at once
  // Look-ups of a request at once: logins share the directory's queue and threads.
  static constexpr std::size_t kMostLookups = 2;

  explicit ListedEnrolments(const Backend& backend) : backend_(backend) {}

  // Answers with one result for each account, in their order. What hinders one leaves the others.
  void Enrol(const HttpRequest& request, Respond respond) const;

 private:
  struct Order;
  void LookUp(const std::shared_ptr<Order>& order) const;

  const Backend& backend_;
  std::shared_ptr<std::atomic<int>> running_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace sparekey
