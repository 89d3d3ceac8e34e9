// SPDX-License-Identifier: Apache-2.0
// An account's first authenticator: whom it may be given to, and what it does to the records. One
// enrolment and a list of them share these rules.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "service/backend.h"
#include "service/new_authenticator.h"

namespace sparekey {

struct FirstAuthenticator {
  Identity identity;
  NewAuthenticator made;
  TimePoint now{};
};

// Whom the directory means by `name`. kNotFound: nobody. kConflict: another name of an account that
// is there. kUnavailable: no answer, or not all groups are known.
using Enrollable = std::function<void(Result<Identity> identity)>;
void IdentifyForEnrolment(const Backend& backend, Directory& whose, const std::string& name,
                          Enrollable found);

// Over the record of the identity's name and, where KeysWithHolder found one, of its uid's holder.
// kConflict: the account is enrolled already. Without a sheet, an older one is void.
Result<Changes> InstallFirst(Records& records, const FirstAuthenticator& first,
                             std::optional<Sheet> sheet);

}  // namespace sparekey
