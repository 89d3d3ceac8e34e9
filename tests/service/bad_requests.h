// SPDX-License-Identifier: Apache-2.0
// Requests that no server may take; each whole, so that nothing is left to wait for.
#pragma once

#include <string>
#include <vector>

namespace sparekey {

inline std::vector<std::string> BadRequests() {
  using std::string_literals::operator""s;
  const std::string host = "Host: a\r\n";
  const std::string post = "POST / HTTP/1.1\r\n" + host;
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  return {
      // request line
      "\r\n\r\n\r\n\r\n",
      "\0\0\0\0\r\n\r\n"s,
      "garbage\r\n\r\n",
      "GET\r\n\r\n",
      "GET /\r\n\r\n",
      "GET / HTTP/2.0\r\n\r\n",
      "GET / HTTP/1.2\r\n\r\n",
      "GET / HTTP/11\r\n\r\n",
      "GET / http/1.1\r\n\r\n",
      "GET  / HTTP/1.1\r\n" + host + "\r\n",
      " GET / HTTP/1.1\r\n" + host + "\r\n",
      "GET / HTTP/1.1 \r\n" + host + "\r\n",
      "G@T / HTTP/1.1\r\n" + host + "\r\n",
      "GET\t/ HTTP/1.1\r\n" + host + "\r\n",
      "GET /\x01 HTTP/1.1\r\n" + host + "\r\n",
      "GET /a\0b HTTP/1.1\r\n"s + host + "\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"s,
      // target
      "GET a HTTP/1.1\r\n" + host + "\r\n",
      "OPTIONS * HTTP/1.1\r\n" + host + "\r\n",
      "GET http://a/ HTTP/1.1\r\n" + host + "\r\n",
      "CONNECT a:80 HTTP/1.1\r\n" + host + "\r\n",
      "GET /% HTTP/1.1\r\n" + host + "\r\n",
      "GET /%4 HTTP/1.1\r\n" + host + "\r\n",
      "GET /%zz HTTP/1.1\r\n" + host + "\r\n",
      "GET /%00 HTTP/1.1\r\n" + host + "\r\n",
      "GET /%0a HTTP/1.1\r\n" + host + "\r\n",
      "GET /a%2fb HTTP/1.1\r\n" + host + "\r\n",
      "GET /%7F HTTP/1.1\r\n" + host + "\r\n",
      // fields
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + host + "\r\n",
      "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET / HTTP/1.1\r\n: a\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "A\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "A: \x01\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "A: a\0b\r\n\r\n"s,
      "GET / HTTP/1.1\r\n" + host + "A b: c\r\n\r\n",
      "GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n",
      // length
      post + "Content-Length: -1\r\n\r\n",
      post + "Content-Length: +1\r\n\r\na",
      post + "Content-Length: 1a\r\n\r\na",
      post + "Content-Length: 0x1\r\n\r\na",
      post + "Content-Length: 1, 2\r\n\r\nab",
      post + "Content-Length:\r\n\r\n",
      post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      post + "Content-Length: 99999999999999999999999999\r\n\r\n",
      post + "Content-Length: 65537\r\n\r\n",
      post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
      // chunks
      chunked + "zz\r\n",
      chunked + "-1\r\n\r\n",
      chunked + "1\r\nabc\r\n",
      chunked + "ffffffffffffffffff\r\n",
      chunked + "20000\r\n",
      chunked + "1 \x01\r\na\r\n0\r\n\r\n",
  };
}

}  // namespace sparekey
