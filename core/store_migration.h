// SPDX-License-Identifier: Apache-2.0
// What the rows of an older store become in the migration of its schema.
#pragma once

#include <cstdint>

#include "core/seal.h"
#include "core/sqlite.h"
#include "core/store_rows.h"

namespace sparekey {

// Within the transaction of the migration to `version`; kDamaged where the key does not fit.
Status MigrateStoreRows(Database& database, const MasterKey& key, std::int64_t version);

// The alerts that the records imply: lockouts and closed gates in force, two-factor switched off.
Status RaiseImpliedAlerts(StoreRows& rows);

}  // namespace sparekey
