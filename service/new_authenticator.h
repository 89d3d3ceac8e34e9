// SPDX-License-Identifier: Apache-2.0
// A new authenticator on its way: made from a request and the policy, shown once, proven by a code.
// First enrolment, adding and renewing share it.
#pragma once

#include <string>

#include "lockout/decide.h"
#include "service/json.h"

namespace sparekey {

struct NewAuthenticator {
  Authenticator authenticator;
  bool confirm = true;  // false: active at once, without a proof
};
// From "label", "type", "digits", "interval", "algorithm", "secret" (base32 of 16 to 64 bytes,
// wiped in `object`), "counter" (HOTP: of its next code) and "confirm". What is not given is the
// policy's; a new secret has the length of the algorithm's output (RFC 6238 section 5.1; 20, 32 or
// 64 bytes). kInvalid names the field.
Result<NewAuthenticator> MakeAuthenticator(Json& object, const Policy& policy, TimePoint now);

// What an account's owner, who is not root, may not wish: another type, digits, interval or
// algorithm than the settings', and to do without the proof.
Status CheckOwnersWishes(bool by_owner, const NewAuthenticator& made, const Policy& policy);

// What is shown once: account, label, parameters, secret and key URI. Holds the secret.
Json DescribeNew(const std::string& account, const NewAuthenticator& made, const Policy& policy,
                 const std::string& host);

// Puts `made` into the account, pending or active at once. `renews`: it replaces the authenticator
// of its label.
void InstallNew(Account& account, const NewAuthenticator& made, std::optional<Sheet> sheet,
                bool renews, TimePoint now, std::vector<Event>& events);

// Proves what is pending with one code, spends its step, and installs it. kNotAllowed with the
// message kWrongCode: the code is wrong.
inline constexpr char kWrongCode[] =
    "that code is wrong; check that the phone sets its time automatically";
Status ProvePending(Account& account, const Policy& policy, const SecretBytes& code,
                    const Clock& clock, std::vector<Event>& events);

// The problem that tells a wrong code from what is not allowed by its own code "wrong_code".
HttpResponse WrongCode(const char* words);

}  // namespace sparekey
