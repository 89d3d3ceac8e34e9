// SPDX-License-Identifier: Apache-2.0
// Text that comes from outside: is it UTF-8, and how does it fit into one line of a log?
#pragma once

#include <string>
#include <string_view>

namespace sparekey::pam {

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

// Printable ASCII as it is, everything else (and the backslash) as \xNN; cut after 256 bytes.
std::string Escaped(std::string_view text);

}  // namespace sparekey::pam
