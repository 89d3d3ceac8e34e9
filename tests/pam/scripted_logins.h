// SPDX-License-Identifier: Apache-2.0
// Replies of a login conversation as sparekeyd gives them (docs/openapi.yaml).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/fake_daemon.h"

namespace sparekey {

inline const std::string kAskCode =
    R"({"login":"L-1","say":[],"ask":[{"id":"code","prompt":"One-time code: ","echo":false}],)"
    R"("verdict":null,"reason":null})";
inline const std::string kAskTwoBackupCodes =
    R"({"login":"L-1","say":[{"text":"Enter 2 backup codes.","style":"info"}],)"
    R"("ask":[{"id":"backup_code_1","prompt":"Backup code 1 of 2: ","echo":true},)"
    R"({"id":"backup_code_2","prompt":"Backup code 2 of 2: ","echo":true}],"verdict":null})";
inline const std::string kAccepted =
    R"({"login":"L-1","say":[],"ask":[],"verdict":"accept","reason":"accepted"})";
inline const std::string kNotRequired =
    R"({"login":"L-1","say":[],"ask":[],"verdict":"accept","reason":"not_required"})";

inline std::string Denied(const std::string& reason, const std::string& text = "") {
  const std::string say = text.empty() ? "" : R"({"text":")" + text + R"(","style":"error"})";
  return R"({"login":"L-1","say":[)" + say + R"(],"ask":[],"verdict":"deny","reason":")" + reason +
         R"("})";
}

// The first request gets the first reply, and so on; after the last one sparekeyd fails.
inline FakeDaemon::Script InTurn(std::vector<std::string> replies) {
  return [replies = std::move(replies), next = std::size_t{0}](const auto&) mutable {
    if (next == replies.size()) return FakeDaemon::Json(500, R"({"code":"damaged"})");
    return FakeDaemon::Json(200, replies[next++]);
  };
}

}  // namespace sparekey
