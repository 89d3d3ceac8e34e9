// SPDX-License-Identifier: Apache-2.0
// What every verb gets: the configuration, the API, and how to end with a failure.
#pragma once

#include <string>

#include "cli/api.h"
#include "cli/command.h"
#include "cli/text.h"
#include "service/config.h"

namespace sparekey {

struct Context {
  Config config;
  bool json = false;

  Api OpenApi() const { return Api(config.socket); }
};

// Says it on standard error and, with --json, prints {"error":{"code","message"}}.
int Fail(const Context& context, const Failure& failure);
int Fail(const Context& context, const Error& error);
inline int End(ExitStatus status) { return static_cast<int>(status); }

// Where standard output did not take what was printed: says so on standard error, and then what to
// do, where `remedy` is not empty. Once; the program ends with kUnreachable.
bool TellUnwritten(const std::string& remedy = "");

// One value and a newline; indented on a terminal.
void PrintJson(const Json& value);
// `value` with --json, else `text`.
int Finish(const Context& context, const Json& value, const std::string& text);

}  // namespace sparekey
