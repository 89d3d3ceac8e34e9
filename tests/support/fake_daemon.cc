// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_daemon.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace sparekey {
namespace {

[[noreturn]] void Throw(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// The first whole request of `text`, which it takes away.
std::optional<FakeDaemon::Request> TakeRequest(std::string& text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  const auto mark = text.find("Content-Length: ");
  const std::size_t length = mark < end ? std::stoul(text.substr(mark + 16)) : 0;
  if (text.size() < end + 4 + length) return std::nullopt;
  const auto first = text.find(' ');
  const auto second = text.find(' ', first + 1);
  FakeDaemon::Request request{text.substr(0, first), text.substr(first + 1, second - first - 1),
                              text.substr(end + 4, length)};
  text.erase(0, end + 4 + length);
  return request;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = "/tmp/sparekey-test-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) Throw("mkdtemp");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

int ListenAt(const std::string& path, int backlog) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, backlog) != 0) {
    Throw("listen");
  }
  return fd;
}

FakeDaemon::FakeDaemon(std::string path, Script script)
    : path_(std::move(path)),
      script_(std::move(script)),
      listener_(ListenAt(path_)),
      stop_(eventfd(0, EFD_CLOEXEC)),
      acceptor_([this] { Accept(); }) {}

FakeDaemon::~FakeDaemon() {
  eventfd_write(stop_, 1);
  acceptor_.join();
  for (auto& server : servers_) server.join();
  close(listener_);
  close(stop_);
  unlink(path_.c_str());
}

std::vector<FakeDaemon::Request> FakeDaemon::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t FakeDaemon::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

FakeDaemon::Reply FakeDaemon::Json(int status, const std::string& body) {
  return Raw("HTTP/1.1 " + std::to_string(status) + " X\r\nServer: sparekeyd\r\n" +
             "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body);
}

// Waits until `fd` is readable (where it is not -1), the time is over, or the daemon ends.
bool FakeDaemon::IsStopped(int fd, std::chrono::milliseconds time) const {
  std::array<pollfd, 2> waits{pollfd{stop_, POLLIN, 0}, pollfd{fd, POLLIN, 0}};
  poll(waits.data(), fd < 0 ? 1 : 2, static_cast<int>(time.count()));
  return waits[0].revents != 0;
}

void FakeDaemon::Accept() {
  while (!IsStopped(listener_, std::chrono::milliseconds(-1))) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    const std::lock_guard lock(mutex_);
    ++connections_;
    servers_.emplace_back([this, connection] { Serve(connection); });
  }
}

bool FakeDaemon::Answer(int connection, const Request& request) {
  Reply reply;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    reply = script_(request);
  }
  for (const auto& piece : reply.pieces) {
    if (reply.pause.count() > 0 && IsStopped(-1, reply.pause)) return false;
    if (send(connection, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) return false;
  }
  return !reply.close;
}

void FakeDaemon::Serve(int connection) {
  std::string text;
  std::array<char, 4096> part;
  while (!IsStopped(connection, std::chrono::milliseconds(-1))) {
    const ssize_t got = recv(connection, part.data(), part.size(), 0);
    if (got <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
    bool goes_on = true;
    while (goes_on) {
      const auto request = TakeRequest(text);
      if (!request) break;
      goes_on = Answer(connection, *request);
    }
    if (!goes_on) break;
  }
  close(connection);
}

}  // namespace sparekey
