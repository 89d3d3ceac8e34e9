// SPDX-License-Identifier: Apache-2.0
// From argv to an Invocation that fits the table, or to a text that names what does not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "core/result.h"

namespace sparekey {

// `words` without the program's name. kInvalid otherwise; the message names the argument and says
// where to look. With --help or --version anywhere, missing arguments are no error.
Result<Invocation> ParseArguments(const std::vector<std::string>& words);

// Checks of values that several verbs share: kInvalid names the argument and the possible values.
Status CheckName(std::string_view argument, std::string_view name);
Status CheckOneOf(std::string_view option, std::string_view value,
                  const std::vector<std::string_view>& possible);
Status CheckNumber(std::string_view option, std::string_view value, int low, int high);
Status CheckExtension(std::string_view option, std::string_view path,
                      const std::vector<std::string_view>& possible);

}  // namespace sparekey
