// SPDX-License-Identifier: Apache-2.0
#include "cli/finding.h"

#include <sys/ioctl.h>

#include <algorithm>

#include "cli/text.h"

namespace sparekey {
namespace {

constexpr std::size_t kWidth = 79, kNarrowest = 40;
constexpr std::size_t kMargin = 9;  // "problem  "

Colour ColourOf(Severity severity) {
  switch (severity) {
    case Severity::kProblem:
      return Colour::kBad;
    case Severity::kWarning:
      return Colour::kWarning;
    case Severity::kOk:
      break;
  }
  return Colour::kGood;
}

std::size_t ColumnsOf(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// Words of `text` in lines of at most `width` columns; a longer word has a line of its own.
std::vector<std::string> Wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const auto space = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, space);
    std::string& line = lines.back();
    if (line.empty()) {
      line = word;
    } else if (ColumnsOf(line) + 1 + ColumnsOf(word) <= width) {
      line += ' ' + std::string(word);
    } else {
      lines.emplace_back(word);
    }
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return lines;
}

std::string Line(const Finding& finding, std::size_t width, int fd) {
  std::string head(ToString(finding.severity));
  head.resize(kMargin, ' ');
  std::string text = Coloured(fd, ColourOf(finding.severity), head);
  const std::string indent(kMargin, ' ');
  bool first = true;
  for (const std::string& line : Wrap(Escape(finding.found), width - kMargin)) {
    text += (first ? "" : indent) + line + '\n';
    first = false;
  }
  if (finding.advice.empty()) return text;
  std::string arrow = "-> ";
  for (const std::string& line : Wrap(Escape(finding.advice), width - kMargin - arrow.size())) {
    text += indent + arrow + line + '\n';
    arrow = "   ";
  }
  return text;
}

std::string Number(std::size_t count, std::string_view what) {
  return std::to_string(count) + ' ' + std::string(what) + (count == 1 ? "" : "s");
}

}  // namespace

std::string_view ToString(Severity severity) {
  switch (severity) {
    case Severity::kProblem:
      return "problem";
    case Severity::kWarning:
      return "warning";
    case Severity::kOk:
      break;
  }
  return "ok";
}

std::size_t CountOf(const Findings& findings, Severity severity) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [severity](const Finding& finding) { return finding.severity == severity; }));
}

Json ToJson(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"id", finding.id},
                    {"severity", ToString(finding.severity)},
                    {"found", finding.found},
                    {"advice", finding.advice}});
  }
  return {{"findings", list},
          {"problems", CountOf(findings, Severity::kProblem)},
          {"warnings", CountOf(findings, Severity::kWarning)}};
}

std::string ToText(const Findings& findings, std::size_t width, int fd) {
  std::string text;
  for (const Severity severity : {Severity::kProblem, Severity::kWarning, Severity::kOk}) {
    for (const Finding& finding : findings) {
      if (finding.severity == severity) text += Line(finding, width, fd);
    }
  }
  return text;
}

std::string Sum(const Findings& findings, int fd) {
  const std::size_t problems = CountOf(findings, Severity::kProblem);
  const std::size_t warnings = CountOf(findings, Severity::kWarning);
  const Severity worst = problems > 0   ? Severity::kProblem
                         : warnings > 0 ? Severity::kWarning
                                        : Severity::kOk;
  const std::string sum = Number(problems, "problem") + ", " + Number(warnings, "warning");
  return Coloured(fd, ColourOf(worst), sum) + '\n';
}

std::size_t WidthOf(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kWidth;
  return std::clamp(std::size_t{size.ws_col} - 1, kNarrowest, kWidth);
}

std::string NameSome(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + Escape(names[i]);
  }
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

}  // namespace sparekey
