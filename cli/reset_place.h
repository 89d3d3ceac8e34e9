// SPDX-License-Identifier: Apache-2.0
// Where a console reset is planned and carried out: by the service, or on the store by this
// process as its only owner.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/api.h"
#include "service/config.h"

namespace sparekey {

struct ResetReply {
  std::optional<Failure> failure;
  std::vector<std::string> accounts;
  bool ends_super_lockout = false;
};

class ResetPlace {
 public:
  virtual ~ResetPlace() = default;
  // nullopt: the system.
  virtual ResetReply Plan(const std::optional<std::string>& account) = 0;
  // Plans anew and commits. A failure that was not answered leaves open whether it was committed.
  virtual ResetReply CarryOut(const std::optional<std::string>& account) = 0;
};

std::unique_ptr<ResetPlace> ResetByService(const Config& config);

// kConflict: another process holds the store.
Result<std::unique_ptr<ResetPlace>> ResetOnStore(const Config& config);

}  // namespace sparekey
