// SPDX-License-Identifier: Apache-2.0
#include "cli/context.h"

#include <unistd.h>

#include <cerrno>

#include "core/files.h"

namespace sparekey {

void PrintJson(const Json& value) {
  std::string text = value.dump(IsTerminal(STDOUT_FILENO) ? 2 : -1, ' ', false,
                                nlohmann::detail::error_handler_t::replace);
  text += '\n';
  Print(text);
  Wipe(std::span<char>(text));
}

int Fail(const Context& context, const Failure& failure) {
  Say(Coloured(STDERR_FILENO, Colour::kBad, "sparekey:") + ' ' + failure.message);
  if (context.json) {
    PrintJson({{"error", {{"code", failure.code}, {"message", failure.message}}}});
  }
  return End(failure.status);
}

int Fail(const Context& context, const Error& error) { return Fail(context, FailureOf(error)); }

bool TellUnwritten(const std::string& remedy) {
  const int error = TakePrintError();
  if (error == 0) return false;
  errno = error;
  const Error unwritten = SystemError("standard output", "write");
  Say(Coloured(STDERR_FILENO, Colour::kBad, "sparekey:") + ' ' + unwritten.message);
  if (!remedy.empty()) Say(remedy);
  return true;
}

int Finish(const Context& context, const Json& value, const std::string& text) {
  if (context.json) {
    PrintJson(value);
  } else {
    Print(text);
  }
  return End(ExitStatus::kDone);
}

}  // namespace sparekey
