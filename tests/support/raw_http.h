// SPDX-License-Identifier: Apache-2.0
// A client that sends any bytes to a Unix socket and reads HTTP answers; every wait is bounded.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace sparekey {

struct RawAnswer {
  int status = 0;  // 0: closed or no answer in time
  std::string head;
  std::string body;
};

class RawClient {
 public:
  RawClient() : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  explicit RawClient(const std::string& path) : RawClient() { Connect(path); }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), received_(std::move(other.received_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { Close(); }

  bool Connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void FinishSending() { shutdown(fd_, SHUT_WR); }

  // `has_body`: false where the request was HEAD.
  RawAnswer Read(int timeout_ms = 5000, bool has_body = true) {
    RawAnswer answer;
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill(timeout_ms)) return answer;
    }
    answer.head = received_.substr(0, end + 4);
    const std::size_t length = has_body ? Length(answer.head) : 0;
    while (received_.size() < end + 4 + length) {
      if (!Fill(timeout_ms)) return answer;
    }
    answer.body = received_.substr(end + 4, length);
    received_.erase(0, end + 4 + length);
    answer.status = std::atoi(answer.head.c_str() + 9);
    return answer;
  }
  // The server closes, perhaps after more bytes.
  bool IsClosed(int timeout_ms = 5000) {
    while (Fill(timeout_ms)) {
    }
    return is_closed_;
  }
  bool HasBytes() const {
    pollfd waiting{fd_, POLLIN, 0};
    return poll(&waiting, 1, 0) != 0;
  }
  RawAnswer Ask(std::string_view method, std::string_view target, std::string_view body = "") {
    Send(std::string(method) + " " + std::string(target) +
         " HTTP/1.1\r\nHost: sparekey\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body));
    return Read(5000, method != "HEAD");
  }

 private:
  static std::size_t Length(std::string_view head) {
    static constexpr std::string_view kField = "Content-Length: ";
    const std::size_t at = head.find(kField);
    if (at == std::string_view::npos) return 0;
    return static_cast<std::size_t>(std::atol(head.data() + at + kField.size()));
  }
  bool Fill(int timeout_ms) {
    pollfd waiting{fd_, POLLIN, 0};
    char bytes[16384];
    if (poll(&waiting, 1, timeout_ms) <= 0) return false;
    const ssize_t count = recv(fd_, bytes, sizeof bytes, 0);
    is_closed_ = count <= 0;
    if (count > 0) received_.append(bytes, static_cast<std::size_t>(count));
    return count > 0;
  }

  int fd_;
  std::string received_;
  bool is_closed_ = false;
};

}  // namespace sparekey
