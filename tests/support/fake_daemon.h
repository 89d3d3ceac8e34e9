// SPDX-License-Identifier: Apache-2.0
// A scripted sparekeyd: a Unix socket that answers what the test tells it to, well or badly.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sparekey {

// A folder below /tmp that goes away with its contents.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class FakeDaemon {
 public:
  struct Request {
    std::string method, target, body;
  };
  struct Reply {
    std::vector<std::string> pieces;      // sent one after the other
    std::chrono::milliseconds pause{0};   // before each piece
    bool close = false;                   // after the last piece
  };
  using Script = std::function<Reply(const Request&)>;

  // Serves at `path` until it is destroyed; `script` is called for one request at a time.
  FakeDaemon(std::string path, Script script);
  ~FakeDaemon();
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  std::vector<Request> requests() const;
  std::size_t connections() const;

  // A whole, well-formed answer.
  static Reply Json(int status, const std::string& body);
  static Reply Raw(const std::string& bytes) { return {{bytes}, {}, false}; }
  static Reply Silence() { return {}; }
  static Reply HangUp() { return {{}, {}, true}; }

 private:
  void Accept();
  void Serve(int connection);
  bool Answer(int connection, const Request& request);
  bool IsStopped(int fd, std::chrono::milliseconds time) const;

  std::string path_;
  Script script_;
  int listener_ = -1;
  int stop_ = -1;  // eventfd
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::size_t connections_ = 0;
  std::vector<std::thread> servers_;
  std::thread acceptor_;
};

// Binds and listens; the caller closes. Throws std::system_error.
int ListenAt(const std::string& path, int backlog = 16);

}  // namespace sparekey
