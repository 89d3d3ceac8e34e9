// SPDX-License-Identifier: Apache-2.0
#include "cli/authenticator_text.h"

#include "cli/text.h"

namespace sparekey {

std::string CodesText(const Json& authenticator) {
  const std::string type = TextOf(authenticator, "type");
  std::string text = type + ' ' + std::to_string(NumberOf(authenticator, "digits")) + " digits " +
                     TextOf(authenticator, "algorithm");
  if (type == "totp") text += ' ' + std::to_string(NumberOf(authenticator, "interval")) + " s";
  return text;
}

std::string LastUsedText(const Json& authenticator) {
  const std::string used = TextOf(authenticator, "last_used");
  return used.empty() ? "never" : LocalTime(used);
}

}  // namespace sparekey
