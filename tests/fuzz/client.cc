// SPDX-License-Identifier: Apache-2.0
// The terminals' client against whatever stands in the place of sparekeyd: three calls on one
// connection, the bytes of the input as their answers.
#include "service/client.h"

#include <cstdlib>

#include "tests/support/fake_daemon.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sparekey::TemporaryFolder folder;
  const std::string path = folder / "socket";
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const sparekey::FakeDaemon daemon(path, [&](const auto&) {
    return sparekey::FakeDaemon::Reply{
        {bytes.substr(0, size / 2), bytes.substr(size / 2)}, {}, true};
  });
  sparekey::ApiClient client(path);
  for (int i = 0; i < 2; ++i) {
    const auto reply = client.Call("POST", "/v1/logins", "{}", std::chrono::seconds(5));
    if (!reply) {
      if (reply.error().code != sparekey::ErrorCode::kUnavailable) std::abort();
      if (reply.error().message.find("in time") != std::string::npos) std::abort();
      continue;
    }
    if (reply->status < 200 || reply->status > 599) std::abort();
    // Only what was sent can have been read.
    if (bytes.find(reply->body.ExposeText()) == std::string::npos) std::abort();
  }
  return 0;
}
