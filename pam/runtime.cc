// SPDX-License-Identifier: Apache-2.0
// Parts of the C++ runtime in the module's own, small form: every login loads the module and
// unloads it again, and pays for what libstdc++ brings along. In the module nothing but a lack of
// memory is ever thrown in earnest, and an entry point catches everything alike.
#include "pam/runtime.h"

#include <cxxabi.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

// state.ld's, where it is used: what is written only when something is thrown, which the loader has
// protected with the rest.
extern "C" {
extern char sparekey_state[] __attribute__((weak, visibility("hidden")));
extern char sparekey_state_end[] __attribute__((weak, visibility("hidden")));
}

namespace __cxxabiv1 {
// Itanium C++ ABI, 2.2.2, and room for what other processors' have besides.
struct __cxa_eh_globals {
  void* caught;
  unsigned int uncaught;
  void* more;
};
}  // namespace __cxxabiv1

namespace {

// libstdc++'s header before a thrown object has 128 bytes (__cxa_refcounted_exception); who
// allocates it only has to keep room for it.
constexpr std::size_t kHeader = 256, kMostThrown = 64, kSlots = 8, kThrowers = 32;

struct Slot {
  alignas(std::max_align_t) std::array<std::uint8_t, kHeader + kMostThrown> bytes;
};

// A thread in which something is thrown, known by the place of its errno.
struct Thrower {
  std::atomic<const int*> place;
  abi::__cxa_eh_globals globals;
};

// For several threads that run out of memory at once.
constinit std::array<std::atomic_flag, kSlots> taken{};
constinit std::array<Slot, kSlots> slots{};
constinit std::array<Thrower, kThrowers> throwers{};

void* TakeSlot(std::size_t size) {
  if (size > kMostThrown) return nullptr;
  for (std::size_t i = 0; i < kSlots; ++i) {
    if (!taken[i].test_and_set(std::memory_order_acquire)) return &slots[i];
  }
  return nullptr;
}

Thrower* FindThrower() {
  const int* const place = &errno;
  for (Thrower& thrower : throwers) {
    if (thrower.place.load(std::memory_order_relaxed) == place) return &thrower;
  }
  return nullptr;
}

}  // namespace

namespace sparekey::pam {

void UnprotectState() {
  const auto size = static_cast<std::size_t>(sparekey_state_end - sparekey_state);
  if (size == 0) return;  // there is no such part
  constexpr std::uintptr_t kPage = 4096;
  const auto page = reinterpret_cast<std::uintptr_t>(sparekey_state) / kPage * kPage;
  const auto end = reinterpret_cast<std::uintptr_t>(sparekey_state_end);
  if (syscall(SYS_mprotect, page, end - page, PROT_READ | PROT_WRITE) != 0) std::abort();
}

void ForgetThrown() {
  Thrower* const thrower = FindThrower();
  if (thrower == nullptr) return;
  thrower->globals = {};
  thrower->place.store(nullptr, std::memory_order_release);
}

}  // namespace sparekey::pam

using sparekey::pam::UnprotectState;

// Itanium C++ ABI, 2.2.2. libstdc++'s own are in thread-local storage, which a thread takes memory
// for when it first looks there, and glibc ends the program where there is none.
extern "C" abi::__cxa_eh_globals* __cxxabiv1::__cxa_get_globals() noexcept {
  if (Thrower* const thrower = FindThrower(); thrower != nullptr) return &thrower->globals;
  UnprotectState();
  for (Thrower& thrower : throwers) {
    const int* nobody = nullptr;
    if (thrower.place.compare_exchange_strong(nobody, &errno, std::memory_order_acquire)) {
      return &thrower.globals;
    }
  }
  std::terminate();
}

extern "C" abi::__cxa_eh_globals* __cxxabiv1::__cxa_get_globals_fast() noexcept {
  return __cxa_get_globals();
}

// Itanium C++ ABI, 2.4.2. libstdc++'s own takes 73 KB when it is loaded, for the same purpose.
extern "C" void* __cxxabiv1::__cxa_allocate_exception(std::size_t size) noexcept {
  UnprotectState();
  void* block = TakeSlot(size);
  if (block == nullptr) block = std::malloc(kHeader + size);
  if (block == nullptr) std::terminate();
  std::memset(block, 0, kHeader);
  return static_cast<std::uint8_t*>(block) + kHeader;
}

extern "C" void __cxxabiv1::__cxa_free_exception(void* thrown) noexcept {
  void* block = static_cast<std::uint8_t*>(thrown) - kHeader;
  for (std::size_t i = 0; i < kSlots; ++i) {
    if (block != &slots[i]) continue;
    taken[i].clear(std::memory_order_release);
    block = nullptr;
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
