// SPDX-License-Identifier: Apache-2.0
// One login by one process, through libpam or the command line, that stops before its last answer.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/pam/pam_login.h"
#include "tests/support/real_service.h"

namespace sparekey::races {

enum class Way : std::uint8_t {
  kPam,          // asked by sparekeyd
  kPamAskFirst,  // asked by the module before any contact; one trip
  kCommand,      // sparekey verify, sparekey recover, at a terminal
};
enum class Door : std::uint8_t { kSsh, kWeb, kOther };

// Lies in memory that processes share: no pointers.
struct Attempt {
  Way way = Way::kPam;
  Door door = Door::kSsh;
  char account[32] = "";
  char codes[2][24] = {"", ""};  // a one-time code, or two backup codes

  bool IsRecovery() const { return codes[1][0] != '\0'; }
};
Attempt OneTime(Way way, Door door, const std::string& account, const std::string& code);
Attempt Recovery(Way way, Door door, const std::string& account, const std::string& first,
                 const std::string& second);

enum class Ending : std::uint8_t {
  kNone,
  kAccept,
  kDenied,  // wrong, replayed
  kNotAnAttempt,
  kLocked,
  kSuperLocked,
  kGateClosed,
  kUndecided,  // busy, or no answer in time: an error, which denies
  kBroken,     // nothing that a login may end in
};
const char* ToString(Ending ending);
inline std::ostream& operator<<(std::ostream& out, Ending ending) {
  return out << ToString(ending);
}

// The PAM services and programs that lead to one sparekeyd. Made before the processes are.
class Ways {
 public:
  explicit Ways(const testing::RealService& service);
  // `last` is called before the last answer is given, where it comes to that.
  Ending Run(const Attempt& attempt, const std::function<void()>& last) const;

 private:
  Ending RunPam(const Attempt& attempt, const std::function<void()>& last) const;
  Ending RunCommand(const Attempt& attempt, const std::function<void()>& last) const;

  const testing::RealService& service_;
  PamServices services_;
};

}  // namespace sparekey::races
