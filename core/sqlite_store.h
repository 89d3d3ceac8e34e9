// SPDX-License-Identifier: Apache-2.0
// The store of one host: one SQLite file (WAL, synchronous=FULL) with one owner at a time.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "core/seal.h"
#include "core/store.h"

namespace sparekey {

inline constexpr int kSchemaVersion = 4;
inline constexpr char kStoreFile[] = "sparekey.db";
inline constexpr char kLockFile[] = "owner.lock";
// 1 MiB, given up for a console reset on a full disk; made anew when the store is opened.
inline constexpr char kReserveFile[] = "reserve";

// Creates folder (0700, if missing), store, lock file, reserve file and key check value. kConflict
// if a store exists already. Nothing is left behind on failure.
Status CreateSqliteStore(const std::string& state_dir, const MasterKey& key);

// Opens the store as its only owner. Refuses, naming the path and what to do: a missing store
// (kNotFound), another owner (kConflict, with its pid), wrong modes or owners and symlinked folders
// (kNotAllowed), a newer schema (kUnavailable), not a database, a key that does not fit (kDamaged).
Result<std::unique_ptr<Store>> OpenSqliteStore(const std::string& state_dir, MasterKey key);

// The process that owns the store now, by the kernel's lock table (F_GETLK); 0 where it cannot be
// seen from this pid namespace.
std::optional<pid_t> FindStoreOwner(const std::string& state_dir);

}  // namespace sparekey
