// SPDX-License-Identifier: Apache-2.0
// Where what the local console does is carried out: by the service or, where that is down or hangs,
// by the same routes in this process, on the store itself. The store is held for one call at a
// time, so that the service can come back meanwhile.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/api.h"
#include "service/config.h"
#include "service/routes_on_store.h"

namespace sparekey {

class ConsolePlace {
 public:
  enum class Service { kUp, kDown, kHanging };

  // `mounted`: the root folder is another system's, which has no service. `config` must outlive
  // this.
  ConsolePlace(const Config& config, bool mounted);
  ~ConsolePlace();
  ConsolePlace(const ConsolePlace&) = delete;
  ConsolePlace& operator=(const ConsolePlace&) = delete;

  // By the service; on the store where the service gives no answer or says that it cannot. Asks
  // before it ends a process that holds the store. On a full disk, once more without the reserve.
  Answer Send(std::string_view method, const std::string& target, const SecretJson& body);
  // The same for looking: nothing is asked, ended or given up.
  Answer Look(const std::string& target);

  bool mounted() const { return mounted_; }
  // As the last call found it.
  Service service() const { return service_; }
  // "process 812 (/usr/sbin/sparekeyd), stopped", where the service hangs and holds the store.
  const std::string& holder() const { return holder_; }
  // The last look at the store itself failed for want of room, and the reserve file is there.
  bool needs_room() const { return needs_room_; }
  // In the last Send the service was asked and gave no answer: what it did is not known.
  bool in_doubt() const { return in_doubt_; }

 private:
  // One of the two carries it out.
  using Call = std::function<Answer(Api* api, RoutesOnStore* routes)>;

  // Again while it is busy, and on a full disk without the reserve.
  Answer Insist(const std::function<Answer()>& call, const std::function<void()>& pause);
  Answer AskService(const Call& call);
  Result<std::unique_ptr<RoutesOnStore>> TakeStore(std::string_view why);
  Answer RunOnStore(RoutesOnStore& routes, const Call& call);
  using Moment = std::chrono::steady_clock::time_point;
  void FindService(const Answer& answer, Moment began);
  void SayFault(const Failure& failure);
  std::chrono::milliseconds Deadline() const;
  bool IsSilent() const { return std::chrono::steady_clock::now() < silent_until_; }

  const Config& config_;
  const bool mounted_;
  Service service_ = Service::kDown;
  std::string holder_;
  bool in_doubt_ = false;
  bool needs_room_ = false;
  bool said_unanswered_ = false;
  Moment silent_until_{};
};

inline constexpr char kNoAnswer[] = "The service does not answer";
inline constexpr char kUnable[] = "The service cannot do it";
// Where a process holds the store: shows it, and ends it if that is wanted. `why` the service does
// not do it; empty where it was not asked.
Status OfferToEndHolder(const std::string& state_dir, std::string_view why);

}  // namespace sparekey
