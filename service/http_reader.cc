// SPDX-License-Identifier: Apache-2.0
// Beast asserts 5 bytes where a last chunk comes in pieces ("0\r\n", then "\r"): no error, and
// nothing that a sender may end sparekeyd with.
#define BOOST_DISABLE_ASSERTS
#include "service/http_reader.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <optional>
#include <string_view>
#include <utility>

namespace sparekey {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// Codes and session identifiers pass through these buffers.
template <typename T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <typename U>
  WipingAllocator(const WipingAllocator<U>&) {}  // NOLINT: rebinding is implicit
  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* pointer, std::size_t count) {
    Wipe(std::span(reinterpret_cast<char*>(pointer), count * sizeof(T)));
    std::allocator<T>().deallocate(pointer, count);
  }
  template <typename U>
  bool operator==(const WipingAllocator<U>&) const {
    return true;
  }
};

using Buffer = beast::basic_flat_buffer<WipingAllocator<char>>;
using Body = http::vector_body<std::uint8_t, WipingAllocator<std::uint8_t>>;
using BeastParser = http::request_parser<Body, WipingAllocator<char>>;

// An idle connection keeps this much, a busy one reads in larger pieces.
constexpr std::size_t kIdleBytes = 1024;
constexpr std::size_t kReadBytes = 16 * 1024;

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 section 2.1. An encoded '/' is refused, since routes are split after decoding.
std::optional<std::string> DecodePath(std::string_view encoded) {
  std::string path;
  path.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    const bool is_encoded = c == '%';
    if (is_encoded) {
      const int high = i + 2 < encoded.size() ? HexDigit(encoded[i + 1]) : -1;
      const int low = high >= 0 ? HexDigit(encoded[i + 2]) : -1;
      if (low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    if (is_encoded && c == '/') return std::nullopt;
    path.push_back(c);
  }
  return path;
}

HttpReader::Refusal ToRefusal(beast::error_code error) {
  if (error == http::error::body_limit) return {413, "The body is too large"};
  if (error == http::error::header_limit) return {431, "The header is too large"};
  return {400, "Not an HTTP/1.1 request: " + error.message()};
}

}  // namespace

struct HttpReader::Parser {
  Parser(std::size_t header_limit, std::size_t body_limit)
      : header_bytes(header_limit), body_bytes(body_limit) {}

  void Begin() {
    beast_parser.emplace();
    beast_parser->eager(true);
    beast_parser->header_limit(static_cast<std::uint32_t>(header_bytes));
    beast_parser->body_limit(body_bytes);
  }

  State Refuse(Refusal reason) {
    refusal = std::move(reason);
    return State::kRefused;
  }

  // What was consumed stays in the buffer's memory until it is overwritten here.
  void WipeConsumed() {
    beast_parser.reset();
    if (buffer.size() != 0 || buffer.capacity() > kIdleBytes) {
      buffer.shrink_to_fit();
    } else if (buffer.capacity() != 0) {
      const auto all = buffer.prepare(buffer.capacity());
      Wipe(std::span(static_cast<char*>(all.data()), all.size()));
    }
  }

  std::size_t header_bytes;
  std::size_t body_bytes;
  Buffer buffer;
  std::optional<BeastParser> beast_parser;
  Refusal refusal;
};

HttpReader::HttpReader(std::size_t header_bytes, std::size_t body_bytes)
    : parser_(std::make_unique<Parser>(header_bytes, body_bytes)) {}
HttpReader::~HttpReader() = default;

std::span<char> HttpReader::Prepare() {
  Buffer& buffer = parser_->buffer;
  const std::size_t wanted = HasBytes() ? kReadBytes : kIdleBytes;
  const auto room = buffer.prepare(wanted);
  return {static_cast<char*>(room.data()), room.size()};
}

void HttpReader::Commit(std::size_t bytes) { parser_->buffer.commit(bytes); }

bool HttpReader::HasBytes() const {
  return parser_->beast_parser.has_value() || parser_->buffer.size() != 0;
}

const HttpReader::Refusal& HttpReader::refusal() const { return parser_->refusal; }

HttpReader::State HttpReader::Parse() {
  Parser& parser = *parser_;
  if (parser.buffer.size() == 0) return State::kNeedMore;
  if (!parser.beast_parser) parser.Begin();
  while (!parser.beast_parser->is_done()) {
    beast::error_code error;
    const std::size_t used = parser.beast_parser->put(parser.buffer.data(), error);
    parser.buffer.consume(used);
    if (error && error != http::error::need_more) return parser.Refuse(ToRefusal(error));
    if (parser.beast_parser->is_done()) break;
    if (parser.buffer.size() >= parser.header_bytes + kReadBytes) {
      return parser.Refuse({431, "A header, chunk header or trailer is too large"});
    }
    if (error || used == 0 || parser.buffer.size() == 0) return State::kNeedMore;
  }
  const auto& message = parser.beast_parser->get();
  // RFC 9112 section 3.2.
  if (message.version() == 11 && message.count(http::field::host) != 1) {
    return parser.Refuse({400, "HTTP/1.1 needs one Host field"});
  }
  if (message.target().empty() || message.target().front() != '/') {
    return parser.Refuse({400, "The target must begin with '/'"});
  }
  if (!DecodePath(View(message.target().substr(0, message.target().find('?'))))) {
    return parser.Refuse({400, "The path is not percent-encoded text"});
  }
  return State::kRequest;
}

HttpReader::Request HttpReader::Take() {
  const auto& message = parser_->beast_parser->get();
  const std::string_view target = View(message.target());
  const std::size_t mark = target.find('?');
  Request request;
  request.method = View(message.method_string());
  request.path = *DecodePath(target.substr(0, mark));
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  request.body = SecretBytes(std::span<const std::uint8_t>(message.body()));
  request.is_head = message.method() == http::verb::head;
  request.keep_alive = message.keep_alive();
  request.is_http_1_0 = message.version() == 10;
  parser_->WipeConsumed();
  return request;
}

}  // namespace sparekey
