// SPDX-License-Identifier: Apache-2.0
// The checks of doctor, each over facts that were read before: the machine's by System, sparekey's
// own by what the service or the store says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/finding.h"
#include "cli/system.h"
#include "core/policy.h"
#include "service/config.h"

namespace sparekey {

struct AccountFacts {
  std::string name;
  bool active = false;
  bool administrator = false;
  bool must_enrol = false;
  bool super_locked = false;
  bool gate_closed = false;
  int codes_left = 0;
  std::optional<TimePoint> pending_since;
};

struct StoreFacts {
  std::uint64_t rows = 0;
  bool structure = true;            // the database's structure was checked, too
  std::vector<std::string> damage;  // one line each
};

// What sparekey knows of itself.
struct OwnFacts {
  bool service_answers = false;
  std::string version;             // the service's
  std::optional<Failure> refusal;  // this caller may not ask
  std::string trouble;             // why not all could be read, else ""
  std::optional<Policy> policy;
  std::vector<AccountFacts> accounts;
  bool accounts_complete = false;
  std::optional<StoreFacts> store;
  bool super_locked = false;
  bool gate_closed = false;
};

// doctor_facts.cc: asks the service; where it does not answer, reads the store itself.
OwnFacts ReadOwnFacts(const Config& config);

// doctor_sshd.cc
Findings CheckSshd(const System& system, const OwnFacts& own);
// doctor_pam.cc
Findings CheckPam(const System& system, const OwnFacts& own);
// doctor_files.cc
// Neither key nor store nor service, nor a renewal that was interrupted: nothing is there yet that
// could be lost or damaged.
bool IsNotSetUp(const System& system, const Config& config, const OwnFacts& own);
Findings CheckClock(const System& system);
Findings CheckFiles(const System& system, const Config& config, const OwnFacts& own);
Findings CheckDisk(const System& system, const Config& config);
// doctor_accounts.cc
Findings CheckService(const OwnFacts& own, const Config& config);
Findings CheckStore(const OwnFacts& own);
Findings CheckAccounts(const System& system, const Config& config, const OwnFacts& own);

// All of them and the way out.
Findings Examine(const System& system, const Config& config, const OwnFacts& own);

// sshd's program; "" where none is installed.
std::string FindSshd(const System& system);

}  // namespace sparekey
