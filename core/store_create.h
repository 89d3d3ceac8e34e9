// SPDX-License-Identifier: Apache-2.0
// A new database file of the store, under a draft's name until its maker moves it into place.
#pragma once

#include <string>
#include <vector>

#include "core/seal.h"
#include "core/store.h"

namespace sparekey {

struct FirstRecords {
  SystemState system;
  Policy policy;
  std::vector<Account> accounts;
  std::vector<Event> events;  // their ids are given here, from 1
};

// What stood at `draft` goes. On success all of it is in this one file, on the disk, and no log is
// beside it; its name is durable once its folder is synced. Nothing is left behind on failure.
Status WriteStoreFile(const std::string& draft, const MasterKey& key, const FirstRecords& first);

}  // namespace sparekey
