// SPDX-License-Identifier: Apache-2.0
// Bytes of one connection into HTTP/1.1 requests (Boost.Beast's parser): no socket, no clock. What
// it holds is wiped when a request has been taken.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "core/secret.h"

namespace sparekey {

class HttpReader {
 public:
  struct Request {
    std::string method;
    std::string path;   // decoded; '/' and control characters are never the result of decoding
    std::string query;  // as sent
    SecretBytes body;
    bool is_head = false;
    bool keep_alive = true;
    bool is_http_1_0 = false;
  };
  // Answered with `status`, then the connection is closed: where the next request would begin is
  // unknown.
  struct Refusal {
    int status = 400;
    std::string detail;
  };
  enum class State { kNeedMore, kRequest, kRefused };

  HttpReader(std::size_t header_bytes, std::size_t body_bytes);
  ~HttpReader();
  HttpReader(const HttpReader&) = delete;
  HttpReader& operator=(const HttpReader&) = delete;

  // Room for the next bytes; Commit says how many of it were filled.
  std::span<char> Prepare();
  void Commit(std::size_t bytes);

  State Parse();
  Request Take();                  // after kRequest
  const Refusal& refusal() const;  // after kRefused
  bool HasBytes() const;           // of a request that is not taken yet

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace sparekey
