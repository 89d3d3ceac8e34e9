// SPDX-License-Identifier: Apache-2.0
// A new file for secrets: never an existing one, 0600 from its first moment, on disk before the
// program goes on. Made before the secret exists, so that a full or wrong place costs nothing.
#pragma once

#include <string>
#include <string_view>

#include "core/files.h"
#include "core/result.h"

namespace sparekey {

class NewFile {
 public:
  // O_EXCL: kConflict where something of this name exists, a symbolic link included.
  static Result<NewFile> Create(const std::string& path);
  NewFile(NewFile&& other) = default;
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  NewFile& operator=(NewFile&&) = delete;
  // Removes the file unless it was finished.
  ~NewFile();

  // Writes all of it and syncs file and folder. Once.
  Status Finish(std::string_view content);
  const std::string& path() const { return path_; }

 private:
  NewFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  UniqueFd fd_;  // open until it is finished
};

}  // namespace sparekey
