// SPDX-License-Identifier: Apache-2.0
// Requests to every route of the API, in a row: one record (ended by 0x1e) each is a letter for the
// caller, METHOD, PATH?QUERY and the body, with a space between.
#include "tests/fuzz/fuzzed_service.h"

namespace {

using sparekey::Peer;
using sparekey::SocketKind;

std::string_view TakeUntil(std::string_view& text, char end) {
  const auto at = std::min(text.find(end), text.size());
  const auto head = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return head;
}

// p, r: root on pam.sock, on api.sock; a, b: ada and bob; anything else: somebody unknown.
Peer PeerOf(std::string_view letter) {
  const char who = letter.empty() ? ' ' : letter.front();
  const uid_t uid = who == 'p' || who == 'r' ? 0 : who == 'a' ? 1000 : who == 'b' ? 1001 : 4242;
  return {who == 'p' || who == 'P' ? SocketKind::kPam : SocketKind::kApi, uid, uid, 1, 1};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static sparekey::testing::FuzzedService service;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  for (int requests = 0; !input.empty() && requests < 16; ++requests) {
    std::string_view record = TakeUntil(input, '\x1e');
    sparekey::HttpRequest request;
    request.peer = PeerOf(TakeUntil(record, ' '));
    request.method = TakeUntil(record, ' ');
    std::string_view target = TakeUntil(record, ' ');
    request.path = service.Fill(std::string(TakeUntil(target, '?')));
    request.query = target;
    request.body = sparekey::SecretBytes(service.Fill(std::string(record)));
    service.Ask(std::move(request));
  }
  service.Refresh();
  return 0;
}
