// SPDX-License-Identifier: Apache-2.0
// QR codes (libqrencode, error correction M) for the terminal, as SVG and as PNG; always black on
// white with a quiet zone of 4 modules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace sparekey {

// Half blocks in UTF-8, with ANSI colours so that it is black on white on any terminal.
Result<std::string> QrForTerminal(std::string_view text);
// The same for a screen of 80x24 without colours: half blocks alone, error correction L, a quiet
// zone of 2 modules, a text a line. The light modules are drawn, or with `dark_on_light`, for black
// letters on white, the dark ones.
Result<std::vector<std::string>> QrAsLines(std::string_view text, bool dark_on_light);
Result<std::string> QrAsSvg(std::string_view text);
Result<std::string> QrAsPng(std::string_view text);  // 8 pixels a module

}  // namespace sparekey
