// SPDX-License-Identifier: Apache-2.0
// The logins that were asked something: those under way, and those that are over and whose answer
// may be asked for again. Bounded in number and time.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "service/http_server.h"

namespace sparekey {

struct Login;
using LoginPtr = std::shared_ptr<Login>;

class LoginTable {
 public:
  // Of those that are over: a terminal asks again within seconds, if at all.
  static constexpr std::size_t kMostOver = 2048;

  // Where a login stands; written here only.
  struct Place {
    std::list<LoginPtr>* list = nullptr;  // none: forgotten, or never added
    std::list<LoginPtr>::iterator in_list;
  };

  // Gives it its id and its time. Makes room: what is too old goes; with the table full, first what
  // is over, then the oldest that is not.
  void Add(const LoginPtr& login);
  // nullptr: there is none that is this peer's and not too old.
  LoginPtr Find(const std::string& id, const Peer& peer) const;
  void MarkOver(Login& login);

 private:
  void Forget(std::list<LoginPtr>& list);

  std::unordered_map<std::string, LoginPtr> logins_;
  std::list<LoginPtr> open_, over_;  // the front has been there longest
};

}  // namespace sparekey
