// SPDX-License-Identifier: Apache-2.0
#include "service/login_table.h"

#include <chrono>
#include <utility>

#include "core/random.h"
#include "service/login.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostLogins = 8192;

}  // namespace

void LoginTable::Add(const LoginPtr& login) {
  const auto now = std::chrono::steady_clock::now();
  for (auto* const list : {&open_, &over_}) {
    while (!list->empty() && list->front()->expires <= now) Forget(*list);
  }
  if (logins_.size() >= kMostLogins) Forget(over_.empty() ? open_ : over_);
  login->id = RandomHex(16);
  login->expires = now + kLoginLifetime;
  login->place = {&open_, open_.insert(open_.end(), login)};
  logins_.emplace(login->id, login);
}

LoginPtr LoginTable::Find(const std::string& id, const Peer& peer) const {
  const auto found = logins_.find(id);
  if (found == logins_.end()) return nullptr;
  const Login& login = *found->second;
  const Peer& owner = login.owner;
  if (login.expires <= std::chrono::steady_clock::now()) return nullptr;
  if (owner.socket != peer.socket || owner.uid != peer.uid) return nullptr;
  if (login.opening.by_owner && owner.connection != peer.connection) return nullptr;
  return found->second;
}

void LoginTable::MarkOver(Login& login) {
  if (login.place.list != &open_) return;
  over_.splice(over_.end(), open_, login.place.in_list);
  login.place.list = &over_;
  while (over_.size() > kMostOver) Forget(over_);
}

void LoginTable::Forget(std::list<LoginPtr>& list) {
  const LoginPtr oldest = std::move(list.front());
  list.pop_front();
  oldest->place.list = nullptr;
  logins_.erase(oldest->id);
}

}  // namespace sparekey
