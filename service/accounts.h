// SPDX-License-Identifier: Apache-2.0
// The API's account routes but enrolment: list, show, remove, look at the sheet, unlock.
#pragma once

#include <string>

#include "service/backend.h"

namespace sparekey {

class Accounts {
 public:
  explicit Accounts(const Backend& backend) : backend_(backend) {}

  void List(const HttpRequest& request, Respond respond) const;
  void Show(const std::string& name, Directory& directory, Respond respond) const;
  void ShowSheet(const std::string& name, Respond respond) const;
  void Remove(const std::string& name, Respond respond) const;
  void Unlock(const std::string& name, Respond respond) const;

 private:
  const Backend& backend_;
};

}  // namespace sparekey
