// SPDX-License-Identifier: Apache-2.0
#include "tests/support/failing_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

// glibc's own, below what programs call.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace sparekey::testing {
namespace {

MemoryControl* control = nullptr;

struct Mine {
  long until = 0, length = 0, failed = 0;
  bool armed = false, held = false;
};
thread_local Mine mine __attribute__((tls_model("initial-exec")));

__attribute__((constructor)) void MapControl() {
  const char* const path = std::getenv("FAILING_MEMORY");
  const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const map = mmap(nullptr, sizeof(MemoryControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (map != MAP_FAILED) control = static_cast<MemoryControl*>(map);
}

bool FailsForAll() {
  if (control == nullptr || control->until.load(std::memory_order_relaxed) == 0) return false;
  if (control->until.fetch_sub(1) > 1) return false;
  control->until = 1;
  if (control->length.fetch_sub(1) <= 0) {
    control->until = 0;
    return false;
  }
  ++control->failed;
  return true;
}

bool FailsForMe() {
  if (!mine.armed || mine.held || --mine.until > 0 || mine.length-- <= 0) return false;
  ++mine.failed;
  return true;
}

bool Fails() {
  if (!FailsForMe() && !FailsForAll()) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace

extern "C" {

void FailMyMemoryAt(long until, long length) { mine = {until, length, 0, true, false}; }
long HealMyMemory() {
  mine.armed = false;
  return mine.failed;
}
void HoldBackMemoryFaults(bool hold) { mine.held = hold; }

#define STANDS_IN_FRONT __attribute__((visibility("default")))

STANDS_IN_FRONT void* malloc(size_t size) { return Fails() ? nullptr : __libc_malloc(size); }
STANDS_IN_FRONT void* calloc(size_t count, size_t size) {
  return Fails() ? nullptr : __libc_calloc(count, size);
}
STANDS_IN_FRONT void* realloc(void* block, size_t size) {
  return Fails() ? nullptr : __libc_realloc(block, size);
}
STANDS_IN_FRONT void* memalign(size_t alignment, size_t size) {
  return Fails() ? nullptr : __libc_memalign(alignment, size);
}
STANDS_IN_FRONT void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}
STANDS_IN_FRONT int posix_memalign(void** block, size_t alignment, size_t size) {
  void* const made = memalign(alignment, size);
  if (made == nullptr) return ENOMEM;
  *block = made;
  return 0;
}

}  // extern "C"

}  // namespace sparekey::testing
