// SPDX-License-Identifier: Apache-2.0
// Keeps secrets out of core files and other processes' sight; the first thing that a program with
// secrets does.
#pragma once

#include "core/result.h"

namespace sparekey {

// Not dumpable (so not traceable by its own user either), no core file, umask 077, libsodium ready.
// A program goes on only if this succeeds.
Status HardenProcess();

}  // namespace sparekey
