// SPDX-License-Identifier: Apache-2.0
// The authenticators of an enrolled account: list, add, renew, remove, and move a HOTP counter on.
// All share the account's one counter of failures; each has a mark of its own.
#pragma once

#include <string>

#include "service/backend.h"

namespace sparekey {

class Authenticators {
 public:
  explicit Authenticators(const Backend& backend) : backend_(backend) {}

  void List(const std::string& name, Respond respond) const;
  // Both begin what a confirmation ends; until then the old ones count alone.
  void Add(const std::string& name, const HttpRequest& request, Respond respond) const;
  void Renew(const std::string& name, const std::string& label, const HttpRequest& request,
             Respond respond) const;
  void Remove(const std::string& name, const std::string& label, Respond respond) const;
  // Two consecutive codes find the counter of a HOTP authenticator again (RFC 4226 section 7.4).
  void Resync(const std::string& name, const HttpRequest& request, Respond respond) const;

 private:
  // `renewed`: the label whose authenticator is replaced; nullopt: one is added.
  void Begin(const std::string& name, const std::optional<std::string>& renewed,
             const HttpRequest& request, Respond respond) const;

  const Backend& backend_;
};

}  // namespace sparekey
