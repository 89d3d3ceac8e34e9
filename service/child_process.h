// SPDX-License-Identifier: Apache-2.0
// A child that has nothing of its parent: how sparekeyd starts what asks PAM and the notification
// hooks, waits for them without blocking for ever, and ends them with all that they started.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/unique_fd.h"

namespace sparekey {

struct Pipe {
  UniqueFd from, to;
};
// Never 0 to 2, which the child's own files take; closed in children.
Result<Pipe> MakePipe();

struct ChildFiles {
  int in = -1, out = -1, error = -1;  // -1: /dev/null
};
// With `files` as its only descriptors, a session and process group of its own, the folder "/", and
// an environment of nothing but PATH. `command` begins with an absolute path.
Result<pid_t> SpawnAlone(const std::vector<std::string>& command, const ChildFiles& files);

// A child that has not been reaped: until then nobody else can get its pid or its group's.
class Child {
 public:
  static constexpr int kNobody = -1;  // poll(2) passes it over

  explicit Child(pid_t pid);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();  // kills what is left of it

  void Kill() const;  // its whole group
  // False: neither it nor `stop` has been ready by then. A negative time waits for ever.
  bool WaitFor(int stop, std::chrono::milliseconds time) const;
  bool HasEnded() const;
  int pidfd() const { return pidfd_.get(); }
  // Waits for its end; the status as wait(2) gives it, -1 where there is none.
  int Reap();

 private:
  pid_t pid_;
  UniqueFd pidfd_;
};

}  // namespace sparekey
