// SPDX-License-Identifier: Apache-2.0
// The daemons' log (spdlog): one escaped line a message, written by a thread of its own so that a
// stuck journal delays no login. Without SetUpLog messages go to standard error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace sparekey {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError };
enum class LogTarget : std::uint8_t { kStandardError, kSyslog };

// "trace", "debug", "info", "warn", "error"; kInvalid names these.
Result<LogLevel> ParseLogLevel(std::string_view name);

// syslog (facility auth) for root without a terminal whose standard error is the journal's or
// nobody's; standard error otherwise.
LogTarget ChooseLogTarget();

void SetUpLog(const std::string& program, LogTarget target, LogLevel level);
void FlushLog();  // before the process ends

// Messages hold no secret. Where they come faster than they can be written, the oldest are lost.
void Log(LogLevel level, std::string_view message);

// Text of others made harmless and visible: control characters, marks that reorder or hide text,
// backslashes and invalid UTF-8 as escapes; longer than `limit` bytes is cut, which is shown.
std::string EscapeForLog(std::string_view text, std::size_t limit = 1024);
// The same as the value of a field: no spaces, so that it cannot look like other fields; "-" where
// there is nothing.
std::string LogField(std::string_view text);

}  // namespace sparekey
