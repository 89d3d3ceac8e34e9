// SPDX-License-Identifier: Apache-2.0
// The login conversation: begin, answer what was asked, read the verdict. One attempt a login; who
// asks again for the same login gets the same answer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lockout/containment.h"
#include "service/backend.h"
#include "service/login_table.h"

namespace sparekey {

struct LoginOutcome;

class Logins {
 public:
  // Containment: whose live SSH sessions the records now mark to be ended.
  using EndSessions = std::function<void(const std::vector<DueContainment>& due)>;
  Logins(const Backend& backend, EndSessions end_sessions);
  ~Logins();

  void Begin(const HttpRequest& request, Respond respond);  // POST /v1/logins
  // The same questions for an account's owner, whose first factor is proven. Answers are taken from
  // this very connection alone. `proven` is called before an accept is told.
  using Proven = std::function<void(bool by_code)>;
  void BeginForOwner(std::string account, const Peer& owner, Proven proven, Respond respond);
  void AnswerForOwner(const std::string& id, const std::string& account, const HttpRequest& request,
                      Respond respond);
  void Answer(const std::string& id, const HttpRequest& request, Respond respond);

 private:
  using OutcomePtr = std::shared_ptr<LoginOutcome>;

  void Open(const LoginPtr& login, Directory& directory, Respond respond);
  void End(const LoginPtr& login);
  void Admit(const LoginPtr& login);
  void AdmitAlias(const LoginPtr& login, const std::string& holder);
  void AskLocked(const LoginPtr& login, const SecretBytes* typed);
  void TakeCode(const LoginPtr& login, const SecretBytes& text);
  void TakeBackupCodes(const LoginPtr& login, const std::map<std::string, SecretBytes>& answers);
  void StartRecovery(const LoginPtr& login);
  void Recover(const LoginPtr& login);
  void MatchCodes(const LoginPtr& login, const OutcomePtr& outcome);
  void SubmitDecision(const LoginPtr& login, BackupCodeSet set);
  void Submit(const LoginPtr& login, Step step, std::function<void()> done,
              Decider::Purpose purpose = Decider::Purpose::kMayChange);

  void Learn(const LoginPtr& login, const LoginOutcome& outcome);
  void Ask(const LoginPtr& login);
  void Conclude(const LoginPtr& login, Reason reason);
  void Fail(const LoginPtr& login, const Error& error);
  static void Reply(const LoginPtr& login, HttpResponse reply);

  const Backend& backend_;
  EndSessions end_sessions_;
  LoginTable logins_;
};

}  // namespace sparekey
