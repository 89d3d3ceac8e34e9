// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "core/clock.h"

namespace sparekey {
namespace {

int print_error = 0;  // the first one that was not told yet

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// What nobody sees and what turns the text behind it: soft hyphen, zero-width and direction marks,
// line and paragraph separators, tags.
bool IsHidden(char32_t c) {
  return c == 0xAD || c == 0x61C || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
         (c >= 0xE0000 && c <= 0xE0FFF);
}

// Length of the UTF-8 sequence at the front, 0 where there is none (RFC 3629: no overlong forms,
// no surrogates) or where it is a control or hidden character.
std::size_t PrintableLength(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return first >= ' ' && first != 0x7F ? 1 : 0;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool control = first == 0xC2 && second < 0xA0;
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool outside = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  if (control || overlong || outside) return 0;
  char32_t code_point = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  return IsHidden(code_point) ? 0 : length;
}

std::string_view CodeOf(Colour colour) {
  switch (colour) {
    case Colour::kGood:
      return "\x1b[32m";
    case Colour::kWarning:
      return "\x1b[33m";
    case Colour::kBad:
      return "\x1b[1;31m";
    case Colour::kBold:
      return "\x1b[1m";
    case Colour::kNone:
      break;
  }
  return "";
}

std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

}  // namespace

bool Print(std::string_view text) {
  if (WriteAll(STDOUT_FILENO, text)) return true;
  if (print_error == 0 && errno != EPIPE) print_error = errno;
  return false;
}

int TakePrintError() { return std::exchange(print_error, 0); }

bool Say(std::string_view line) { return WriteAll(STDERR_FILENO, std::string(line) + '\n'); }

std::string Escape(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string escaped;
  while (!text.empty()) {
    const std::size_t length = PrintableLength(text);
    if (length != 0) {
      escaped += text.substr(0, length);
    } else {
      const auto byte = static_cast<unsigned char>(text[0]);
      escaped += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return escaped;
}

bool IsTerminal(int fd) { return isatty(fd) == 1; }

std::string Coloured(int fd, Colour colour, std::string_view text) {
  const char* no_colour = std::getenv("NO_COLOR");  // https://no-color.org: set and not empty
  const bool wanted = no_colour == nullptr || *no_colour == '\0';
  if (colour == Colour::kNone || !wanted || !IsTerminal(fd)) return std::string(text);
  return std::string(CodeOf(colour)) + std::string(text) + "\x1b[0m";
}

std::string LocalTime(std::string_view rfc3339) {
  const auto time = ParseTime(rfc3339);
  return time ? FormatLocalTime(*time) : Escape(rfc3339);
}

std::string Fold(std::string_view text, std::size_t width, std::size_t indent) {
  std::string folded;
  std::size_t column = 0;
  while (!text.empty()) {
    const bool new_line = text.front() == '\n';
    const std::size_t blanks = new_line ? 1 : std::min(text.find_first_not_of(' '), text.size());
    const std::string_view rest = text.substr(blanks);
    const std::string_view word =
        new_line ? "" : rest.substr(0, std::min(rest.find_first_of(" \n"), rest.size()));
    text.remove_prefix(blanks + word.size());
    const bool fits = column + blanks + Width(word) <= width;
    if (new_line || (!fits && column > indent)) {
      folded += '\n' + std::string(word.empty() && !new_line ? 0 : indent, ' ');
      column = indent;
    } else {
      folded += std::string(blanks, ' ');
      column += blanks;
    }
    folded += word;
    column += Width(word);
  }
  return folded;
}

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  return Table(rows, widths);
}

std::string Table(const std::vector<std::vector<std::string>>& rows,
                  std::vector<std::size_t>& widths) {
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], Width(Escape(row[i])));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = Escape(row[i]);
      text += cell;
      if (i + 1 < row.size()) text += std::string(widths[i] - Width(cell) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace sparekey
