// SPDX-License-Identifier: Apache-2.0
#include "service/client.h"

#include <fcntl.h>  // AT_FDCWD
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>  // also strerrordesc_np
#include <optional>
#include <utility>

#include "core/unique_fd.h"

namespace sparekey {
namespace {

using Milliseconds = std::chrono::milliseconds;
using std::string_view_literals::operator""sv;  // for words whose length is known

constexpr std::size_t kUsualHead = 512, kMaxHead = 16 * 1024;
constexpr std::size_t kMaxBody = 4 * 1024 * 1024;

class Deadline {
 public:
  explicit Deadline(Milliseconds time) : end_(std::chrono::steady_clock::now() + time) {}
  Milliseconds Left() const {
    const auto left = std::chrono::ceil<Milliseconds>(end_ - std::chrono::steady_clock::now());
    return std::max(left, Milliseconds(0));
  }

 private:
  std::chrono::steady_clock::time_point end_;
};

Error Unavailable(std::string message) { return {ErrorCode::kUnavailable, std::move(message)}; }

Error UnavailableErrno(const std::string& what, int error) {
  // strerrordesc_np: no locale, no static buffer.
  const char* const text = strerrordesc_np(error);
  return Unavailable(what + ": " + (text != nullptr ? text : "unknown error"));
}

Error Late() { return Unavailable("sparekeyd does not answer in time"); }
Error Garbled() { return Unavailable("sparekeyd's answer is not understood"); }

// For one of poll(2)'s events; true also where the connection ended. False when the deadline has
// passed.
bool WaitFor(int fd, short event, const Deadline& deadline) {
  for (;;) {
    pollfd wait{fd, event, 0};
    const auto left = deadline.Left();
    if (left.count() == 0) return false;
    const int ready = poll(&wait, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// ---- connecting

bool IsTrusted(uid_t uid) { return uid == 0 || uid == geteuid(); }

// What is wrong with the file, in words for an administrator.
Status CheckSocketFile(const std::string& path) {
  struct stat file {};
  if (fstatat(AT_FDCWD, path.c_str(), &file, 0) != 0) {
    return UnavailableErrno("no sparekeyd at " + path, errno);
  }
  if (!S_ISSOCK(file.st_mode)) return Unavailable(path + " is not a socket");
  if (!IsTrusted(file.st_uid)) return Unavailable(path + " belongs to another user");
  return Ok();
}

// The kernel's word on who listens there: a socket that was put in the place of sparekeyd's.
bool IsPeerTrusted(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && IsTrusted(peer.uid);
}

// Never 0 to 2: a caller without standard files must not write its messages into the connection.
UniqueFd OpenSocket() {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 || fd.get() > 2) return fd;
  return OpenSocket();  // while this one takes the low number
}

// 0 or an error number; EAGAIN when the deadline has passed. A full backlog makes a blocking
// connect(2) wait for SO_SNDTIMEO, and a non-blocking one fail.
int ConnectWithin(int fd, const sockaddr_un& address, const Deadline& deadline) {
  for (;;) {
    const auto left = deadline.Left();
    const timeval limit{left.count() / 1000, (left.count() % 1000) * 1000};  // 0: for ever
    if (left.count() == 0) return EAGAIN;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0) return errno;
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

Result<UniqueFd> Connect(const std::string& path, bool check_owner, const Deadline& deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return Unavailable("the socket's path is empty or too long");
  }
  path.copy(address.sun_path, path.size());
  UniqueFd fd = OpenSocket();
  if (!fd) return UnavailableErrno("cannot make a socket", errno);
  const int error = ConnectWithin(fd.get(), address, deadline);
  if (error == EAGAIN) return Late();
  if (error == 0 && (!check_owner || IsPeerTrusted(fd.get()))) return fd;
  if (check_owner) {
    if (auto file = CheckSocketFile(path); !file) return file.error();
  }
  if (error == 0) return Unavailable("the process behind the socket is another user's");
  return UnavailableErrno("no sparekeyd at " + path, error);
}

// An idle connection with something to read was ended, or holds what nobody asked for.
bool IsStale(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return poll(&wait, 1, 0) != 0;
}

// ---- sending

Status SendAll(int fd, std::string_view head, std::string_view body, const Deadline& deadline) {
  while (!head.empty() || !body.empty()) {
    std::array<iovec, 2> parts{iovec{const_cast<char*>(head.data()), head.size()},
                               iovec{const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    // A send that waits would wait anew for each of the kernel's buffers.
    const ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    // A server that refuses a request early answers and closes: its answer is still to be read.
    if (sent < 0 && errno == EPIPE) return Ok();
    if (sent < 0 && errno != EINTR && errno != EAGAIN) {
      return UnavailableErrno("sparekeyd closed the connection", errno);
    }
    if (sent < 0 && !WaitFor(fd, POLLOUT, deadline)) return Late();
    const auto count = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    const auto of_head = std::min(count, head.size());
    head.remove_prefix(of_head);
    body.remove_prefix(count - of_head);
  }
  return Ok();
}

std::string MakeHead(std::string_view method, std::string_view target, std::size_t body_size) {
  static constexpr std::string_view kFields =
      " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ";
  std::string head;
  head.reserve(method.size() + target.size() + kFields.size() + 32);
  head.append(method).append(1, ' ').append(target).append(kFields);
  return head.append(std::to_string(body_size)).append("\r\n\r\n"sv);
}

// ---- receiving

// Up to `space.size()` bytes; 0 at the end of the stream. Waits in poll(2): Linux wakes one who
// waits in recv(2) also when the peer has taken what was sent, for nothing.
Result<std::size_t> ReceiveSome(int fd, std::span<std::uint8_t> space, const Deadline& deadline) {
  for (;;) {
    if (!WaitFor(fd, POLLIN, deadline)) return Late();
    const ssize_t got = recv(fd, space.data(), space.size(), MSG_DONTWAIT);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR && errno != EAGAIN) {
      return UnavailableErrno("sparekeyd closed the connection", errno);
    }
  }
}

struct Head {
  int status = 0;
  std::optional<std::size_t> length;
  bool ends_connection = false;
};

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::size_t> ParseLength(std::string_view value) {
  if (value.empty() || value.size() > 7 || !std::ranges::all_of(value, IsDigit)) {
    return std::nullopt;
  }
  std::size_t length = 0;
  for (const char digit : value) length = length * 10 + static_cast<std::size_t>(digit - '0');
  if (length > kMaxBody) return std::nullopt;
  return length;
}

// RFC 9112 section 4; final statuses only.
bool ParseStatusLine(std::string_view line, Head& head) {
  static constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!line.starts_with(kVersion)) return false;
  line.remove_prefix(kVersion.size());
  if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, IsDigit)) return false;
  if (line.size() > 3 && line[3] != ' ') return false;
  head.status = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  return head.status >= 200 && head.status <= 599;
}

// RFC 9112 section 5, without line folding. A body's size is told by Content-Length alone.
bool ParseField(std::string_view line, Head& head) {
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  const auto name = line.substr(0, colon);
  if (std::ranges::any_of(name, IsBlank)) return false;
  auto value = line.substr(colon + 1);
  while (!value.empty() && IsBlank(value.front())) value.remove_prefix(1);
  while (!value.empty() && IsBlank(value.back())) value.remove_suffix(1);
  if (EqualsIgnoringCase(name, "Transfer-Encoding"sv)) return false;
  if (EqualsIgnoringCase(name, "Connection"sv) && EqualsIgnoringCase(value, "close"sv)) {
    head.ends_connection = true;
  }
  if (!EqualsIgnoringCase(name, "Content-Length"sv)) return true;
  if (head.length) return false;
  head.length = ParseLength(value);
  return head.length.has_value();
}

// `text`: everything before the empty line.
std::optional<Head> ParseHead(std::string_view text) {
  Head head;
  bool first = true;
  while (!text.empty()) {
    const auto end = text.find("\r\n"sv);
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    const bool controls = std::ranges::any_of(
        line, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f'; });
    if (controls || !(first ? ParseStatusLine(line, head) : ParseField(line, head))) {
      return std::nullopt;
    }
    first = false;
  }
  if (first) return std::nullopt;
  const bool has_no_body = head.status == 204 || head.status == 304;
  if (has_no_body ? head.length.value_or(0) != 0 : !head.length) return std::nullopt;
  return head;
}

struct Received {
  ApiReply reply;
  bool ends_connection = false;
};

Result<Received> ReceiveBody(int fd, const Head& head, std::span<const std::uint8_t> early,
                             const Deadline& deadline) {
  const std::size_t length = head.length.value_or(0);
  if (early.size() > length) return Garbled();
  SecretBytes body(length);
  if (!early.empty()) std::memcpy(body.Expose().data(), early.data(), early.size());
  std::size_t have = early.size();
  while (have < length) {
    auto got = ReceiveSome(fd, body.Expose().subspan(have), deadline);
    if (!got) return got.error();
    if (*got == 0) return Unavailable("sparekeyd closed the connection");
    have += *got;
  }
  return Received{{head.status, std::move(body)}, head.ends_connection};
}

Result<Received> Receive(int fd, const Deadline& deadline) {
  SecretBytes buffer(kUsualHead);
  std::size_t have = 0;
  for (;;) {
    if (have == kMaxHead) return Garbled();
    if (have == buffer.size()) {
      SecretBytes larger(kMaxHead);
      std::ranges::copy(buffer.Expose(), larger.Expose().begin());
      buffer = std::move(larger);
    }
    auto got = ReceiveSome(fd, buffer.Expose().subspan(have), deadline);
    if (!got) return got.error();
    if (*got == 0) return Unavailable("sparekeyd closed the connection");
    have += *got;
    const auto text = buffer.ExposeText().substr(0, have);
    const auto end = text.find("\r\n\r\n"sv);
    if (end == std::string_view::npos) continue;
    const auto head = ParseHead(text.substr(0, end));
    if (!head) return Garbled();
    return ReceiveBody(fd, *head, buffer.Expose().first(have).subspan(end + 4), deadline);
  }
}

bool IsMethod(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool IsTarget(std::string_view text) {
  return text.starts_with('/') && text.size() <= 4096 &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

ApiClient::ApiClient(std::string socket_path, bool check_owner)
    : path_(std::move(socket_path)), check_owner_(check_owner) {}

ApiClient::~ApiClient() { Close(); }

ApiClient::ApiClient(ApiClient&& other) noexcept
    : path_(std::move(other.path_)),
      check_owner_(other.check_owner_),
      fd_(std::exchange(other.fd_, -1)) {}

void ApiClient::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Result<ApiReply> ApiClient::Call(std::string_view method, std::string_view target,
                                 std::string_view body, Milliseconds deadline) {
  if (!IsMethod(method) || !IsTarget(target)) return Invalid("not a method and a target of HTTP");
  const Deadline until(deadline);
  if (fd_ >= 0 && IsStale(fd_)) Close();
  if (fd_ < 0) {
    auto connected = Connect(path_, check_owner_, until);
    if (!connected) return connected.error();
    fd_ = connected->Release();
  }
  const Status sent = SendAll(fd_, MakeHead(method, target, body.size()), body, until);
  auto received = sent ? Receive(fd_, until) : Result<Received>(sent.error());
  if (!received || received->ends_connection) Close();
  if (!received) return received.error();
  return std::move(received->reply);
}

}  // namespace sparekey
