// SPDX-License-Identifier: Apache-2.0
// The query part of a request: name=value pairs, percent-decoded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/result.h"

namespace sparekey {

using Query = std::map<std::string, std::string>;

Query ParseQuery(std::string_view query);  // of a name that stands twice, the first counts
std::string QueryText(const Query& query, const std::string& name);  // "" where it is absent
// kInvalid outside low..high or where it is no whole number.
Result<std::int64_t> QueryNumber(const Query& query, const std::string& name, std::int64_t low,
                                 std::int64_t high, std::int64_t fallback);
// %XX decoded, nothing else; a broken escape stays as it is.
std::string DecodePercent(std::string_view text);

}  // namespace sparekey
