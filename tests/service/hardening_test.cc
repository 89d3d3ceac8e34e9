// SPDX-License-Identifier: Apache-2.0
#include "service/hardening.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/processes.h"

namespace sparekey {
namespace {

TEST(HardenProcess, AllowsNoCoreFileNoTracerAndNoOpenModes) {
  const pid_t child = CheckedFork();
  if (child == 0) {
    if (!HardenProcess()) _exit(1);
    rlimit core{1, 1};
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0) _exit(2);
    if (prctl(PR_GET_DUMPABLE) != 0) _exit(3);
    _exit(umask(0) == 077 ? 0 : 4);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sparekey
