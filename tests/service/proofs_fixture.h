// SPDX-License-Identifier: Apache-2.0
// An owner who proves himself by password and code and then changes something.
#pragma once

#include <string>

#include "tests/support/service_fixture.h"

namespace sparekey::testing {

inline constexpr char kSheet[] = "/v1/accounts/ada/backup-codes";
inline constexpr char kEnrolment[] = "/v1/accounts/ada/enrolment";

class ProofsTest : public ServiceTest {
 protected:
  static Peer Owner(std::uint64_t connection = 7, uid_t uid = 1000) {
    return {SocketKind::kApi, uid, uid, getpid(), connection};
  }
  Answer BeginProof(const Peer& peer = Owner(), const std::string& password = "correct horse",
                    const std::string& name = "ada") {
    return Send("POST", "/v1/accounts/" + name + "/proof", {{"password", password}}, peer);
  }
  Answer GiveProof(const Answer& login, const Json& answers, const Peer& peer = Owner(),
                   const std::string& name = "ada") {
    return Send("POST", "/v1/accounts/" + name + "/proof/answers",
                {{"login", login.body["login"].is_string() ? login.body["login"] : Json("")},
                 {"answers", answers}},
                peer);
  }
  // With the code of the next step, so that several proofs in a row need no waiting.
  Answer Prove(const Json& enrolment, const Peer& peer = Owner()) {
    now += std::chrono::seconds(30);
    return GiveProof(BeginProof(peer), {{"code", CodeOf(enrolment)}}, peer);
  }
  std::string NewSheet(const Peer& peer = Owner()) {
    const Answer answer = Send("POST", kSheet, Json::object(), peer);
    return answer.status == 201 ? "made" : answer.body.value("code", "?");
  }
  Answer EnrolAsOwner(const Json& wishes = Json::object(), const Peer& peer = Owner()) {
    return Send("POST", kEnrolment, wishes, peer);
  }
};

}  // namespace sparekey::testing
