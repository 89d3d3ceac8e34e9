// SPDX-License-Identifier: Apache-2.0
// Secrets and answers from standard input: prompts on a terminal (hidden ones restore the terminal
// whatever signal comes), lines where it is no terminal. Nothing is read ahead.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/secret.h"

namespace sparekey {

enum class Echo { kOff, kOn };

inline constexpr std::size_t kMaxLineBytes = 4096;

enum class LineEnd { kLine, kEndOfInput, kInterrupted, kTooLong };

struct Reply {
  LineEnd end = LineEnd::kLine;     // kInterrupted: by a signal that did not end the process
  std::optional<SecretBytes> line;  // of kLine
};
// One line without its end, or why there is none.
Reply ReadReply(std::string_view prompt, Echo echo);

// One line without its end. nullopt: end of input, a line above kMaxLineBytes, or an error. The
// prompt goes to standard error, and only where standard input is a terminal.
std::optional<SecretBytes> ReadAnswer(std::string_view prompt, Echo echo);

// The lines up to the end of input that are not blank, at most `most` + 1 of them.
std::vector<SecretBytes> ReadLines(std::size_t most);

// Whether exactly "YES" was typed.
bool IsYesTyped(std::string_view prompt);
// Before something is taken away: says what, and asks, unless `yes` was given. kInvalid: not
// agreed, or nobody is there to ask.
Status AskFirst(bool yes, std::string_view what);

}  // namespace sparekey
