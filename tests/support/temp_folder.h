// SPDX-License-Identifier: Apache-2.0
// A folder for one test, removed with what is in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace sparekey {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sparekey-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Writes a file that nobody else may write to.
  std::string Write(std::string_view name, std::string_view text) const {
    std::ofstream(File(name), std::ios::binary) << text;
    std::filesystem::permissions(File(name), std::filesystem::perms(0644));
    return File(name);
  }

 private:
  std::string path_;
};

}  // namespace sparekey
