// SPDX-License-Identifier: Apache-2.0
#include "cli/console_screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "cli/text.h"
#include "core/account.h"

namespace sparekey {
namespace {

// The question below the lines takes one, and what was typed before them stays to be seen.
constexpr std::size_t kPageLines = kScreenLines - 2;

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::string Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

// 0: not known, as of a serial line.
std::size_t RowsOfScreen() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

}  // namespace

std::string Ascii(std::string_view text) {
  std::string plain;
  for (const char c : Escape(text)) {
    if (!IsContinuation(c)) plain += IsAscii(c) ? c : '?';
  }
  return plain;
}

std::string Cut(std::string text, std::size_t width) {
  if (text.size() <= width) return text;
  text.resize(width - 3);
  return text + "...";
}

void Tell(std::string_view text) { Print(Fold(text, kScreenColumns) + '\n'); }

void TellFailure(const Failure& failure) {
  Tell("That did not work: " + Ascii(failure.message) + ".");
}

Typed AskLine(std::string_view prompt) {
  while (true) {
    const Reply reply = ReadReply(prompt, Echo::kOn);
    if (reply.line) return {true, false, Trim(reply.line->ExposeText())};
    if (reply.end != LineEnd::kTooLong) {
      Print("\n");
      return {false, reply.end == LineEnd::kEndOfInput, ""};
    }
    Tell("That line is too long.");
  }
}

bool Agree(std::string_view question) {
  while (true) {
    const Typed typed = AskLine(std::string(question) + " (y/n) ");
    if (!typed.given || typed.text.empty() || typed.text == "n" || typed.text == "no") return false;
    if (typed.text == "y" || typed.text == "yes") return true;
    Tell("Please type y or n.");
  }
}

std::optional<std::string> AskAccount(std::string_view prompt) {
  const Typed typed = AskLine(prompt);
  if (!typed.given || typed.text.empty()) return std::nullopt;
  if (IsAccountName(typed.text)) return typed.text;
  Tell("'" + Cut(Ascii(typed.text), 40) + "' cannot be an account's name.");
  return std::nullopt;
}

bool ShowPages(const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0 && i % kPageLines == 0) {
      const Typed typed = AskLine("-- Enter for more, q to go back: ");
      if (!typed.given || typed.text == "q") return false;
    }
    Print(lines[i] + '\n');
  }
  return true;
}

void PushAway() { Print(std::string(std::max(kScreenLines, RowsOfScreen()), '\n')); }

}  // namespace sparekey
