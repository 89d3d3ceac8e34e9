// SPDX-License-Identifier: Apache-2.0
// Private files: descriptors that close themselves, checks of owner and mode, errors that name the
// path and what to do.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"
#include "core/unique_fd.h"

namespace sparekey {

// "PATH: cannot ACTION: reason", with the reason of errno: kNotFound (ENOENT), kNotAllowed (no
// permission, or a symbolic link where none may be), else kUnavailable.
Error SystemError(const std::string& path, std::string_view action);

// kNotAllowed unless this process's user owns it and `info` has no mode bits beyond `most`.
Status CheckPrivate(const struct stat& info, const std::string& path, mode_t most);

// Opens a regular file that CheckPrivate accepts (0600 or stricter), never through a symbolic link.
Result<UniqueFd> OpenPrivate(const std::string& path, int flags);

Status WriteAll(int fd, std::span<const std::uint8_t> bytes, const std::string& path);

// Makes the names in a folder durable.
Status SyncFolder(const std::string& path);
std::string ParentFolder(const std::string& path);

}  // namespace sparekey
