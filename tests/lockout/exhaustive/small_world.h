// SPDX-License-Identifier: Apache-2.0
// The records of an exhaustive test, changed by the product's own functions, and nothing else.
#pragma once

#include <array>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "lockout/decide.h"
#include "tests/lockout/exhaustive/ledger.h"

namespace sparekey::testing {

// Everything that a decision could depend on, as bytes; without times.
struct WorldBytes {
  std::array<std::string, kAccounts> accounts;
  std::string system;

  std::string Together() const { return accounts[kAda] + '|' + accounts[kBob] + '|' + system; }
};

struct World {
  std::array<Account, kAccounts> accounts;
  SystemState system;

  World Clone() const;
  WorldBytes Encode() const;
};

// What an input did.
struct Outcome {
  Decision decision;          // of an attempt
  std::vector<Event> events;  // of an attempt or a verb
};

class SmallWorld {
 public:
  explicit SmallWorld(const Scene& scene);

  World Begin() const;
  // Can this be typed or asked for at all? Verbs that the service refuses in this state cannot.
  bool IsPossible(const Ledger& ledger, const Input& input) const;
  Outcome Apply(World& world, const Input& input) const;

  Clock ClockAt(int step) const;

 private:
  Authenticator Make(const AuthenticatorEntry& entry) const;
  const std::string& CodeText(const TypedCode& code) const;
  Attempt MakeAttempt(const Account& account, const Input& input) const;
  void CarryOut(World& world, const Input& input, std::vector<Event>& events) const;

  const Scene& scene_;
  std::array<SecretBytes, kSecrets> secrets_;
  mutable std::map<std::tuple<int, int, int>, std::string> codes_;  // by secret, step, digits
  std::string wrong_;
};

}  // namespace sparekey::testing
