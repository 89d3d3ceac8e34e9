// SPDX-License-Identifier: Apache-2.0
// The API's routes without sparekeyd: on a store that this process has opened, for the local
// console on the day when the service is down. Its caller counts as root at the console, which it
// must have made sure of.
#pragma once

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/store.h"
#include "service/config.h"
#include "service/directory.h"
#include "service/http_server.h"

namespace sparekey {

struct StoreHost {
  std::string name;     // for key URIs and sheets
  AskDirectory people;  // asked in the calling thread: must not hang
  bool whole_machine;   // whose SSH sessions may be ended: everybody's, or those it was told of
};

// While it lives, this thread takes no signals, and neither do those that it starts, for good: a
// signal that a person sends must interrupt the wait for input, and no other thread.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_{};
};

class RoutesOnStore {
 public:
  // kConflict where another process has the store. `config` must outlive this.
  static Result<std::unique_ptr<RoutesOnStore>> Open(const Config& config, StoreHost host);
  ~RoutesOnStore();
  RoutesOnStore(const RoutesOnStore&) = delete;
  RoutesOnStore& operator=(const RoutesOnStore&) = delete;

  // For this long, what a killed sparekeyd has begun goes on here: sessions are ended.
  void Wait(std::chrono::milliseconds time);
  // One request to its answer. `target` may have a query. Signals wait until it is answered.
  HttpResponse Call(const std::string& method, const std::string& target, SecretBytes body);

 private:
  struct Impl;
  explicit RoutesOnStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparekey
