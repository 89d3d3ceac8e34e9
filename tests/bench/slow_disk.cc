// SPDX-License-Identifier: Apache-2.0
// Preloaded into sparekeyd: counts its syncs, and makes each take longer, as a slow disk would.
//   SPAREKEY_BENCH_SYNC_COUNT  a file of 8 bytes, in which the syncs are counted
//   SPAREKEY_BENCH_SYNC_DELAY  microseconds that each takes longer
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

using Sync = int (*)(int);
using Count = std::atomic<std::uint64_t>;

Count* OpenCount() {
  const char* const path = std::getenv("SPAREKEY_BENCH_SYNC_COUNT");
  const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* const memory = mmap(nullptr, sizeof(Count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<Count*>(memory);
}

int CountedSync(const char* name, int fd) {
  static Count* const count = OpenCount();
  static const char* const delay = std::getenv("SPAREKEY_BENCH_SYNC_DELAY");
  static const useconds_t microseconds =
      delay == nullptr ? 0 : static_cast<useconds_t>(std::strtoul(delay, nullptr, 10));
  if (count != nullptr) ++*count;
  const int result = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, name))(fd);
  if (microseconds > 0) usleep(microseconds);
  return result;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int fsync(int fd) {
  return CountedSync("fsync", fd);
}
extern "C" __attribute__((visibility("default"))) int fdatasync(int fd) {
  return CountedSync("fdatasync", fd);
}
