// SPDX-License-Identifier: Apache-2.0
#include "service/login_table.h"

#include <chrono>

#include "core/random.h"
#include "service/login.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostLogins = 8192;

}  // namespace

void LoginTable::Add(const LoginPtr& login) {
  const auto now = std::chrono::steady_clock::now();
  while (!by_age_.empty()) {
    const auto oldest = logins_.find(by_age_.front());
    if (oldest != logins_.end() && oldest->second->expires > now) break;
    Forget(by_age_);
  }
  const auto is_gone = [this](const std::string& id) { return !logins_.contains(id); };
  for (auto* ids : {&by_age_, &over_}) {
    if (ids->size() > 2 * kMostLogins) std::erase_if(*ids, is_gone);
  }
  while (!over_.empty() && is_gone(over_.front())) over_.pop_front();
  if (logins_.size() >= kMostLogins) Forget(over_.empty() ? by_age_ : over_);
  login->id = RandomHex(16);
  login->expires = now + kLoginLifetime;
  logins_.emplace(login->id, login);
  by_age_.push_back(login->id);
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

void LoginTable::MarkOver(const Login& login) {
  over_.push_back(login.id);
  while (over_.size() > kMostOver) Forget(over_);
}

void LoginTable::Forget(std::deque<std::string>& ids) {
  if (ids.empty()) return;
  logins_.erase(ids.front());
  ids.pop_front();
}

}  // namespace sparekey
