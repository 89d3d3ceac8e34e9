// SPDX-License-Identifier: Apache-2.0
// The folder that `user enroll --from` fills: NAME.otpauth with an account's key URI, NAME.txt or
// NAME.json with its sheet. Nobody else can look in. What stands there says how far the command has
// come: a sheet's file that is empty waits for its sheet.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/otpauth.h"
#include "core/result.h"
#include "core/unique_fd.h"

namespace sparekey {

// The name of an account as a file's: what begins with a dot is hidden, and '%' begins an escape.
std::string FileNameOf(std::string_view account);

enum class SheetFile { kNone, kEmpty, kFull };

class SecretFolder {
 public:
  // Makes it (0700) where it is missing. kNotAllowed: another user's, or open to others.
  static Result<SecretFolder> Open(const std::string& path, std::string sheet_extension);
  // The same without making it; nullopt: it is missing.
  static Result<std::optional<SecretFolder>> Look(const std::string& path,
                                                  std::string sheet_extension);

  // nullopt: no file, or one that a crash left without its line. kInvalid: something else.
  Result<std::optional<OtpauthUri>> LoadUri(const std::string& account) const;
  // Where LoadUri has found none. Durable after Sync.
  Status StoreUri(const std::string& account, const SecretBytes& uri) const;
  void RemoveUri(const std::string& account) const;

  Result<SheetFile> LookAtSheet(const std::string& account) const;
  Status PromiseSheet(const std::string& account) const;  // an empty file; durable after Sync
  void RemovePromise(const std::string& account) const;
  // In the place of the promise: whole or not at all, durable at once but for its name, which Sync
  // makes so.
  Status StoreSheet(const std::string& account, const SecretBytes& sheet) const;

  // Everything so far is on the disk.
  Status Sync() const;
  std::string UriPath(const std::string& account) const;

  static constexpr std::size_t kLongestFileName = 240;  // of FileNameOf; 255 with what is added

 private:
  SecretFolder(std::string path, UniqueFd fd, std::string extension)
      : path_(std::move(path)), fd_(std::move(fd)), sheet_extension_(std::move(extension)) {}
  std::string PathOf(const std::string& file) const { return path_ + '/' + file; }
  std::string SheetName(const std::string& account) const;
  Result<UniqueFd> OpenOwn(const std::string& file, int flags) const;
  Status Write(const std::string& file, int flags, const SecretBytes& text, bool sync) const;

  std::string path_;
  UniqueFd fd_;
  std::string sheet_extension_;  // ".txt"
};

}  // namespace sparekey
