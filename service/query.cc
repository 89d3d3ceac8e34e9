// SPDX-License-Identifier: Apache-2.0
#include "service/query.h"

#include <algorithm>
#include <charconv>

namespace sparekey {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string DecodePercent(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexValue(text[i + 2]) : -1;
    if (text[i] == '%' && high >= 0 && low >= 0) {
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

Query ParseQuery(std::string_view query) {
  Query pairs;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const auto equals = std::min(pair.find('='), pair.size());
    const auto value = pair.substr(std::min(equals + 1, pair.size()));
    pairs.emplace(DecodePercent(pair.substr(0, equals)), DecodePercent(value));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return pairs;
}

std::string QueryText(const Query& query, const std::string& name) {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

Result<std::int64_t> QueryNumber(const Query& query, const std::string& name, std::int64_t low,
                                 std::int64_t high, std::int64_t fallback) {
  const std::string text = QueryText(query, name);
  if (text.empty()) return fallback;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < low || number > high) {
    return Invalid("\"" + name + "\" must be a whole number from " + std::to_string(low) + " to " +
                   std::to_string(high));
  }
  return number;
}

}  // namespace sparekey
