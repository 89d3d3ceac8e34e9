// SPDX-License-Identifier: Apache-2.0
// The API's routes of the settings.
#pragma once

#include <memory>
#include <string>

#include "service/backend.h"

namespace sparekey {

class PolicySettings {
 public:
  explicit PolicySettings(const Backend& backend) : backend_(backend) {}

  void Show(Respond respond) const;
  // All that the request names, or nothing.
  void Change(const HttpRequest& request, Respond respond) const;

 private:
  struct Wish;
  // Looks for accounts that the change would leave without a recovery, a page at a time so that
  // logins are decided between them; then carries it out.
  void CheckSheets(std::shared_ptr<Wish> wish, const std::string& after) const;

  const Backend& backend_;
};

}  // namespace sparekey
