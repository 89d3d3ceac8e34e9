// SPDX-License-Identifier: Apache-2.0
// Configuration files: refused with one line, or read; and the PAM module's own reader then says
// the same about the console.
#include "service/config.h"

#include <cstdlib>

#include "pam/text.h"
#include "tests/support/temp_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sparekey::TempFolder folder;
  const std::string path =
      folder.Write("sparekey.conf", {reinterpret_cast<const char*>(data), size});
  const auto console = sparekey::LoadConsoleConfig(path);
  sparekey::ConfigOptions options;
  options.config = path;
  const auto config = sparekey::LoadConfig(options);
  if (!config) {
    const std::string& message = config.error().message;
    if (message.empty() || message.find_first_of("\n\r\x1b") != message.npos) std::abort();
    return 0;
  }
  if (config->console.ttys != console.ttys || config->console.services != console.services ||
      config->console.allow_root != console.allow_root) {
    std::abort();
  }
  return 0;
}
