// SPDX-License-Identifier: Apache-2.0
// What a line of the list becomes: an authenticator, by the line, else the command's options, else
// the settings.
#pragma once

#include <optional>
#include <string>

#include "cli/account_list.h"
#include "cli/api.h"
#include "cli/command.h"
#include "core/otpauth.h"
#include "core/policy.h"

namespace sparekey {

struct ListPlan {
  Policy policy;
  std::string issuer;
  ListEntry options;  // the command's
};

// Asks the service for the settings. The options have been checked.
Result<ListPlan> LoadListPlan(Api& api, const Invocation& invocation);

// With the line's secret; without any where it has none. kInvalid names the column that does not
// fit.
Result<Authenticator> PlanAuthenticator(const ListPlan& plan, const ListEntry& entry);
// From the file that an earlier run wrote, whatever the settings have become. kInvalid: the line or
// the options say otherwise.
Result<Authenticator> PlanFromFile(const ListPlan& plan, const ListEntry& entry,
                                   const OtpauthUri& uri);

// One account of POST /v1/enrolments.
Json DescribeListed(const std::string& account, const Authenticator& authenticator);

}  // namespace sparekey
