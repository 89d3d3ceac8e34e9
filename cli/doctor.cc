// SPDX-License-Identifier: Apache-2.0
// doctor: checks the whole set-up and says what to do.
#include "cli/doctor.h"

#include <unistd.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/way_out.h"

namespace sparekey {

Findings Examine(const System& system, const Config& config, const OwnFacts& own) {
  Findings all;
  const auto add = [&all](Findings findings) {
    std::move(findings.begin(), findings.end(), std::back_inserter(all));
  };
  if (IsNotSetUp(system, config, own)) {
    add({{"service.not_set_up", Severity::kProblem,
          "sparekey is not set up here: there is neither a master key nor a store.",
          "Run: sparekey init. Then: systemctl enable --now sparekeyd.socket sparekeyd.service"}});
  } else {
    add(CheckService(own, config));
    add(CheckStore(own));
  }
  add(CheckAccounts(system, config, own));
  add(CheckSshd(system, own));
  add(CheckPam(system, own));
  add(CheckClock(system));
  add(CheckFiles(system, config, own));
  add(CheckDisk(system, config));
  add(CheckWayOut(system, {config.console, own.policy.value_or(Policy{}).admin_groups}));
  return all;
}

int RunDoctor(Context& context, const Invocation&) {
  const OwnFacts own = ReadOwnFacts(context.config);
  if (own.refusal) return Fail(context, *own.refusal);
  const Findings findings = Examine(RealSystem(), context.config, own);
  const std::string text = ToText(findings, WidthOf(STDOUT_FILENO), STDOUT_FILENO);
  Finish(context, ToJson(findings), text + Sum(findings, STDOUT_FILENO));
  const bool sound = CountOf(findings, Severity::kProblem) == 0;
  return End(sound ? ExitStatus::kDone : ExitStatus::kDenied);
}

}  // namespace sparekey
