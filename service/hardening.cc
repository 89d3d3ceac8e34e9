// SPDX-License-Identifier: Apache-2.0
#include "service/hardening.h"

#include <sodium/core.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace sparekey {

Status HardenProcess() {
  umask(077);
  const rlimit none{0, 0};
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) {
    return Error{ErrorCode::kUnavailable,
                 std::string("core files cannot be switched off: ") + std::strerror(errno)};
  }
  if (sodium_init() < 0) return Error{ErrorCode::kUnavailable, "libsodium cannot be used"};
  return Ok();
}

}  // namespace sparekey
