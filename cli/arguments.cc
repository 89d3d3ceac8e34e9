// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <exception>

#include "cli/text.h"
#include "core/account.h"

namespace sparekey {
namespace {

namespace po = boost::program_options;

std::string Quote(std::string_view text) { return '\'' + Escape(text) + '\''; }

const OptionSpec* FindGlobalOption(std::string_view name) {
  for (const OptionSpec& option : GlobalOptions()) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

bool IsOption(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

// Position of the first word at or after `from` that is neither an option nor the value of a
// global one. Stops at "--" and at options that are not global.
std::optional<std::size_t> FindWord(const std::vector<std::string>& words, std::size_t from) {
  for (std::size_t i = from; i < words.size(); ++i) {
    if (!IsOption(words[i])) return i;
    const OptionSpec* option = words[i].starts_with("--")
                                   ? FindGlobalOption(std::string_view(words[i]).substr(2))
                                   : nullptr;
    if (option == nullptr && words[i].find('=') == std::string::npos && words[i] != "-h") break;
    if (option != nullptr && !option->value.empty()) ++i;
  }
  return std::nullopt;
}

std::string VerbsOf(std::string_view noun) {
  std::string verbs;
  for (const CommandSpec& command : Commands()) {
    if (command.noun == noun && !command.verb.empty()) {
      verbs += (verbs.empty() ? "" : ", ") + std::string(command.verb);
    }
  }
  return verbs;
}

struct Chosen {
  std::string noun;
  const CommandSpec* command = nullptr;
  std::vector<std::string> rest;
};

// Takes noun and verb out of the words.
Result<Chosen> Choose(const std::vector<std::string>& words) {
  Chosen chosen{.noun = {}, .command = nullptr, .rest = words};
  const auto noun = FindWord(words, 0);
  if (!noun) return chosen;
  chosen.noun = words[*noun];
  if (FindNoun(chosen.noun) == nullptr) {
    return Invalid("unknown command " + Quote(chosen.noun) + "; see: sparekey help");
  }
  chosen.rest.erase(chosen.rest.begin() + static_cast<std::ptrdiff_t>(*noun));
  const std::string verbs = VerbsOf(chosen.noun);
  chosen.command = FindCommand(chosen.noun, "");
  const auto verb = FindWord(chosen.rest, *noun);
  if (verbs.empty() || !verb) return chosen;
  chosen.command = FindCommand(chosen.noun, chosen.rest[*verb]);
  if (chosen.command == nullptr) {
    return Invalid("unknown verb " + Quote(chosen.rest[*verb]) + " after '" + chosen.noun +
                   "'; possible: " + verbs);
  }
  chosen.rest.erase(chosen.rest.begin() + static_cast<std::ptrdiff_t>(*verb));
  return chosen;
}

void AddOptions(const std::vector<OptionSpec>& options, po::options_description& description) {
  for (const OptionSpec& option : options) {
    const std::string name = option.name == "help" ? "help,h" : std::string(option.name);
    if (option.value.empty()) {
      description.add_options()(name.c_str(), "");
    } else {
      description.add_options()(name.c_str(), po::value<std::string>());
    }
  }
}

po::options_description Describe(const CommandSpec* command) {
  po::options_description description;
  AddOptions(GlobalOptions(), description);
  if (command != nullptr) AddOptions(command->options, description);
  return description;
}

std::optional<std::string> Text(const po::variables_map& values, const std::string& name) {
  if (values.count(name) == 0) return std::nullopt;
  return values[name].as<std::string>();
}

// The words that are no option go to `arguments`.
Status ParseOptions(const Chosen& chosen, po::variables_map& values,
                    std::vector<std::string>& arguments) {
  const po::options_description description = Describe(chosen.command);
  namespace style = po::command_line_style;
  try {
    const po::parsed_options parsed = po::command_line_parser(chosen.rest)
                                          .options(description)
                                          .style(style::unix_style & ~style::allow_guessing)
                                          .run();
    for (const po::option& option : parsed.options) {
      if (option.position_key >= 0) arguments.push_back(option.value.front());
    }
    po::store(parsed, values);
  } catch (const std::exception& error) {
    const std::string topic = chosen.command != nullptr ? NameOf(*chosen.command) : chosen.noun;
    return Invalid(Escape(error.what()) + "; see: sparekey help" +
                   (topic.empty() ? "" : ' ' + topic));
  }
  return Ok();
}

Result<Invocation> Fill(const Chosen& chosen) {
  po::variables_map values;
  Invocation invocation;
  const Status parsed = ParseOptions(chosen, values, invocation.arguments);
  if (!parsed.ok()) return parsed.error();
  invocation.command = chosen.command;
  invocation.config = {Text(values, "config"), Text(values, "state-dir"), Text(values, "socket")};
  invocation.json = values.count("json") != 0;
  invocation.help = values.count("help") != 0;
  invocation.version = values.count("version") != 0;
  if (chosen.command == nullptr) return invocation;
  for (const OptionSpec& option : chosen.command->options) {
    const std::string name(option.name);
    if (values.count(name) == 0) continue;
    invocation.options[name] = option.value.empty() ? "" : values[name].as<std::string>();
  }
  return invocation;
}

std::string SeeHelp(const CommandSpec& command) {
  return "; see: sparekey help " + NameOf(command);
}

Status CheckCount(const Invocation& invocation) {
  const CommandSpec& command = *invocation.command;
  std::size_t needed = 0;
  for (const ArgumentSpec& argument : command.arguments) {
    if (argument.count == Count::kOptional) continue;
    if (++needed > invocation.arguments.size()) {
      return Invalid(std::string(argument.name) + " is missing" + SeeHelp(command));
    }
  }
  const bool many =
      !command.arguments.empty() && command.arguments.back().count == Count::kOneOrMore;
  if (!many && invocation.arguments.size() > command.arguments.size()) {
    return Invalid("unexpected argument " + Quote(invocation.arguments[command.arguments.size()]) +
                   SeeHelp(command));
  }
  return Ok();
}

std::string Join(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

}  // namespace

Result<Invocation> ParseArguments(const std::vector<std::string>& words) {
  const Result<Chosen> chosen = Choose(words);
  if (!chosen.ok()) return chosen.error();
  Result<Invocation> invocation = Fill(*chosen);
  if (!invocation.ok() || invocation->version) return invocation;
  if (invocation->help) {
    invocation->arguments = {chosen->noun};
    if (chosen->command != nullptr) invocation->arguments.emplace_back(chosen->command->verb);
    std::erase(invocation->arguments, "");
    return invocation;
  }
  if (chosen->noun.empty()) return Invalid("a command is missing; see: sparekey help");
  if (chosen->command == nullptr) {
    return Invalid("a verb is missing after '" + chosen->noun +
                   "'; possible: " + VerbsOf(chosen->noun));
  }
  const Status fits = CheckCount(*invocation);
  if (!fits.ok()) return fits.error();
  return invocation;
}

Status CheckName(std::string_view argument, std::string_view name) {
  if (IsAccountName(name)) return Ok();
  return Invalid(std::string(argument) + ": " + Quote(name) + " cannot be an account's name");
}

Status CheckOneOf(std::string_view option, std::string_view value,
                  const std::vector<std::string_view>& possible) {
  if (std::find(possible.begin(), possible.end(), value) != possible.end()) return Ok();
  return Invalid("--" + std::string(option) + ": " + Quote(value) +
                 " is not possible; possible: " + Join(possible));
}

Status CheckNumber(std::string_view option, std::string_view value, int low, int high) {
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool whole = error == std::errc() && end == value.data() + value.size();
  if (whole && number >= low && number <= high) return Ok();
  return Invalid("--" + std::string(option) + ": " + Quote(value) + " is not a number from " +
                 std::to_string(low) + " to " + std::to_string(high));
}

Status CheckExtension(std::string_view option, std::string_view path,
                      const std::vector<std::string_view>& possible) {
  for (const std::string_view extension : possible) {
    if (path.size() > extension.size() && path.ends_with(extension)) return Ok();
  }
  return Invalid("--" + std::string(option) + ": " + Quote(path) +
                 " must end in one of: " + Join(possible));
}

}  // namespace sparekey
