// SPDX-License-Identifier: Apache-2.0
// Deletes old events as the configuration file says, by pieces so that logins go on.
#pragma once

#include <optional>

#include "service/backend.h"

namespace sparekey {

class EventPruning {
 public:
  static constexpr std::size_t kPiece = 200;  // events: some milliseconds
  static constexpr std::chrono::milliseconds kPause{10};

  explicit EventPruning(const Backend& backend) : backend_(backend) {}

  // On the server's thread. Once more while it goes on does nothing.
  void Start();

 private:
  void GoOn(std::int64_t after_id);
  void End();

  const Backend& backend_;
  EventLimits limits_;
  bool running_ = false;
  std::int64_t pruned_ = 0;
};

}  // namespace sparekey
