// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/policy.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;

TEST(Help, ExplainsEveryCommandWithEveryArgumentAndOption) {
  for (const CommandSpec& command : Commands()) {
    const std::string help = HelpForCommand(command);
    EXPECT_THAT(help, HasSubstr(Synopsis(command)));
    EXPECT_FALSE(command.summary.empty()) << NameOf(command);
    EXPECT_THAT(help, HasSubstr(std::string(command.summary)));
    for (const ArgumentSpec& argument : command.arguments) {
      EXPECT_THAT(help, HasSubstr(std::string(argument.name)));
    }
    for (const OptionSpec& option : command.options) {
      EXPECT_FALSE(option.summary.empty()) << option.name;
      EXPECT_THAT(help, HasSubstr("\n  --" + std::string(option.name)));
    }
  }
}

TEST(Help, NamesEveryVerbUnderItsNoun) {
  for (const CommandSpec& command : Commands()) {
    const NounSpec* noun = FindNoun(command.noun);
    ASSERT_NE(noun, nullptr) << command.noun;
    EXPECT_THAT(HelpForNoun(*noun), HasSubstr("sparekey " + NameOf(command)));
  }
}

TEST(Help, NamesEveryNounGlobalOptionAndExitStatus) {
  const std::string help = HelpForAll();
  for (const NounSpec& noun : Nouns()) {
    EXPECT_THAT(help, HasSubstr("\n  " + std::string(noun.name) + ' '));
    EXPECT_FALSE(noun.summary.empty());
  }
  for (const OptionSpec& option : GlobalOptions()) {
    EXPECT_THAT(help, HasSubstr("\n  --" + std::string(option.name)));
  }
  for (const ExitStatusRow& row : ExitStatuses()) {
    EXPECT_THAT(help, HasSubstr(std::string(row.meaning)));
  }
}

TEST(Commands, AreNamedOnceAndRun) {
  std::set<std::string> names;
  for (const CommandSpec& command : Commands()) {
    EXPECT_TRUE(names.insert(NameOf(command)).second) << NameOf(command);
    EXPECT_NE(command.run, nullptr);
  }
}

TEST(Commands, HaveNoOptionThatHidesAGlobalOne) {
  for (const CommandSpec& command : Commands()) {
    for (const OptionSpec& option : command.options) {
      for (const OptionSpec& global : GlobalOptions()) EXPECT_NE(option.name, global.name);
    }
  }
}

TEST(DescribeCommands, HoldsTheWholeTable) {
  const Json table = DescribeCommands();
  EXPECT_EQ(ListOf(table, "commands").size(), Commands().size());
  EXPECT_EQ(ListOf(table, "options").size(), GlobalOptions().size());
  EXPECT_EQ(ListOf(table, "settings").size(), Settings().size());
  EXPECT_EQ(ListOf(table, "exit_statuses").size(), ExitStatuses().size());
  for (std::size_t i = 0; i < Commands().size(); ++i) {
    EXPECT_EQ(ListOf(table["commands"][i], "arguments").size(), Commands()[i].arguments.size());
    EXPECT_EQ(ListOf(table["commands"][i], "options").size(), Commands()[i].options.size());
  }
}

}  // namespace
}  // namespace sparekey
