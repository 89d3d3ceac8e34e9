// SPDX-License-Identifier: Apache-2.0
// Tells the administrator's programs in notify.d what happened, after it is on the disk, in order,
// at least once, by a thread of its own: no verdict ever waits for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/store.h"
#include "service/decider.h"
#include "service/hooks.h"

namespace sparekey {

struct NotifySettings {
  std::string folder;  // notify.d
  std::string cursor;  // the file with the id up to which everything was told
  std::string store;   // whose ids these are: NameStore()
  std::string host;
  std::chrono::milliseconds limit{10'000};  // of one hook
  std::size_t waiting = 256;                // more are missed, and counted
  std::chrono::minutes clock_wrong{60};     // no more than one of these in this time
  std::chrono::milliseconds retry{5'000};   // while memory, descriptors or the store are lacking
};

// What waits to be told. Filled where the decider decides, which it never holds up.
class Notifications {
 public:
  // `store`: not in use yet. Listens to it from now on.
  static Result<std::shared_ptr<Notifications>> Attach(Store& store,
                                                       const NotifySettings& settings);
  ~Notifications();

 private:
  friend class Notifier;
  struct Impl;
  Notifications(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class Notifier {
 public:
  // First what an earlier sparekeyd, or the console without one, left untold.
  Notifier(Decider& decider, std::shared_ptr<Notifications> notifications, NotifySettings settings);
  ~Notifier();  // ends the hook that runs; its event is told again by the next sparekeyd

  struct Delivery {
    std::int64_t event = 0;
    HookList found;
    std::vector<HookRun> runs;
    std::string failure;  // why none was run
  };
  const std::string& folder() const;
  // Once, about the next test event that is told; on a thread of its own.
  void OnTest(std::function<void(Delivery delivery)> told);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparekey
