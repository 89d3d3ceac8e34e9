// SPDX-License-Identifier: Apache-2.0
// sparekey: the command line.
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <exception>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "service/hardening.h"
#include "version.h"

namespace sparekey {
namespace {

int Run(const std::vector<std::string>& words) {
  Context context;
  const Status hardened = HardenProcess();
  if (!hardened.ok()) return Fail(context, hardened.error());
  context.json = std::find(words.begin(), words.end(), "--json") != words.end();
  const Result<Invocation> invocation = ParseArguments(words);
  if (!invocation.ok()) return Fail(context, invocation.error());
  context.json = invocation->json;
  if (invocation->version) {
    return Finish(context, {{"version", kVersion}}, std::string("sparekey ") + kVersion + '\n');
  }
  const bool explains = invocation->help || invocation->command->noun == "help";
  if (explains) return RunHelp(context, *invocation);
  // The mounted system's own configuration is read by the reset itself.
  if (!invocation->Has("root")) {
    Result<Config> config = LoadConfig(invocation->config);
    if (!config.ok()) return Fail(context, config.error());
    context.config = std::move(*config);
  }
  return invocation->command->run(context, *invocation);
}

}  // namespace
}  // namespace sparekey

int main(int count, char** words) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  (void)std::setlocale(LC_CTYPE, "");
  try {
    const int status = sparekey::Run({words + std::min(count, 1), words + count});
    const bool lost = sparekey::TellUnwritten();
    const bool done = status == sparekey::End(sparekey::ExitStatus::kDone);
    return lost && done ? sparekey::End(sparekey::ExitStatus::kUnreachable) : status;
  } catch (const std::exception& error) {
    sparekey::Say(std::string("sparekey: unexpected: ") + sparekey::Escape(error.what()));
    return static_cast<int>(sparekey::ExitStatus::kUnreachable);
  }
}
