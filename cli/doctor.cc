// SPDX-License-Identifier: Apache-2.0
// doctor: checks the whole set-up and says what to do.
#include "cli/doctor.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/way_out.h"

namespace sparekey {
namespace {

constexpr std::size_t kWidth = 79, kNarrowest = 40;

std::size_t WidthOfOutput() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kWidth;
  return std::clamp(std::size_t{size.ws_col} - 1, kNarrowest, kWidth);
}

}  // namespace

Findings Examine(const System& system, const Config& config, const OwnFacts& own) {
  Findings all;
  const auto add = [&all](Findings findings) {
    std::move(findings.begin(), findings.end(), std::back_inserter(all));
  };
  add(CheckService(own, config));
  add(CheckStore(own));
  add(CheckAccounts(system, own));
  add(CheckSshd(system, own));
  add(CheckPam(system, own));
  add(CheckClock(system));
  add(CheckFiles(system, config, own));
  add(CheckDisk(system, config));
  add(CheckWayOut(system, {config.console, own.policy.value_or(Policy{}).admin_groups}));
  return all;
}

int RunDoctor(Context& context, const Invocation&) {
  const Findings findings = Examine(RealSystem(), context.config, ReadOwnFacts(context.config));
  Finish(context, ToJson(findings), ToText(findings, WidthOfOutput(), STDOUT_FILENO));
  const bool sound = CountOf(findings, Severity::kProblem) == 0;
  return End(sound ? ExitStatus::kDone : ExitStatus::kDenied);
}

}  // namespace sparekey
