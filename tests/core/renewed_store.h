// SPDX-License-Identifier: Apache-2.0
// What every store must be that was made anew under a new key.
#pragma once

#include "core/store_renewal.h"
#include "tests/core/store_fixture.h"

namespace sparekey::testing {

inline std::unique_ptr<Store> OpenRenewed(const std::string& state, const std::string& key_path) {
  Result<MasterKey> key = MasterKey::Load(key_path);
  EXPECT_TRUE(key.ok());
  if (!key) return nullptr;
  Result<std::unique_ptr<Store>> store = OpenSqliteStore(state, std::move(*key));
  EXPECT_TRUE(store.ok()) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

inline bool IsClosedAndRequired(Store& store) {
  bool is = false;
  const Status looked = RunOne(store, {{}, [&](Records& records) -> Result<Changes> {
                                         is = records.system.gate.has_value() &&
                                              records.policy.required_for == RequiredFor::kEveryone;
                                         return Changes{};
                                       }});
  return looked && is;
}

inline bool IsMarked(Store& store, const AccountKey& key) {
  const Result<LoadedAccount> loaded = Load(store, key);
  return loaded && loaded->account && loaded->account->must_enrol &&
         loaded->account->enrolment() == Enrolment::kNone && !loaded->account->sheet &&
         loaded->account->uid == *key.uid;
}

inline void ExpectClosedAndRequired(Store& store) { EXPECT_TRUE(IsClosedAndRequired(store)); }
inline void ExpectMarked(Store& store, const AccountKey& key) {
  EXPECT_TRUE(IsMarked(store, key)) << key.name;
}

}  // namespace sparekey::testing
