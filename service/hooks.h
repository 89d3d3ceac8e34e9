// SPDX-License-Identifier: Apache-2.0
// The administrator's notification programs: which files of notify.d are run, and how one is run
// without anything of sparekeyd and never for longer than its time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace sparekey {

struct PassedOver {
  std::string name;    // escaped
  std::string reason;  // "is not executable"
};

struct HookList {
  std::vector<std::string> names;  // in the order in which they are run
  std::vector<PassedOver> passed_over;
};

// The regular files of `folder` that are executable, belong to root or to this process's user, and
// that nobody else may write to, as the folder itself; no hidden files, no leftovers of editors and
// packages. No folder: no hooks. An error: a folder that others could have filled; kBusy: it cannot
// be read for now, for lack of descriptors or memory.
Result<HookList> FindHooks(const std::string& folder);

enum class HookEnd : std::uint8_t { kDone, kFailed, kKilled, kTimeout, kNotStarted, kStopped };
std::string_view ToString(HookEnd end);  // done, failed, killed, timeout, not_started, stopped

struct HookRun {
  std::string name;
  HookEnd end = HookEnd::kNotStarted;
  int status = 0;  // kFailed: the exit status; kKilled: the signal
  std::chrono::milliseconds time{0};
  std::vector<std::string> said;  // the first lines of its standard error, escaped
};

// Runs folder/name with `event` as its argument and `input` on standard input, in a session and
// process group of its own; past `limit` the group is killed, and what it left behind in its group
// when it ended is killed, too. `stop`: a descriptor that, when readable, ends it (kStopped).
HookRun RunHook(const std::string& folder, const std::string& name, std::string_view event,
                const std::string& input, std::chrono::milliseconds limit, int stop);

}  // namespace sparekey
