// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over Unix sockets (Boost.Beast) behind a plain interface: one thread reads, answers and
// keeps time. Limits are the server's: 64 KiB bodies, 8 KiB headers, deadlines for slow senders,
// bounded connections for each socket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"
#include "core/secret.h"

namespace sparekey {

enum class SocketKind : std::uint8_t { kPam, kApi };

// The caller as the kernel knows it (SO_PEERCRED at connect).
struct Peer {
  SocketKind socket = SocketKind::kApi;
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  pid_t pid = 0;
  std::uint64_t connection = 0;  // differs for every connection of this process's life
};

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // decoded, without the query: "/v1/accounts/ada"
  std::string query;   // as sent, without '?'
  SecretBytes body;    // may hold codes
  Peer peer;
  // When it was read, or might have been: a peer's patience began no later.
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
};

struct HttpResponse {
  int status = 200;
  SecretBytes body;
  std::string_view content_type = "application/json";  // a literal
  // A question. On pam.sock, where a conversation has a connection of its own, every other answer
  // is the last one, and the connection ends with it.
  bool expects_more = false;
  std::string allow = {};  // with 405: the route's methods, "GET, POST" (RFC 9110 section 10.2.1)

  HttpResponse Clone() const { return {status, body.Clone(), content_type, expects_more, allow}; }
};

// May be called later, from the server's thread, exactly once.
using Respond = std::function<void(HttpResponse response)>;

struct HttpLimits {
  std::size_t body_bytes = 64 * 1024;
  std::size_t header_bytes = 8 * 1024;
  std::size_t connections = 1024;                  // a socket kind
  std::size_t connections_per_uid = 256;           // api socket, uids other than root
  std::chrono::milliseconds request_time{10'000};  // from first byte to last
  std::chrono::milliseconds idle_time{60'000};     // between requests
};

class HttpServer {
 public:
  // `handle` runs on the server's thread and must not block.
  using Handle = std::function<void(HttpRequest request, Respond respond)>;
  HttpServer(HttpLimits limits, Handle handle);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Takes over a listening Unix stream socket.
  void Listen(int fd, SocketKind kind);
  // Runs until Stop; requests that wait for their answer are answered first (at most `grace`).
  void Run();
  void Stop(std::chrono::milliseconds grace = std::chrono::milliseconds(3000));  // any thread

  // Before Run: `task` runs on the server's thread each time before it waits, and after at most
  // 256 tasks in a row. True: not to be waited, but to be called again after what has come already.
  void BeforeWaiting(std::function<bool()> task);

  // Any thread: run on the server's thread.
  void Post(std::function<void()> task);
  // The server's thread: run later on it.
  void After(std::chrono::milliseconds delay, std::function<void()> task);
  // Calls `handler` on the server's thread for each of these signals.
  void OnSignals(std::initializer_list<int> signals, std::function<void(int signal)> handler);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// RFC 9457: application/problem+json with title, status and detail.
HttpResponse Problem(int status, std::string_view title, std::string_view detail);
HttpResponse Problem(const Error& error);
std::string_view ProblemCode(ErrorCode code);  // its member "code": not_found, busy, ...

}  // namespace sparekey
