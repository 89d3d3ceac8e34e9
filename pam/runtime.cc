// SPDX-License-Identifier: Apache-2.0
// Parts of the C++ runtime in the module's own, small form: every login loads the module and
// unloads it again, and pays for what libstdc++ brings along. In the module nothing but a lack of
// memory is ever thrown in earnest, and an entry point catches everything alike.
#include <cxxabi.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

namespace {

// libstdc++'s header before a thrown object has 128 bytes (__cxa_refcounted_exception); who
// allocates it only has to keep room for it.
constexpr std::size_t kHeader = 256, kMostThrown = 64, kSlots = 8;

struct Slot {
  alignas(std::max_align_t) std::array<std::uint8_t, kHeader + kMostThrown> bytes;
};

// For several threads that run out of memory at once.
constinit std::array<std::atomic_flag, kSlots> taken{};
constinit std::array<Slot, kSlots> slots{};

void* TakeSlot(std::size_t size) {
  if (size > kMostThrown) return nullptr;
  for (std::size_t i = 0; i < kSlots; ++i) {
    if (!taken[i].test_and_set(std::memory_order_acquire)) return &slots[i];
  }
  return nullptr;
}

// The first exception of a thread takes memory for the thread, and glibc ends the program where
// there is none. Taken when the module is loaded, so that running out of memory later is no more
// than a denial.
__attribute__((constructor)) void TakeMemoryForExceptions() {
  // Declared as without effect: a call whose result nobody stores would be left out.
  [[maybe_unused]] const void* const volatile memory = abi::__cxa_get_globals();
}

}  // namespace

// Itanium C++ ABI, 2.4.2. libstdc++'s own takes 73 KB when it is loaded, for the same purpose.
extern "C" void* __cxxabiv1::__cxa_allocate_exception(std::size_t size) noexcept {
  void* block = TakeSlot(size);
  if (block == nullptr) block = std::malloc(kHeader + size);
  if (block == nullptr) std::terminate();
  std::memset(block, 0, kHeader);
  return static_cast<std::uint8_t*>(block) + kHeader;
}

extern "C" void __cxxabiv1::__cxa_free_exception(void* thrown) noexcept {
  void* const block = static_cast<std::uint8_t*>(thrown) - kHeader;
  for (std::size_t i = 0; i < kSlots; ++i) {
    if (block == &slots[i]) return taken[i].clear(std::memory_order_release);
  }
  std::free(block);
}

// libstdc++'s own would say on standard error what went wrong: that is the login program's, and the
// demangler for it would be a quarter of the module, mapped and relocated with every login.
namespace __cxxabiv1 {
extern std::terminate_handler __terminate_handler;
std::terminate_handler __terminate_handler = std::abort;  // NOLINT: libstdc++'s name
}  // namespace __cxxabiv1

// What containers call where an argument is out of all bounds. libstdc++'s own make a text of it.
// NOLINTBEGIN: libstdc++'s names
void std::__throw_bad_alloc() { throw std::bad_alloc(); }
void std::__throw_bad_array_new_length() { throw std::bad_alloc(); }
void std::__throw_length_error(const char*) { throw std::bad_alloc(); }
void std::__throw_logic_error(const char*) { throw std::bad_alloc(); }
void std::__throw_out_of_range_fmt(const char*, ...) { throw std::bad_alloc(); }
// NOLINTEND
