// SPDX-License-Identifier: Apache-2.0
// Who is connected to one socket, in which state and for how long; who has to go when there is no
// room. Bookkeeping only: no socket, no clock.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>

namespace sparekey {

enum class ConnectionState : std::uint8_t {
  kIdle,       // between requests
  kReading,    // a request has begun to come
  kWriting,    // its answer is on the way
  kDraining,   // refused; what still comes is thrown away
  kAnswering,  // the handler has the request
};
// In the order in which they have to go. Who waits for an answer never has to.
inline constexpr std::initializer_list<ConnectionState> kDispensableStates = {
    ConnectionState::kIdle, ConnectionState::kReading, ConnectionState::kWriting,
    ConnectionState::kDraining};
inline constexpr std::initializer_list<ConnectionState> kAllStates = {
    ConnectionState::kIdle, ConnectionState::kReading, ConnectionState::kWriting,
    ConnectionState::kDraining, ConnectionState::kAnswering};

// A Connection has the members `uid_t uid` and `ConnectionTable<Connection>::Place place`; the
// latter is written here only.
template <typename Connection>
class ConnectionTable {
 public:
  using Pointer = std::shared_ptr<Connection>;
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Place {
    ConnectionState state = ConnectionState::kIdle;
    TimePoint since{};
    typename std::list<Pointer>::iterator in_list;
  };

  void Add(const Pointer& connection, TimePoint now) {
    std::list<Pointer>& list = ListOf(ConnectionState::kIdle);
    std::size_t& count = counts_[connection->uid];  // first what may fail
    connection->place = {ConnectionState::kIdle, now, list.insert(list.end(), connection)};
    ++count;
    ++size_;
  }

  // The connection itself ends with its last Pointer.
  void Remove(Connection& connection) {
    --size_;
    const auto count = counts_.find(connection.uid);
    if (--count->second == 0) counts_.erase(count);
    ListOf(connection.place.state).erase(connection.place.in_list);
  }

  // Entering a state again changes nothing: `since` stays.
  void Enter(Connection& connection, ConnectionState state, TimePoint now) {
    Place& place = connection.place;
    if (place.state == state) return;
    std::list<Pointer>& list = ListOf(state);
    list.splice(list.end(), ListOf(place.state), place.in_list);
    place.state = state;
    place.since = now;
  }

  Pointer OldestIn(ConnectionState state) const {
    const std::list<Pointer>& list = ListOf(state);
    return list.empty() ? nullptr : list.front();
  }

  // The connection of the user that goes first; nullptr where all of them wait for answers.
  Pointer FindDispensable(uid_t uid) const {
    return FindFirst([uid](const Connection& connection) { return connection.uid == uid; });
  }
  // Of the user who has most of them; of anybody where that user's all wait for answers.
  Pointer FindDispensable() const {
    const auto most = std::max_element(counts_.begin(), counts_.end(),
                                       [](auto& a, auto& b) { return a.second < b.second; });
    if (most == counts_.end()) return nullptr;
    const Pointer found = FindDispensable(most->first);
    return found ? found : FindFirst([](const Connection&) { return true; });
  }

  std::size_t CountOf(uid_t uid) const {
    const auto count = counts_.find(uid);
    return count == counts_.end() ? 0 : count->second;
  }
  std::size_t size() const { return size_; }

 private:
  template <typename Predicate>
  Pointer FindFirst(Predicate matches) const {
    for (const ConnectionState state : kDispensableStates) {
      for (const Pointer& connection : ListOf(state)) {
        if (matches(*connection)) return connection;
      }
    }
    return nullptr;
  }
  std::list<Pointer>& ListOf(ConnectionState state) {
    return lists_[static_cast<std::size_t>(state)];
  }
  const std::list<Pointer>& ListOf(ConnectionState state) const {
    return lists_[static_cast<std::size_t>(state)];
  }

  std::array<std::list<Pointer>, 5> lists_;  // by state; the front has been there longest
  std::map<uid_t, std::size_t> counts_;
  std::size_t size_ = 0;
};

}  // namespace sparekey
