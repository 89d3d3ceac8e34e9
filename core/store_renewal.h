// SPDX-License-Identifier: Apache-2.0
// A store made anew under a new master key, for the day on which the old key is lost or the store
// is beyond repair. Who is known to have had two-factor must enrol again, and everybody else is
// required to enrol: what the old settings said is not known any more.
#pragma once

#include <string>

#include "core/clock.h"
#include "core/result.h"

namespace sparekey {

struct Renewal {
  std::size_t accounts = 0;  // that are known and must enrol again
  // The old store could not be read to its end, or is not whole: there may be more of them.
  bool some_unknown = false;
  std::string suffix;  // of the old files, which stay where they were
};

// One that was interrupted is finished. kConflict where another process has the store, kUnavailable
// where it was written by a newer version. On an error
// the old files stand as they were, or the message says to do it again, which goes on.
Result<Renewal> RenewStore(const std::string& state_dir, const std::string& key_path,
                           TimePoint now);

// The new key before it takes the old one's place. Where it is, a renewal is not finished.
std::string NewKeyPath(const std::string& key_path);

}  // namespace sparekey
