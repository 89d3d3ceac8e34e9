// SPDX-License-Identifier: Apache-2.0
// Help, generated from the table of commands.
#pragma once

#include <string>
#include <string_view>

#include "cli/api.h"
#include "cli/command.h"

namespace sparekey {

std::string HelpForAll();
std::string HelpForNoun(const NounSpec& noun);
std::string HelpForCommand(const CommandSpec& command);
// The whole table: [{"noun","verb","synopsis","summary","options":[{"name","value","summary"}]}].
Json DescribeCommands();

}  // namespace sparekey
