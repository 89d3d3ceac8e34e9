// SPDX-License-Identifier: Apache-2.0
// Parts of the C++ runtime in the module's own, small form (runtime.cc).
#pragma once

namespace sparekey::pam {

// Before anything is written that belongs to the runtime: from then on, until the module is
// unloaded, its state can be.
void UnprotectState();

// At the end of a call from libpam that something was thrown through, perhaps by the program's own
// runtime: nothing is left of it for this thread.
void ForgetThrown();

}  // namespace sparekey::pam
