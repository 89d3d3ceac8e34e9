// SPDX-License-Identifier: Apache-2.0
// The API's routes about the system: SSH gate, status, events.
#pragma once

#include <list>
#include <memory>
#include <set>
#include <string>

#include "service/backend.h"

namespace sparekey {

class Administration {
 public:
  // `overdue_containments`: accounts ("": everybody) whose sessions could not be ended in time.
  using OverdueContainments = std::function<std::set<std::string>()>;
  Administration(const Backend& backend, std::function<std::size_t()> count_sessions,
                 OverdueContainments overdue_containments);

  void ShowGate(Respond respond) const;
  void ChangeGate(const HttpRequest& request, Respond respond) const;
  void ShowStatus(Respond respond) const;
  // A piece of the full check; who asks goes on from its `next`.
  void CheckStore(const HttpRequest& request, Respond respond) const;
  void ShowEvents(const HttpRequest& request, Respond respond);
  void Stop() { stopping_ = true; }  // whoever follows events is answered soon

 private:
  void Follow(const EventQuery& query, std::chrono::steady_clock::time_point until,
              Respond respond);

  const Backend& backend_;
  std::function<std::size_t()> count_sessions_;
  OverdueContainments overdue_containments_;
  TimePoint started_;
  bool stopping_ = false;
};

}  // namespace sparekey
