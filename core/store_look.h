// SPDX-License-Identifier: Apache-2.0
// Looking at a store that nobody has open, without leaving a trace: nothing is written, no lock is
// taken, and an older schema stays what it is. So the service may start while somebody looks.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "core/seal.h"
#include "core/sqlite.h"
#include "core/store_rows.h"

namespace sparekey {

class StoreLook {
 public:
  // Refuses what OpenSqliteStore refuses, and an older schema (kDamaged).
  static Result<std::unique_ptr<StoreLook>> Open(const std::string& state_dir, MasterKey key);

  StoreRows& rows() { return *rows_; }

  // kConflict: somebody has opened or changed the store since it was opened here, and what was seen
  // may be half of the old and half of the new.
  Status CheckUndisturbed() const;

 private:
  // What tells that somebody wrote, for the database and its log.
  struct Stamp {
    bool there = false;
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};
    bool operator==(const Stamp& other) const;
  };
  using Stamps = std::array<Stamp, 2>;
  static Stamps ReadStamps(const std::string& state_dir);

  StoreLook(std::string folder, MasterKey key);
  Status Connect();

  std::string folder_;
  Stamps stamps_;
  MasterKey key_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<StoreRows> rows_;
};

}  // namespace sparekey
