// SPDX-License-Identifier: Apache-2.0
// Where libgcc's unwinder finds the frames of the module's functions: in the module's own table.
// What is thrown in it is caught in it, so the search through all libraries of the program, with
// its lock and its once (five symbols), is left out.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "pam/runtime.h"

extern "C" {
// The linker's: what a program header calls PT_GNU_EH_FRAME.
extern const std::uint8_t __GNU_EH_FRAME_HDR[] __attribute__((visibility("hidden")));

// libgcc's, unwind-dw2-fde.h.
struct dwarf_eh_bases {
  void* text;
  void* data;
  void* function;
};
const void* _Unwind_Find_FDE(void* counter, dwarf_eh_bases* bases);

// The unwinder fills a table of constants once. Each time, and by two threads at once, is the same.
__attribute__((visibility("hidden"))) int pthread_once(int*, void (*fill)()) {
  sparekey::pam::UnprotectState();  // what passes through may have been thrown outside
  fill();
  return 0;
}
__attribute__((visibility("hidden"))) int __pthread_key_create() { return -1; }  // only looked for
}

namespace {

// Linux Standard Base, 10.6.2: version, and how the rest is encoded. From the header on: where the
// frames are, how many entries there are, and they, sorted by function.
constexpr std::array<std::uint8_t, 4> kWanted{1, 0x1b, 0x03, 0x3b};

struct Entry {
  std::int32_t function, frame;  // from the header
};

template <typename Value>
Value Read(const std::uint8_t* place) {
  Value value;
  std::memcpy(&value, place, sizeof value);
  return value;
}

}  // namespace

// The frame of the function at `counter`; none where it is not the module's.
const void* _Unwind_Find_FDE(void* counter, dwarf_eh_bases* bases) {
  const std::uint8_t* const header = __GNU_EH_FRAME_HDR;
  if (std::memcmp(header, kWanted.data(), kWanted.size()) != 0) return nullptr;
  const auto count = Read<std::uint32_t>(header + 8);
  const std::uint8_t* const entries = header + 12;
  const std::ptrdiff_t wanted = static_cast<const std::uint8_t*>(counter) - header;
  std::size_t first = 0;  // the first whose function begins behind `counter`
  for (std::size_t last = count; first < last;) {
    const std::size_t middle = first + (last - first) / 2;
    if (Read<Entry>(entries + middle * sizeof(Entry)).function <= wanted) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  if (first == 0) return nullptr;
  const auto entry = Read<Entry>(entries + (first - 1) * sizeof(Entry));
  const std::uint8_t* const frame = header + entry.frame;
  // Length, CIE, the function from here on, its size: each of four bytes.
  constexpr std::ptrdiff_t kSize = 12;
  if (wanted - entry.function >= Read<std::uint32_t>(frame + kSize)) return nullptr;
  *bases = {nullptr, nullptr, const_cast<std::uint8_t*>(header + entry.function)};
  return frame;
}
