// SPDX-License-Identifier: Apache-2.0
// A scripted API server on a Unix socket: says what a test tells it to say and keeps what it was
// asked.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sparekey::testing {

class FakeApi {
 public:
  struct Request {
    std::string method, target, body;
  };

  explicit FakeApi(const std::string& socket_path);
  ~FakeApi();
  FakeApi(const FakeApi&) = delete;
  FakeApi& operator=(const FakeApi&) = delete;

  // One more answer to a request such as "GET /v1/status"; the last one is given again and again.
  // A request without any is answered with 404.
  void Answer(const std::string& request, int status, const std::string& body);
  // In the place of one more answer: the connection is closed.
  void HangUp(const std::string& request);
  // From now on requests are read and never answered.
  void FallSilent();
  std::vector<Request> Requests();

 private:
  struct Scripted {
    int status = 0;  // 0: closed without an answer
    std::string body;
  };
  void Accept();
  void Serve(int fd);
  // nullopt: the connection is to be closed.
  std::optional<std::string> Reply(const Request& request);

  std::string path_;
  int listener_ = -1;
  std::mutex mutex_;
  std::map<std::string, std::deque<Scripted>> script_;
  std::vector<Request> requests_;
  bool silent_ = false;
  bool stopping_ = false;
  std::vector<int> connections_;
  std::vector<std::thread> servers_;
  std::thread acceptor_;
};

}  // namespace sparekey::testing
