// SPDX-License-Identifier: Apache-2.0
// The numbered rules of docs/rules.md, each by itself, as an exhaustive test holds them against
// what the product did. Written from the rules' text over the books alone
// (tests/lockout/exhaustive/ledger.h): here nothing looks at a record's marks or counters to know
// what is right.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lockout/decide.h"
#include "tests/lockout/exhaustive/ledger.h"
#include "tests/lockout/exhaustive/small_world.h"

namespace sparekey::testing {

// What one rule demands of one input.
struct Ruling {
  std::string rule;
  std::optional<Verdict> verdict;  // of an attempt
  Reason reason = Reason::kNotAnAttempt;
  Ledger after;
  std::vector<EventKind> events;
};

// What all the rules say about an input. Of an attempt exactly one must speak.
std::vector<Ruling> RulingsOn(const Scene& scene, const Ledger& before, const Input& input);
Ruling RulingOnVerb(const Scene& scene, const Ledger& before, const Input& input);

// One step of the world and of its books.
struct Observation {
  const Scene& scene;
  const Ledger& books_before;
  const World& before;
  const WorldBytes& bytes_before;
  const Input& input;
  const Outcome& outcome;
  const World& after;
  const WorldBytes& bytes_after;
  TimePoint now;
};
// Each returns what is wrong; empty: nothing is.
// The ruling against what happened.
std::string FindContradiction(const Observation& seen, const Ruling& ruling);
// What holds of every step, whichever rule spoke.
std::string FindBrokenPromise(const Observation& seen);
// The records against the books.
std::string FindDifference(const Ledger& books, const World& world);

// Rules 1 to 3 and "who needs a code at a door", for one question about one account (nullptr: it
// has no record).
struct Question {
  const Policy& policy;
  const Account* account;
  const AccountLedger* books;
  bool system_super_locked = false;
  bool system_gate_closed = false;
  Subject subject;
  Door door = Door::kSsh;
};
AdmissionDecision ExpectedAdmission(const Question& question);
Reason ExpectedAccess(const Question& question, bool code_proven);
// Of whoever changes his own two-factor; the door is `other`, no setting is read.
AdmissionDecision ExpectedOwnerAdmission(Question question);

}  // namespace sparekey::testing
