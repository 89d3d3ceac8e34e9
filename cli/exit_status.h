// SPDX-License-Identifier: Apache-2.0
// What the exit statuses mean, and which one an API error or a verdict becomes.
#pragma once

#include <string_view>
#include <vector>

#include "core/result.h"

namespace sparekey {

enum class ExitStatus : int {
  kDone = 0,
  kDenied = 1,
  kUsage = 2,
  kLocked = 3,
  kSuperLocked = 4,
  kUnreachable = 5,
  kNotAllowed = 6,
  kNotFound = 7,
  kGateClosed = 8,
  kTryAgain = 9,
};

struct ExitStatusRow {
  ExitStatus status;
  std::string_view meaning;
};
const std::vector<ExitStatusRow>& ExitStatuses();

// The `code` of an API error; an unknown one is judged by its HTTP status.
ExitStatus StatusOfApiError(std::string_view code, int http_status);
ExitStatus StatusOf(ErrorCode code);
std::string_view NameOf(ErrorCode code);  // invalid, not_found, …: as the API names them
// Only the verdict "accept" is ever kDone.
ExitStatus StatusOfVerdict(std::string_view verdict, std::string_view reason);

}  // namespace sparekey
