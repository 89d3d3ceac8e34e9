// SPDX-License-Identifier: Apache-2.0
// docs/ssh-gate.md against the rules: who can still log in over SSH, for every combination of the
// settings. The page was written by hand from the rules' words; each of its rows is a test.
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "lockout/decide.h"
#include "lockout/transitions.h"
#include "tests/support/accounts.h"

namespace sparekey {
namespace {

using testing::kNow;
using testing::MakeAccount;
using testing::MakeSheet;

using Row = std::vector<std::string>;
constexpr std::array kSettings = {"lockout.scope", "ssh.close_gate_on", "services.ssh", "ssh.keys"};

// The cells of a table's line, without spaces and backticks around them; none: no such line.
Row Cells(const std::string& line) {
  Row cells;
  if (!line.starts_with("| `")) return cells;
  for (std::size_t from = 1, to; (to = line.find('|', from)) != std::string::npos; from = to + 1) {
    const auto first = line.find_first_not_of(" `", from);
    const auto last = line.find_last_not_of(" `", to - 1);
    cells.push_back(line.substr(first, last - first + 1));
  }
  return cells;
}

std::vector<Row> ReadTable() {
  std::vector<Row> rows;
  std::ifstream page(GATE_PAGE);
  for (std::string line; std::getline(page, line);) {
    Row cells = Cells(line);
    if (cells.size() == 8 && cells[0] != kSettings[0]) rows.push_back(std::move(cells));
  }
  return rows;
}

Policy PolicyOf(const Row& row) {
  Policy policy;
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    EXPECT_TRUE(SetSetting(policy, kSettings[i], row[i])) << row[i];
  }
  return policy;
}

// The system with its people, all enrolled.
struct World {
  explicit World(const Row& row) : policy(PolicyOf(row)) {
    for (Account* account : {&ada, &bob, &carol}) {
      *account = MakeAccount();
      account->sheet = MakeSheet(1, 10);
    }
    ada.name = "ada", bob.name = "bob", carol.name = "carol";
  }

  // What gets `account` in over SSH, in the page's words.
  std::string WaysOf(const Account& account) const {
    const Subject subject{account.name == "ada", false, false, false, false};
    const auto admission = Admit(policy, &account, system, subject, Door::kSsh);
    const auto passes = [&](bool code_proven) {
      return DecideAccess(policy, &account, system, subject, Door::kSsh, code_proven);
    };
    std::string ways;
    const auto add = [&ways](const char* way) {
      ways += (ways.empty() ? "" : ", ") + std::string(way);
    };
    const bool asks_code = admission.admission == Admission::kAskOneTimeCode;
    if (admission.reason == Reason::kNotRequired) add("password");
    if (asks_code) add("code");
    if (asks_code || admission.admission == Admission::kAskBackupCodes) add("sheet");
    // What auth accepted must not fail in the account phase.
    EXPECT_TRUE(ways.empty() || passes(true) == Reason::kAccepted);
    const Reason key = passes(false);
    if (key == Reason::kAccepted || key == Reason::kNotRequired) add("key");
    return ways.empty() ? "–" : ways;
  }

  void SuperLock(Account& account) {
    std::vector<Event> events;
    sparekey::SuperLock(policy, account, system, account.name == "ada", kNow, events);
  }

  Policy policy;
  SystemState system;
  Account ada, bob, carol;
};

class GateTable : public ::testing::TestWithParam<Row> {};

TEST_P(GateTable, SaysWhoCanStillLogIn) {
  std::vector<Event> events;
  World locked(GetParam());
  LockAccount(locked.policy, locked.bob, kNow, events);
  EXPECT_EQ(locked.WaysOf(locked.bob), GetParam()[4]);
  EXPECT_NE(locked.WaysOf(locked.carol), "–");

  World bob_super_locked(GetParam());
  bob_super_locked.SuperLock(bob_super_locked.bob);
  EXPECT_EQ(bob_super_locked.WaysOf(bob_super_locked.bob), "–");
  EXPECT_EQ(bob_super_locked.WaysOf(bob_super_locked.carol), GetParam()[5]);

  World world(GetParam());
  world.SuperLock(world.ada);
  EXPECT_EQ(world.WaysOf(world.ada), "–");
  EXPECT_EQ(world.WaysOf(world.carol), GetParam()[6]);
  ResetAccount(world.ada, kNow, events);
  EndSuperLockout(world.system, kNow, events);
  EXPECT_EQ(world.WaysOf(world.ada), "–");
  EXPECT_EQ(world.WaysOf(world.carol), GetParam()[7]);
}

std::string NameOf(const ::testing::TestParamInfo<Row>& row) {
  return row.param[0] + "_" + row.param[1] + "_ssh_" + row.param[2] + "_" + row.param[3];
}
INSTANTIATE_TEST_SUITE_P(Rows, GateTable, ::testing::ValuesIn(ReadTable()), NameOf);

TEST(GateTablePage, HasEveryCombination) {
  std::set<Row> combinations;
  for (const Row& row : ReadTable()) combinations.insert({row.begin(), row.begin() + 4});
  EXPECT_EQ(combinations.size(), 3U * 3U * 2U * 2U);
}

}  // namespace
}  // namespace sparekey
