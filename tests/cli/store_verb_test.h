// SPDX-License-Identifier: Apache-2.0
// The real program where there is no service; the store is real.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "core/sqlite_store.h"
#include "lockout/transitions.h"
#include "tests/cli/verb_test.h"

namespace sparekey::testing {

// As one line.
inline std::string Unfolded(std::string text) {
  std::erase(text, '\r');
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

class StoreVerbTest : public VerbTest {
 protected:
  StoreVerbTest() {
    unlink((folder_ / "api.sock").c_str());
    const std::string key = folder_ / "master.key";
    EXPECT_TRUE(MasterKey::Create(key).ok());
    EXPECT_TRUE(CreateSqliteStore(folder_.path(), *MasterKey::Load(key)).ok());
  }
  std::unique_ptr<Store> Open() {
    auto store =
        OpenSqliteStore(folder_.path(), std::move(*MasterKey::Load(folder_ / "master.key")));
    EXPECT_TRUE(store.ok());
    return std::move(*store);
  }
  void Change(const std::vector<std::string>& names,
              const std::function<void(Records& records, std::vector<Event>& events)>& change) {
    Work work;
    for (const std::string& name : names) work.accounts.push_back({name, std::nullopt});
    work.step = [&](Records& records) -> Result<Changes> {
      Changes changes;
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (!records.accounts[i].account) records.accounts[i].account.emplace();
        records.accounts[i].account->name = names[i];
        records.accounts[i].account->uid = kNoUid;
        changes.accounts.push_back(i);
      }
      change(records, changes.events);
      changes.system = true;
      return changes;
    };
    Open()->Run({&work, 1});
    EXPECT_TRUE(work.status.ok()) << work.status.error().message;
  }
  void SuperLock(const std::string& cause) {
    Change({cause}, [](Records& records, std::vector<Event>& events) {
      Account& account = *records.accounts[0].account;
      account.recovery_failures = records.policy.codes_max_attempts;
      sparekey::SuperLock(records.policy, account, records.system, true, ReadClock(), events);
    });
  }
  void Look(const std::vector<std::string>& names,
            const std::function<void(const Records& records)>& look) {
    Work work;
    for (const std::string& name : names) work.accounts.push_back({name, std::nullopt});
    work.step = [&look](Records& records) -> Result<Changes> {
      look(records);
      return Changes{};
    };
    Open()->Run({&work, 1});
    EXPECT_TRUE(work.status.ok());
  }
  // As a later version of this program would leave it.
  void MakeNewer() {
    const std::string path = folder_ / kStoreFile;
    std::string bytes = ReadWholeFile(path);
    constexpr std::size_t kUserVersion = 63;  // its last byte, https://sqlite.org/fileformat.html
    bytes.at(kUserVersion) = static_cast<char>(kSchemaVersion + 1);
    std::ofstream(path, std::ios::binary) << bytes;
  }
  bool IsSuperLocked() {
    bool locked = true;
    Look({}, [&](const Records& records) { locked = records.system.super_locked.has_value(); });
    return locked;
  }
  bool IsGateClosed() {
    bool closed = true;
    Look({}, [&](const Records& records) { closed = records.system.gate.has_value(); });
    return closed;
  }
  bool IsTwoFactorOn() {
    bool on = false;
    Look({}, [&](const Records& records) { on = records.policy.enabled; });
    return on;
  }
  Enrolment EnrolmentOf(const std::string& name) {
    auto enrolment = Enrolment::kNone;
    Look({name}, [&](const Records& records) {
      if (records.accounts[0].account) enrolment = records.accounts[0].account->enrolment();
    });
    return enrolment;
  }
};

}  // namespace sparekey::testing
