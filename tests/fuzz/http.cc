// SPDX-License-Identifier: Apache-2.0
// Bytes of one connection, from the parser to the answer. The first byte says on which socket, who
// sends, and in which pieces they come; how they are cut must change nothing.
#include "service/http_reader.h"
#include "tests/fuzz/fuzzed_service.h"

namespace {

using sparekey::HttpReader;
using sparekey::testing::Require;

struct Stream {
  std::vector<HttpReader::Request> requests;
  bool refused = false;
};

Stream Read(std::string_view bytes, std::size_t piece) {
  HttpReader reader(8 * 1024, 64 * 1024);
  Stream stream;
  while (stream.requests.size() < 8) {
    const auto state = reader.Parse();
    stream.refused = state == HttpReader::State::kRefused;
    if (state == HttpReader::State::kRequest) {
      stream.requests.push_back(reader.Take());
    } else if (stream.refused || bytes.empty()) {
      break;
    } else {
      const auto room = reader.Prepare();
      Require(!room.empty(), "there is room for more");
      const std::size_t count = std::min({piece, room.size(), bytes.size()});
      bytes.copy(room.data(), count);
      reader.Commit(count);
      bytes.remove_prefix(count);
    }
  }
  if (!stream.refused) return stream;
  const int status = reader.refusal().status;
  Require(status == 400 || status == 413 || status == 431, "a documented refusal");
  return stream;
}

void Compare(const Stream& whole, const Stream& pieces) {
  // What is malformed may be noticed at once, or only when its head is whole: here it may not be.
  Require(whole.requests.size() == pieces.requests.size(), "as many requests in pieces as whole");
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    const auto &a = whole.requests[i], &b = pieces.requests[i];
    Require(a.method == b.method && a.path == b.path && a.query == b.query &&
                a.body.ExposeText() == b.body.ExposeText() && a.keep_alive == b.keep_alive,
            "the same requests in pieces as whole");
    Require(a.path.starts_with('/'), "paths begin with a slash");
    Require(std::ranges::none_of(a.path, [](unsigned char c) { return c < ' ' || c == 0x7f; }),
            "paths have no control characters");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static sparekey::testing::FuzzedService service;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Stream stream = Read(bytes, bytes.size());
  Compare(stream, Read(bytes, std::size_t{1} << (data[0] >> 4)));
  const uid_t uid = (data[0] & 2) != 0 ? 0 : 1000;
  const auto kind = (data[0] & 1) != 0 ? sparekey::SocketKind::kPam : sparekey::SocketKind::kApi;
  for (auto& read : stream.requests) {
    service.Ask({read.method, read.path, read.query, std::move(read.body), {kind, uid, uid, 1, 1}});
  }
  if (!stream.requests.empty()) service.Refresh();
  return 0;
}
