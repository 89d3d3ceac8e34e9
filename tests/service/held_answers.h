// SPDX-License-Identifier: Apache-2.0
// What a server of the tests answers: what it was asked, or nothing until the test says so.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/http_server.h"

namespace sparekey {

inline HttpResponse Text(int status, std::string_view body) {
  return {status, SecretBytes(body), "application/json"};
}

// Answers with what it was asked.
inline void Echo(HttpRequest request, const Respond& respond) {
  respond(Text(200, request.method + " " + request.path + "?" + request.query + " " +
                        std::string(request.body.ExposeText())));
}

// Keeps what is to be answered until the test says so.
class HeldAnswers {
 public:
  void Hold(Respond respond) {
    const std::lock_guard lock(mutex_);
    held_.push_back(std::move(respond));
    changed_.notify_all();
  }
  std::vector<Respond> Take(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
    return std::exchange(held_, {});
  }
  std::vector<Respond> TakeAll() {
    const std::lock_guard lock(mutex_);
    return std::exchange(held_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Respond> held_;
};

inline HttpServer::Handle HoldIn(HeldAnswers& held) {
  return [&held](HttpRequest request, Respond respond) {
    if (request.path == "/hold") return held.Hold(std::move(respond));
    Echo(std::move(request), respond);
  };
}

}  // namespace sparekey
