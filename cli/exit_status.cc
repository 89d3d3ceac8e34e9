// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_status.h"

#include <array>
#include <utility>

namespace sparekey {
namespace {

using Row = std::pair<std::string_view, ExitStatus>;

constexpr std::array<Row, 9> kApiErrors = {{
    {"invalid", ExitStatus::kUsage},
    {"conflict", ExitStatus::kUsage},
    {"not_found", ExitStatus::kNotFound},
    {"not_allowed", ExitStatus::kNotAllowed},
    {"unavailable", ExitStatus::kUnreachable},
    {"damaged", ExitStatus::kUnreachable},
    {"busy", ExitStatus::kTryAgain},
    {"clock", ExitStatus::kTryAgain},
    {"wrong_code", ExitStatus::kDenied},
}};

constexpr std::array<Row, 6> kDenials = {{
    {"locked", ExitStatus::kLocked},
    {"super_locked", ExitStatus::kSuperLocked},
    {"gate_closed", ExitStatus::kGateClosed},
    {"not_enrolled", ExitStatus::kNotFound},
    {"identity_changed", ExitStatus::kNotFound},
    {"clock_wrong", ExitStatus::kTryAgain},
}};

template <std::size_t kCount>
const Row* Find(const std::array<Row, kCount>& rows, std::string_view name) {
  for (const Row& row : rows) {
    if (row.first == name) return &row;
  }
  return nullptr;
}

ExitStatus StatusOfHttp(int http_status) {
  switch (http_status) {
    case 401:
    case 403:
      return ExitStatus::kNotAllowed;
    case 404:
      return ExitStatus::kNotFound;
    case 408:
    case 429:
      return ExitStatus::kTryAgain;
    default:
      break;
  }
  return http_status >= 400 && http_status < 500 ? ExitStatus::kUsage : ExitStatus::kUnreachable;
}

}  // namespace

const std::vector<ExitStatusRow>& ExitStatuses() {
  static const std::vector<ExitStatusRow> rows = {
      {ExitStatus::kDone, "done; for verify and recover: accepted"},
      {ExitStatus::kDenied,
       "denied: wrong, replayed or spent code; for doctor and alerts test: there is a problem"},
      {ExitStatus::kUsage, "wrong usage, invalid value, or not possible as things are"},
      {ExitStatus::kLocked, "denied: account locked"},
      {ExitStatus::kSuperLocked, "denied: super-lockout"},
      {ExitStatus::kUnreachable,
       "the service or the store cannot be reached or read, or the output not written"},
      {ExitStatus::kNotAllowed, "not allowed: needs root, a fresh login, or the local console"},
      {ExitStatus::kNotFound, "no such account, or not enrolled"},
      {ExitStatus::kGateClosed, "denied: SSH gate closed"},
      {ExitStatus::kTryAgain, "try again: busy, or the clock is wrong"},
  };
  return rows;
}

ExitStatus StatusOfApiError(std::string_view code, int http_status) {
  const Row* row = Find(kApiErrors, code);
  return row != nullptr ? row->second : StatusOfHttp(http_status);
}

std::string_view NameOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kNotAllowed:
      return "not_allowed";
    case ErrorCode::kDamaged:
      return "damaged";
    case ErrorCode::kBusy:
      return "busy";
    case ErrorCode::kClock:
      return "clock";
    case ErrorCode::kUnavailable:
      break;
  }
  return "unavailable";
}

ExitStatus StatusOf(ErrorCode code) { return StatusOfApiError(NameOf(code), 0); }

ExitStatus StatusOfVerdict(std::string_view verdict, std::string_view reason) {
  if (verdict == "accept") return ExitStatus::kDone;
  const Row* row = Find(kDenials, reason);
  return row != nullptr ? row->second : ExitStatus::kDenied;
}

}  // namespace sparekey
