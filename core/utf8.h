// SPDX-License-Identifier: Apache-2.0
// Whether text that comes from outside is text. libc only, so that the PAM module can use it too.
#pragma once

#include <string_view>

namespace sparekey {

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

}  // namespace sparekey
