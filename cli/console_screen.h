// SPDX-License-Identifier: Apache-2.0
// What the local console's menu shows and asks, made for a serial line: screens of 24 lines of at
// most 79 columns of ASCII, no colours, no escape sequences.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/api.h"
#include "cli/prompt.h"

namespace sparekey {

inline constexpr std::size_t kScreenColumns = 79;
inline constexpr std::size_t kScreenLines = 24;

// Escaped; every character that is not ASCII as '?'.
std::string Ascii(std::string_view text);
// At most `width` columns; what is cut off ends in "...".
std::string Cut(std::string text, std::size_t width = kScreenColumns);

void Tell(std::string_view text);  // folded, and the end of the line
void TellFailure(const Failure& failure);

struct Typed {
  bool given = false;  // false: Ctrl-C, or the end of input: the way back
  bool ended = false;  // the end of input
  std::string text;    // without blanks at both ends
};
// Asks again after a line that is too long.
Typed AskLine(std::string_view prompt);
// Only "y" and "yes" agree; asks again after anything but these, "n", "no" and nothing.
bool Agree(std::string_view question);
// nullopt: nothing was typed, or it cannot be an account's name, which is said.
std::optional<std::string> AskAccount(std::string_view prompt);

// By screens, with "Enter for more, q to go back". false: ended by the person.
bool ShowPages(const std::vector<std::string>& lines);
// Moves what was secret out of sight; a terminal may keep it all the same.
void PushAway();

}  // namespace sparekey
