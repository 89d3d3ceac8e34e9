// SPDX-License-Identifier: Apache-2.0
// What the tables of the store look like, how an older file becomes a newer one, and how a
// connection must be set up before the file can be trusted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/sqlite.h"

namespace sparekey {

// Makes the tables in an empty file, one transaction a version.
Result<std::unique_ptr<Database>> CreateSchema(const std::string& path);

// What a migration does to rows that only the master key opens: within its transaction, after the
// tables are those of `version`.
using MigrateRows = std::function<Status(Database& database, std::int64_t version)>;

// Opens the file as its only user (exclusive locking, WAL, synchronous=FULL), brings an older
// schema up to date and compares the schema with what it must be. Without `rows` an older schema
// stays what it is. kDamaged: not sparekey's, or altered. kUnavailable, as for a fault of the
// disk: of a newer version.
Result<std::unique_ptr<Database>> OpenWithSchema(const std::string& path,
                                                 const MigrateRows& rows = nullptr);

// kUnavailable: sparekey's, and of a newer version. Ok for whatever cannot be read, too.
Status RefuseNewer(const std::string& path);

// Opens the file as Database::OpenToLook does. kDamaged besides: of an older version.
Result<std::unique_ptr<Database>> LookWithSchema(const std::string& path);

}  // namespace sparekey
