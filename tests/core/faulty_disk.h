// SPDX-License-Identifier: Apache-2.0
// A disk under SQLite that counts what is done to it and fails when it is told to.
#pragma once

#include <cstdint>

namespace sparekey::testing {

enum class DiskFault : std::uint8_t { kNone, kFull, kWrite, kSync, kRead, kTruncate };

// Of this process; installed at the first use of Disk().
struct FaultyDisk {
  // Faults: the operation number `at` of this kind (1 is the next) and `length` - 1 after it fail.
  void FailAt(DiskFault fault, int at, int length = 1);
  void Heal() { fault = DiskFault::kNone; }

  DiskFault fault = DiskFault::kNone;
  int until_fault = 0;
  int faults_left = 0;
  int faults_seen = 0;
  int log_syncs = 0;   // of write-ahead logs
  int file_syncs = 0;  // of database files
  int log_writes = 0;
};

FaultyDisk& Disk();

}  // namespace sparekey::testing
