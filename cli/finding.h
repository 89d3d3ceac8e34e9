// SPDX-License-Identifier: Apache-2.0
// What a check of the set-up found: told on one screen, or as JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/api.h"

namespace sparekey {

enum class Severity { kOk, kWarning, kProblem };
std::string_view ToString(Severity severity);  // ok, warning, problem

struct Finding {
  std::string id;  // "sshd.use_pam": its part of the set-up, then what
  Severity severity = Severity::kOk;
  std::string found;   // one or two sentences
  std::string advice;  // what to do; empty where there is nothing to do
};
using Findings = std::vector<Finding>;

std::size_t CountOf(const Findings& findings, Severity severity);

// {"findings":[{"id","severity","found","advice"}],"problems":N,"warnings":N}
Json ToJson(const Findings& findings);
// For a screen of `width` columns: problems first, then warnings, then what is in order; colours
// where `fd` shows them.
std::string ToText(const Findings& findings, std::size_t width, int fd);
// How many of each, in one line.
std::string Sum(const Findings& findings, int fd);
// Columns of the terminal, 79 at most and where it is none.
std::size_t WidthOf(int fd);

// "ada, bob and 3 more", escaped.
std::string NameSome(const std::vector<std::string>& names, std::size_t most = 5);

}  // namespace sparekey
