// SPDX-License-Identifier: Apache-2.0
// What people and programs read: results on standard output, messages on standard error. Written
// with write(2) at once, so that no buffer keeps a secret.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sparekey {

// false: nobody reads any more, or it cannot be written, which TakePrintError tells.
bool Print(std::string_view text);  // standard output
bool Say(std::string_view line);    // standard error; adds the end of the line
// Why standard output did not take all of what was printed, as errno; 0: it did, or its reader has
// gone, who does not miss it. Tells each error once.
int TakePrintError();

// Control characters, and bytes that are not UTF-8, as \xNN: what others wrote cannot move the
// cursor or add lines.
std::string Escape(std::string_view text);

enum class Colour { kNone, kGood, kWarning, kBad, kBold };
// Only where `fd` is a terminal and NO_COLOR is not set.
std::string Coloured(int fd, Colour colour, std::string_view text);
bool IsTerminal(int fd);

// RFC 3339 as this host's local time; anything else as it is, escaped.
std::string LocalTime(std::string_view rfc3339);

// Broken at blanks into lines of at most `width` columns; a longer word stands alone. `indent`
// blanks stand before every line but the first.
std::string Fold(std::string_view text, std::size_t width = 79, std::size_t indent = 0);

// Columns two spaces apart; the last one is not padded. Texts are escaped.
std::string Table(const std::vector<std::vector<std::string>>& rows);
// A part of a long table: columns at least as wide as `widths`, which then holds theirs.
std::string Table(const std::vector<std::vector<std::string>>& rows,
                  std::vector<std::size_t>& widths);

}  // namespace sparekey
