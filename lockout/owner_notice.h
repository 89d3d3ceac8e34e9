// SPDX-License-Identifier: Apache-2.0
// What an account's owner is told at the next login: the failed attempts since the last one, and a
// recovery. So whoever guesses, or holds the code sheet, is noticed by the one who knows best.
#pragma once

#include <string>

#include "lockout/decide.h"

namespace sparekey {

// Keeps what `decision` means for the owner in the account, which `decision` has changed. Returns
// what the owner is told now: all that was kept, with an accepted login; nothing with any other.
// `host`: as PAM said it, may be empty.
OwnerNotice KeepForOwner(Account& account, const Decision& decision, const std::string& host,
                         TimePoint now);

}  // namespace sparekey
