// SPDX-License-Identifier: Apache-2.0
// Writes into the named file whether this process is at the local console.
#include <unistd.h>

#include <fstream>

#include "core/local_console.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto locality = sparekey::FindLocality(sparekey::RealProc(), {}, getpid());
  std::ofstream report(argv[1]);
  report << (locality.local ? "local " + locality.terminal : "no: " + locality.reason);
  return report.flush() ? 0 : 1;
}
