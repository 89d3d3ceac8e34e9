// SPDX-License-Identifier: Apache-2.0
// Enrolment (none -> pending -> active) and new sheets of backup codes. Secrets and codes leave in
// the one answer that makes them and are never read back.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "backupcodes/codes.h"
#include "service/backend.h"

namespace sparekey {

class Enrolments {
 public:
  explicit Enrolments(const Backend& backend) : backend_(backend) {}

  void Begin(const std::string& name, const HttpRequest& request, Respond respond) const;
  void Confirm(const std::string& name, const HttpRequest& request, Respond respond) const;
  void ReplaceSheet(const std::string& name, Respond respond) const;
  // Drops enrolments that were begun more than 24 hours ago and never confirmed.
  // In pages, ascending by name, those above `after`.
  void EndExpired(const std::string& after = "") const;

 private:
  struct Beginning;
  void MakeSheetThen(int count, Respond respond,
                     std::function<HttpResponse(Store& store, const NewSheet& sheet)> commit) const;

  const Backend& backend_;
};

}  // namespace sparekey
