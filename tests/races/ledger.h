// SPDX-License-Identifier: Apache-2.0
// What a process asked sparekeyd for and what it heard, in memory that outlives both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/races/shared_number.h"

namespace sparekey::races {

enum class Deed : std::uint8_t {
  kLogin,
  kWrongCode,
  kRecovery,
  kFailedRecovery,
  kSheet,
  kEnrolment,
  kConfirmation,
  kGate,
};

enum class Heard : std::uint8_t {
  kNothing,  // it may have happened or not
  kDone,     // acknowledged: it has happened
  kRefused,  // it has not happened
};

struct Entry {
  Deed deed = Deed::kLogin;
  Heard heard = Heard::kNothing;
  std::int64_t number = 0;  // step, place of the first backup code, state of the gate
  char account[32] = "";
  char text[1024] = "";  // the answer, where it is needed

  void Done(const std::string& answer = "") {
    answer.copy(text, sizeof text - 1);
    heard = Heard::kDone;  // last: what is read after a crash is whole
  }
  void Refuse() { heard = Heard::kRefused; }
};

class Ledger {
 public:
  // Before the question is sent. `started` counts everybody's.
  Entry& Begin(Deed deed, const std::string& account, std::int64_t number, SharedNumber& started) {
    Entry& entry = entries_[count_];
    entry = Entry{deed, Heard::kNothing, number, "", ""};
    account.copy(entry.account, sizeof entry.account - 1);
    ++count_;
    started.Add();
    return entry;
  }
  bool IsFull() const { return count_ == kMost; }
  void Clear() { count_ = 0; }
  std::vector<Entry> Entries() const { return {entries_, entries_ + count_}; }

 private:
  static constexpr std::size_t kMost = 100;
  Entry entries_[kMost];
  std::size_t count_ = 0;
};

}  // namespace sparekey::races
