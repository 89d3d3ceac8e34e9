// SPDX-License-Identifier: Apache-2.0
// fork(2) and kill(2) without the trap between them: kill of the -1 that a failed fork returns, or
// that a reaped child leaves, would end every process of the machine.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace sparekey {

inline pid_t CheckedFork() {
  const pid_t child = ::fork();
  if (child >= 0) return child;
  std::perror("fork");
  std::abort();
}

inline int CheckedKill(pid_t process, int signal) {
  if (process > 0) return ::kill(process, signal);
  std::fprintf(stderr, "kill: %ld is no process\n", static_cast<long>(process));
  std::abort();
}

}  // namespace sparekey
