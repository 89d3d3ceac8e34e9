// SPDX-License-Identifier: Apache-2.0
// New passwords of accounts before a console reset, through PAM with the terminal as its
// conversation.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/result.h"

namespace sparekey {

// The uid in the account's own line of the passwd(5) file; a directory's account has none.
std::optional<uid_t> FindLocalUid(const std::string& account,
                                  const std::string& passwd_file = "/etc/passwd");

struct PasswordChange {
  Status status = Ok();
  bool given_up = false;  // by the person
};

// PAM service "passwd"; asks again after a refused password, three times in all. `confdir` is for
// a private service folder.
PasswordChange SetPassword(const std::string& account, const char* confdir = nullptr);

// The same by the system's own passwd(1): for a mounted system, whose PAM modules do not belong
// into this process. Only who interrupts it is known to have given up.
PasswordChange SetPasswordByProgram(const std::string& account);

}  // namespace sparekey
