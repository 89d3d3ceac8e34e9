// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include "cli/commands.h"
#include "cli/context.h"
#include "core/policy.h"

namespace sparekey {
namespace {

std::string OptionsText(const std::vector<OptionSpec>& options) {
  std::vector<std::vector<std::string>> rows;
  for (const OptionSpec& option : options) {
    std::string name = "  --" + std::string(option.name);
    if (!option.value.empty()) name += ' ' + std::string(option.value);
    rows.push_back({name, std::string(option.summary)});
  }
  return Table(rows);
}

std::string StatusesText() {
  std::vector<std::vector<std::string>> rows;
  for (const ExitStatusRow& row : ExitStatuses()) {
    rows.push_back({"  " + std::to_string(End(row.status)), std::string(row.meaning)});
  }
  return "Exit status:\n" + Table(rows);
}

// Noun alone, else all its verbs.
std::string CommandsText(std::string_view noun) {
  std::string text;
  for (const CommandSpec& command : Commands()) {
    if (command.noun != noun) continue;
    text += "  " + Synopsis(command) + "\n      " + std::string(command.summary) + '\n';
  }
  return text;
}

Json DescribeOptions(const std::vector<OptionSpec>& options) {
  Json list = Json::array();
  for (const OptionSpec& option : options) {
    list.push_back({{"name", option.name}, {"value", option.value}, {"summary", option.summary}});
  }
  return list;
}

Json DescribeArguments(const CommandSpec& command) {
  Json list = Json::array();
  for (const ArgumentSpec& argument : command.arguments) {
    list.push_back({{"name", argument.name},
                    {"optional", argument.count == Count::kOptional},
                    {"many", argument.count == Count::kOneOrMore}});
  }
  return list;
}

Json DescribeSettings() {
  Json list = Json::array();
  for (const Setting& setting : Settings()) {
    list.push_back({{"name", setting.name},
                    {"default", setting.get(Policy{})},
                    {"range", setting.range},
                    {"meaning", setting.meaning}});
  }
  return list;
}

Json DescribeStatuses() {
  Json list = Json::array();
  for (const ExitStatusRow& row : ExitStatuses()) {
    list.push_back({{"status", End(row.status)}, {"meaning", row.meaning}});
  }
  return list;
}

}  // namespace

std::string HelpForAll() {
  std::vector<std::vector<std::string>> rows;
  for (const NounSpec& noun : Nouns()) {
    std::string verbs;
    for (const CommandSpec& command : Commands()) {
      if (command.noun == noun.name && !command.verb.empty())
        verbs += ' ' + std::string(command.verb);
    }
    rows.push_back({"  " + std::string(noun.name),
                    std::string(noun.summary) + (verbs.empty() ? "" : ":" + verbs)});
  }
  return "Usage: sparekey [OPTIONS] NOUN [VERB] [ARGS]\n"
         "Two-factor logins with one-time codes and backup codes.\n\n" +
         Table(rows) + "\nOptions:\n" + OptionsText(GlobalOptions()) + '\n' + StatusesText() +
         "\nCodes are read from standard input or a hidden prompt, never from the command line.\n"
         "More about one command: sparekey help NOUN [VERB]\n";
}

std::string HelpForNoun(const NounSpec& noun) {
  return "sparekey " + std::string(noun.name) + ": " + std::string(noun.summary) + "\n\n" +
         CommandsText(noun.name);
}

std::string HelpForCommand(const CommandSpec& command) {
  std::string text = "Usage: " + Synopsis(command) + "\n\nsparekey " + NameOf(command) + ' ' +
                     std::string(command.summary) + ".\n" + std::string(command.details);
  if (!command.options.empty()) text += "\nOptions:\n" + OptionsText(command.options);
  return text + "\nOptions of every command:\n" + OptionsText(GlobalOptions());
}

Json DescribeCommands() {
  Json commands = Json::array();
  for (const CommandSpec& command : Commands()) {
    commands.push_back({{"noun", command.noun},
                        {"verb", command.verb},
                        {"synopsis", Synopsis(command)},
                        {"arguments", DescribeArguments(command)},
                        {"summary", command.summary},
                        {"options", DescribeOptions(command.options)}});
  }
  return {{"commands", commands},
          {"options", DescribeOptions(GlobalOptions())},
          {"settings", DescribeSettings()},
          {"exit_statuses", DescribeStatuses()}};
}

int RunHelp(Context& context, const Invocation& invocation) {
  const std::string noun_name(invocation.First());
  if (noun_name.empty()) return Finish(context, DescribeCommands(), HelpForAll());
  const NounSpec* noun = FindNoun(noun_name);
  if (noun == nullptr) {
    return Fail(context, Invalid("NOUN: there is no '" + noun_name + "'; see: sparekey help"));
  }
  const std::string verb = invocation.arguments.size() > 1 ? invocation.arguments[1] : "";
  const CommandSpec* command = FindCommand(noun_name, verb);
  if (command == nullptr && !verb.empty()) {
    return Fail(context, Invalid("VERB: '" + noun_name + "' has no '" + verb +
                                 "'; see: sparekey help " + noun_name));
  }
  std::size_t verbs = 0;
  for (const CommandSpec& other : Commands()) verbs += other.noun == noun_name ? 1 : 0;
  const bool whole_noun = command == nullptr || (verb.empty() && verbs > 1);
  const std::string text = whole_noun ? HelpForNoun(*noun) : HelpForCommand(*command);
  return Finish(context, {{"help", text}}, text);
}

}  // namespace sparekey
