// SPDX-License-Identifier: Apache-2.0
// The one table of everything that can be typed: nouns, verbs, arguments and options. It drives
// the parser, the help and the comparison with the man pages.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "service/config.h"

namespace sparekey {

struct Context;
struct Invocation;

struct OptionSpec {
  std::string_view name;   // "label"
  std::string_view value;  // "L"; empty: a switch
  std::string_view summary;
};

enum class Count { kOne, kOptional, kOneOrMore };

struct ArgumentSpec {
  std::string_view name;  // "NAME"
  Count count = Count::kOne;
};

struct CommandSpec {
  std::string_view noun;
  std::string_view verb;  // empty: the noun alone
  std::vector<ArgumentSpec> arguments;
  std::vector<OptionSpec> options;
  std::string_view summary;  // one line
  std::string_view details;  // lines that end in '\n'; may be empty
  int (*run)(Context& context, const Invocation& invocation);
};

struct NounSpec {
  std::string_view name;
  std::string_view summary;
};

const std::vector<NounSpec>& Nouns();
const std::vector<CommandSpec>& Commands();
const std::vector<OptionSpec>& GlobalOptions();

const NounSpec* FindNoun(std::string_view noun);
// nullptr: the noun has no such verb ("" asks for the noun alone).
const CommandSpec* FindCommand(std::string_view noun, std::string_view verb);
std::string NameOf(const CommandSpec& command);    // "user enroll"
std::string Synopsis(const CommandSpec& command);  // "sparekey user enroll NAME [--label L] …"

// What was typed, after it was found to fit the table.
struct Invocation {
  const CommandSpec* command = nullptr;
  std::vector<std::string> arguments;
  std::map<std::string, std::string, std::less<>> options;  // of the command; a switch: ""
  ConfigOptions config;
  bool json = false;
  bool help = false;
  bool version = false;

  bool Has(std::string_view option) const { return options.find(option) != options.end(); }
  std::optional<std::string> Get(std::string_view option) const;
  // The first argument; "" where it was optional and not given.
  std::string_view First() const;
};

}  // namespace sparekey
