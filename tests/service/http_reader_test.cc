// SPDX-License-Identifier: Apache-2.0
#include "service/http_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/service/bad_requests.h"

namespace sparekey {
namespace {

constexpr std::size_t kHeaderBytes = 8 * 1024;
constexpr std::size_t kBodyBytes = 64 * 1024;
using State = HttpReader::State;

// Feeds in pieces of `piece` bytes until the reader has decided.
State Feed(HttpReader& reader, std::string_view bytes, std::size_t piece = 100'000) {
  State state = reader.Parse();
  while (state == State::kNeedMore && !bytes.empty()) {
    const auto room = reader.Prepare();
    const std::size_t count = std::min({piece, room.size(), bytes.size()});
    bytes.copy(room.data(), count);
    reader.Commit(count);
    bytes.remove_prefix(count);
    state = reader.Parse();
  }
  return state;
}

std::string Get(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

TEST(HttpReader, ReadsMethodPathQueryAndBody) {
  HttpReader reader(kHeaderBytes, kBodyBytes);
  ASSERT_EQ(
      Feed(reader, "PUT /v1/ssh-gate?a=b%20c&d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"),
      State::kRequest);
  const auto request = reader.Take();
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.path, "/v1/ssh-gate");
  EXPECT_EQ(request.query, "a=b%20c&d");
  EXPECT_EQ(request.body.ExposeText(), "{}");
  EXPECT_TRUE(request.keep_alive);
  EXPECT_FALSE(reader.HasBytes());
}

TEST(HttpReader, ReadsTheSameByteByByte) {
  HttpReader reader(kHeaderBytes, kBodyBytes);
  const std::string body(5000, 'x');
  const std::string bytes =
      "POST /v1/logins HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n" + body;
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(Feed(reader, bytes, 1), State::kRequest);
    EXPECT_EQ(reader.Take().body.ExposeText(), body);
  }
}

TEST(HttpReader, ReadsChunkedBodies) {
  HttpReader reader(kHeaderBytes, kBodyBytes);
  const std::string bytes =
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: b\r\n\r\n";
  for (const std::size_t piece : {1U, 7U, 10'000U}) {
    ASSERT_EQ(Feed(reader, bytes, piece), State::kRequest);
    EXPECT_EQ(reader.Take().body.ExposeText(), "abcde");
  }
}

TEST(HttpReader, ReadsAnEmptyChunkedBodyInPieces) {
  const std::string bytes =
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (const std::size_t piece : {1U, 2U, 3U, 4U, 10'000U}) {
    HttpReader reader(kHeaderBytes, kBodyBytes);
    ASSERT_EQ(Feed(reader, bytes, piece), State::kRequest);
    EXPECT_EQ(reader.Take().body.size(), 0U);
  }
}

TEST(HttpReader, LeavesTheNextRequestInPlace) {
  HttpReader reader(kHeaderBytes, kBodyBytes);
  ASSERT_EQ(Feed(reader, Get("/1") + Get("/2") + Get("/3")), State::kRequest);
  EXPECT_EQ(reader.Take().path, "/1");
  ASSERT_EQ(reader.Parse(), State::kRequest);
  EXPECT_EQ(reader.Take().path, "/2");
  EXPECT_TRUE(reader.HasBytes());
  ASSERT_EQ(reader.Parse(), State::kRequest);
  EXPECT_EQ(reader.Take().path, "/3");
  EXPECT_EQ(reader.Parse(), State::kNeedMore);
}

TEST(HttpReader, DecodesPathsOnce) {
  const std::pair<const char*, const char*> paths[] = {
      {"/", "/"},
      {"/v1/accounts/ada", "/v1/accounts/ada"},
      {"/v1/accounts/%61d%61", "/v1/accounts/ada"},
      {"/a%20b", "/a b"},
      {"/a+b", "/a+b"},
      {"/%2561", "/%61"},
      {"/%C3%A4", "/\xc3\xa4"},
      {"/a%3Fb?c", "/a?b"},
      {"/../x", "/../x"},
  };
  for (const auto& [target, path] : paths) {
    HttpReader reader(kHeaderBytes, kBodyBytes);
    ASSERT_EQ(Feed(reader, Get(target)), State::kRequest) << target;
    EXPECT_EQ(reader.Take().path, path) << target;
  }
}

TEST(HttpReader, TakesABodyOfTheLimitAndRefusesOneByteMore) {
  for (const bool is_chunked : {false, true}) {
    for (const std::size_t size : {kBodyBytes, kBodyBytes + 1}) {
      HttpReader reader(kHeaderBytes, kBodyBytes);
      std::string bytes = "POST /a HTTP/1.1\r\nHost: a\r\n";
      const std::string body(size, 'x');
      char chunk[32];
      std::snprintf(chunk, sizeof chunk, "%zx\r\n", size);
      bytes += is_chunked ? "Transfer-Encoding: chunked\r\n\r\n" + (chunk + body) + "\r\n0\r\n\r\n"
                          : "Content-Length: " + std::to_string(size) + "\r\n\r\n" + body;
      const State state = Feed(reader, bytes, 4096);
      if (size == kBodyBytes) {
        ASSERT_EQ(state, State::kRequest);
        EXPECT_EQ(reader.Take().body.size(), size);
      } else {
        ASSERT_EQ(state, State::kRefused);
        EXPECT_EQ(reader.refusal().status, 413);
      }
    }
  }
}

TEST(HttpReader, RefusesHeadersBeyondTheLimit) {
  const std::string begin = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::string texts[] = {
      begin + "A: " + std::string(kHeaderBytes, 'x') + "\r\n\r\n",
      begin + "A: " + std::string(200 * 1024, 'x'),
      "GET /" + std::string(kHeaderBytes, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n",
      begin +
          [] {
            std::string fields;
            for (int i = 0; i < 2000; ++i) fields += "A: b\r\n";
            return fields;
          }() +
          "\r\n",
  };
  for (const std::string& text : texts) {
    for (const std::size_t piece : {100U, 100'000U}) {
      HttpReader reader(kHeaderBytes, kBodyBytes);
      ASSERT_EQ(Feed(reader, text, piece), State::kRefused) << text.substr(0, 60);
      EXPECT_EQ(reader.refusal().status, 431) << text.substr(0, 60);
    }
  }
}

TEST(HttpReader, RefusesEndlessChunkExtensionsAndTrailers) {
  const std::string begin = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string endless(1024 * 1024, 'x');
  for (const std::string& text : {begin + "1;" + endless, begin + "0\r\nA: " + endless}) {
    HttpReader reader(kHeaderBytes, kBodyBytes);
    EXPECT_EQ(Feed(reader, text, 4096), State::kRefused);
  }
}

TEST(HttpReader, RefusesEveryBadRequestWholeAndByteByByte) {
  for (const std::string& request : BadRequests()) {
    for (const std::size_t piece : {1U, 100'000U}) {
      HttpReader reader(kHeaderBytes, kBodyBytes);
      EXPECT_EQ(Feed(reader, request, piece), State::kRefused) << request;
    }
  }
}

TEST(HttpReader, TellsWhoKeepsTheConnection) {
  const std::pair<const char*, bool> requests[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
  };
  for (const auto& [bytes, keep_alive] : requests) {
    HttpReader reader(kHeaderBytes, kBodyBytes);
    ASSERT_EQ(Feed(reader, bytes), State::kRequest) << bytes;
    EXPECT_EQ(reader.Take().keep_alive, keep_alive) << bytes;
  }
}

}  // namespace
}  // namespace sparekey
