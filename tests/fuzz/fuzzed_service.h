// SPDX-License-Identifier: Apache-2.0
// The whole service behind one call, for inputs that are requests: every input meets the same
// store, clock and people, and whatever it asks, the answer must be one that the API has and a
// login must not be won without a right code.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "backupcodes/codes.h"
#include "service/logging.h"
#include "service/login_request.h"
#include "tests/support/service_fixture.h"

namespace sparekey::testing {

inline void Require(bool claim, std::string_view what) {
  if (claim) return;
  static_cast<void>(
      std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(what.size()), what.data()));
  std::abort();
}

inline void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

class FuzzedService : private ServiceTest {
 public:
  FuzzedService() {
    GTEST_FLAG_SET(break_on_failure, true);
    SetUpLog("fuzz", LogTarget::kStandardError, LogLevel::kError);
    const Json wishes = {{"secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}};
    const Json ada = Enrol("ada", wishes);
    Enrol("bob", wishes);
    for (const Json& code : ada["backup_codes"]) sheet_.push_back(code);
    for (int step = -1; step <= 1; ++step) codes_.insert(CodeOf(ada, step));
    Stop();
    std::filesystem::rename(folder, folder + "-template");
    Refresh();
  }
  ~FuzzedService() override { std::filesystem::remove_all(folder + "-template"); }

  // The state that every input begins with.
  void Refresh() {
    if (touched_) {
      Stop();
      std::filesystem::remove_all(folder);
      std::filesystem::copy(folder + "-template", folder);
      ServiceTest::Start();
    }
    touched_ = false;
    administered_ = false;
    offered_codes_.clear();
    offered_backup_codes_.clear();
    offered_password_ = false;
    login_ = "0";
  }

  // $L: the last login; $1 to $9: codes of ada's sheet.
  std::string Fill(std::string text) const {
    ReplaceAll(text, "$L", login_);
    for (std::size_t i = 0; i < 9; ++i) ReplaceAll(text, "$" + std::to_string(i + 1), sheet_[i]);
    return text;
  }

  // One request to its answer, which is checked.
  void Ask(HttpRequest request) {
    const std::string method = request.method;
    const std::string path = request.path;
    const Peer peer = request.peer;
    NoteOffers(Json::parse(request.body.ExposeText(), nullptr, false));
    std::optional<HttpResponse> answer;
    int answers = 0;
    routes->Handle(std::move(request), [&](HttpResponse response) {
      ++answers;
      answer = std::move(response);
    });
    queue.RunUntil([&answers] { return answers > 0; });
    Require(answers == 1, "one answer a request");
    touched_ = touched_ || (method != "GET" && answer->status < 300);
    Check(method, path, peer, *answer);
  }

 private:
  void TestBody() override {}

  void NoteOffers(const Json& value) {
    if (value.is_string()) {
      if (value == first_factor.password) offered_password_ = true;
      const SecretBytes text = WithoutSpaces(SecretBytes(value.get_ref<const std::string&>()));
      if (codes_.contains(std::string(text.ExposeText())))
        offered_codes_.emplace(text.ExposeText());
      const auto code = ParseBackupCode(text.ExposeText());
      if (code) offered_backup_codes_.emplace(FormatBackupCode(*code).ExposeText());
    } else if (value.is_structured()) {
      for (const Json& item : value) NoteOffers(item);
    }
  }

  void Check(const std::string& method, const std::string& path, const Peer& peer,
             const HttpResponse& answer) {
    static const std::set<int> kStatuses{200, 201, 204, 400, 403, 404, 405, 409};
    Require(kStatuses.contains(answer.status), "the status is one of a sound service");
    Require((answer.status == 204) == answer.body.empty(), "a body with every status but 204");
    if (answer.status == 204) return Administered(method, path, peer);
    const Json body = Json::parse(answer.body.ExposeText(), nullptr, false);
    Require(body.is_object(), "every answer is one JSON object");
    Require((answer.status < 300) == (answer.content_type == "application/json"), "media type");
    if (answer.status >= 300) {
      return Require(body["status"] == answer.status && body["code"].is_string(), "RFC 9457");
    }
    if (path.starts_with("/v1/logins") || path == "/v1/access") {
      Require(peer.uid == 0 && peer.socket == SocketKind::kPam, "logins are root's on pam.sock");
      return CheckVerdict(path, body);
    }
    if (path.find("/proof") != std::string::npos) return CheckProof(body);
    Administered(method, path, peer);
  }

  void CheckProof(const Json& body) {
    if (body["login"].is_string()) login_ = body["login"];
    if (body["verdict"] == "deny" || administered_) return;
    Require(offered_password_, "nobody is asked for a code before his password is right");
    if (body["verdict"] == "accept") Require(IsCodeOffered(), "the enrolled need a code too");
  }

  // Something was done or told that is no login.
  void Administered(const std::string& method, const std::string& path, const Peer& peer) {
    const bool changes = method != "GET" && !path.starts_with("/v1/sessions");
    if (peer.uid != 0 && path != "/v1/health") {
      const std::string own = peer.uid == 1000 ? "/v1/accounts/ada" : "/v1/accounts/bob";
      Require(peer.uid == 1000 || peer.uid == 1001, "strangers have no account");
      Require(path == own || path.starts_with(own + "/"), "only the owner's own account");
      Require(!changes || administered_ || (offered_password_ && IsCodeOffered()),
              "an owner changes nothing without password and code");
    }
    administered_ = administered_ || changes;
  }

  bool IsCodeOffered() const { return !offered_codes_.empty() || RightBackupCodes() >= 2; }
  std::size_t RightBackupCodes() const {
    std::size_t right = 0;
    for (const std::string& code : sheet_) right += offered_backup_codes_.count(code);
    return right;
  }

  void CheckVerdict(const std::string& path, const Json& body) {
    if (body.contains("login") && body["login"].is_string()) login_ = body["login"];
    if (body["verdict"] != "accept" || administered_) return;
    const std::string reason = body["reason"];
    if (path == "/v1/access") return;  // no code is checked there
    if (reason == "accepted") return Require(!offered_codes_.empty(), "accepted by a right code");
    if (reason == "not_required") return Require(!body["enrolled"], "the enrolled need a code");
    Require(reason == "recovered", "an accepting reason");
    Require(RightBackupCodes() >= 2, "recovered by two right codes");
  }

  std::vector<std::string> sheet_;
  std::set<std::string> codes_, offered_codes_, offered_backup_codes_;
  std::string login_ = "0";
  bool offered_password_ = false;
  bool touched_ = true;        // the store is no longer the template's
  bool administered_ = false;  // by root, within this input
};

}  // namespace sparekey::testing
