// SPDX-License-Identifier: Apache-2.0
// How text that comes from outside fits into one line of a log.
#pragma once

#include <string>
#include <string_view>

namespace sparekey::pam {

// Printable ASCII as it is, everything else (and the backslash) as \xNN; cut after 256 bytes.
std::string Escaped(std::string_view text);

}  // namespace sparekey::pam
