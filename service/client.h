// SPDX-License-Identifier: Apache-2.0
// The terminal's side of the API: HTTP/1.1 over a Unix socket, one connection kept for the life of
// the object. libc only, since the PAM module uses it: no thread, no signal (MSG_NOSIGNAL),
// descriptors CLOEXEC, every wait bounded.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/secret.h"

namespace sparekey {

struct ApiReply {
  int status = 0;
  SecretBytes body;  // at most 4 MiB
};

class ApiClient {
 public:
  // `check_owner`: send nothing to a process (SO_PEERCRED) that is neither root's nor this
  // process's own user's, whosever the socket's file is.
  explicit ApiClient(std::string socket_path, bool check_owner = true);
  ~ApiClient();
  ApiClient(ApiClient&& other) noexcept;
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  // Connects where needed. kUnavailable: no socket, refused, closed, garbled, or past the deadline.
  // Never sends a request twice.
  Result<ApiReply> Call(std::string_view method, std::string_view target, std::string_view body,
                        std::chrono::milliseconds deadline);

 private:
  void Close();
  std::string path_;
  bool check_owner_;
  int fd_ = -1;
};

}  // namespace sparekey
