// SPDX-License-Identifier: Apache-2.0
// One login's conversation so far, and the step that decides on it in the store.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backupcodes/codes.h"
#include "lockout/containment.h"
#include "service/backend.h"
#include "service/login_request.h"
#include "service/login_table.h"
#include "service/words.h"

namespace sparekey {

struct Login {
  enum class Stage { kWorking, kCode, kBackupCodes, kOver };

  std::string id;  // once it was asked something
  Peer owner;
  Opening opening;
  std::function<void(bool by_code)> proven;  // with opening.by_owner
  AccountKey key;
  Result<std::optional<Identity>> identity = std::optional<Identity>();
  std::chrono::steady_clock::time_point expires;
  std::chrono::steady_clock::time_point deadline;  // of the request under way
  Stage stage = Stage::kWorking;
  std::optional<Answers> first_answers;
  WordsContext words;
  std::vector<BackupCode> codes;  // entered so far
  bool recovering = false;
  bool locked = false;
  bool alias_checked = false;
  HttpResponse last;  // the answer that is repeated
  LoginTable::Place place;
  std::vector<Respond> waiting;
};

// What a step found, written where the decider decides and read after it is done.
struct LoginOutcome {
  AdmissionDecision admission{Admission::kDecided, Reason::kNotAnAttempt};
  std::optional<Reason> decided;
  WordsContext words;
  std::optional<Sheet> sheet;
  std::optional<std::string> uid_holder;  // who else has the login's uid: nothing is decided yet
  std::vector<DueContainment> contained;  // of an attempt that was decided
};

// One admission, and where `attempt` gives one and a code is asked for, one attempt.
// A `beginning` asks a locked account for backup codes instead.
Step MakeLoginStep(const Login& login, std::shared_ptr<LoginOutcome> outcome,
                   std::function<std::optional<Attempt>()> attempt, Clock clock,
                   bool beginning = false);

}  // namespace sparekey
