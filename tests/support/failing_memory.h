// SPDX-License-Identifier: Apache-2.0
// An allocator that has no memory when a test says so. Preloaded into a program, or linked into a
// test, it stands in front of the C library's.
#pragma once

#include <atomic>

namespace sparekey::testing {

// What the file named by FAILING_MEMORY holds: the allocations of the whole program fail from the
// `until`th on (0: none), `length` of them. Written by the test, in another process.
struct MemoryControl {
  std::atomic<long> until;
  std::atomic<long> length;
  std::atomic<long> failed;
};

// The same for the calling thread alone. Allocations are counted while armed.
extern "C" {
__attribute__((visibility("default"))) void FailMyMemoryAt(long until, long length);
// Turns it off; how many allocations failed.
__attribute__((visibility("default"))) long HealMyMemory();
// While held back nothing fails nor counts: for code of the test itself.
__attribute__((visibility("default"))) void HoldBackMemoryFaults(bool hold);
}

}  // namespace sparekey::testing
