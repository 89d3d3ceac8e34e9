// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_api.h"

#include <gtest/gtest.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace sparekey::testing {
namespace {

// The length that the head announces; 0 without one.
std::size_t ContentLength(const std::string& head) {
  constexpr char kName[] = "\r\ncontent-length:";
  std::string lower = head;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::size_t at = lower.find(kName);
  return at == std::string::npos ? 0 : std::stoul(lower.substr(at + std::strlen(kName)));
}

bool Receive(int fd, std::string& buffer) {
  char bytes[4096];
  const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
  if (got <= 0) return false;
  buffer.append(bytes, static_cast<std::size_t>(got));
  return true;
}

// Takes one whole request from the front of the buffer.
bool ReadRequest(int fd, std::string& buffer, FakeApi::Request& request) {
  std::size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!Receive(fd, buffer)) return false;
  }
  const std::string head = buffer.substr(0, end + 2);
  const std::size_t whole = end + 4 + ContentLength(head);
  while (buffer.size() < whole) {
    if (!Receive(fd, buffer)) return false;
  }
  const std::size_t first = head.find(' ');
  const std::size_t second = head.find(' ', first + 1);
  request = {head.substr(0, first), head.substr(first + 1, second - first - 1),
             buffer.substr(end + 4, whole - end - 4)};
  buffer.erase(0, whole);
  return true;
}

}  // namespace

FakeApi::FakeApi(const std::string& socket_path) : path_(socket_path) {
  listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(listener_, 16), 0);
  acceptor_ = std::thread([this] { Accept(); });
}

FakeApi::~FakeApi() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    for (const int fd : connections_) shutdown(fd, SHUT_RDWR);
  }
  acceptor_.join();
  for (std::thread& server : servers_) server.join();
  for (const int fd : connections_) close(fd);
  close(listener_);
  unlink(path_.c_str());
}

void FakeApi::Answer(const std::string& request, int status, const std::string& body) {
  const std::lock_guard lock(mutex_);
  script_[request].push_back({status, body});
}

void FakeApi::HangUp(const std::string& request) { Answer(request, 0, ""); }

void FakeApi::FallSilent() {
  const std::lock_guard lock(mutex_);
  silent_ = true;
}

std::vector<FakeApi::Request> FakeApi::Requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FakeApi::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (stopping_ || fd < 0) {
      if (fd >= 0) close(fd);
      return;
    }
    connections_.push_back(fd);
    servers_.emplace_back([this, fd] { Serve(fd); });
  }
}

void FakeApi::Serve(int fd) {
  std::string buffer;
  Request request;
  while (ReadRequest(fd, buffer, request)) {
    const auto reply = Reply(request);
    if (!reply) break;
    if (reply->empty()) continue;
    if (send(fd, reply->data(), reply->size(), MSG_NOSIGNAL) < 0) break;
  }
  shutdown(fd, SHUT_RDWR);
}

std::optional<std::string> FakeApi::Reply(const Request& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  if (silent_) return "";
  Scripted answer{404, R"({"code":"not_found","detail":"not in the script"})"};
  const auto found = script_.find(request.method + ' ' + request.target);
  if (found != script_.end()) {
    answer = found->second.front();
    if (found->second.size() > 1) found->second.pop_front();
  }
  if (answer.status == 0) return std::nullopt;
  const std::string type = answer.status < 400 ? "application/json" : "application/problem+json";
  const std::string head =
      "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\nContent-Type: " + type + "\r\n";
  if (answer.status == 204) return head + "\r\n";
  return head + "Content-Length: " + std::to_string(answer.body.size()) + "\r\n\r\n" + answer.body;
}

}  // namespace sparekey::testing
