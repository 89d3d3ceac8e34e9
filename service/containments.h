// SPDX-License-Identifier: Apache-2.0
// Carries containment out: a thread of its own ends the sessions that the records mark, so that no
// verdict waits for it, and takes the marks away when nobody in their scope has a session any more.
// What it could not finish is still marked, and the next sparekeyd begins there.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "service/backend.h"
#include "service/session_ender.h"

namespace sparekey {

class Containments {
 public:
  using Known = std::function<std::vector<KnownSession>()>;  // any thread
  Containments(const Backend& backend, SessionSystem& system, Known known);
  ~Containments();
  Containments(const Containments&) = delete;
  Containments& operator=(const Containments&) = delete;

  // Any thread: what the records say is due; told once more than needed does no harm.
  void Begin(const std::vector<DueContainment>& due);
  // What the records say is due, and no more: at the start, and where marks may have gone.
  void Resume();
  // A session that begins now: ends it if everybody's or its account's door is shut.
  void Examine(const std::string& account, const ProcessId& session);

  // Scopes whose sessions could not be ended in time: their gates may be opened nevertheless.
  std::set<std::string> Overdue() const;
  bool IsQuiet() const;  // nothing to do but what is overdue
  void Stop();           // before what `backend` names ends

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparekey
