// SPDX-License-Identifier: Apache-2.0
#include "cli/line_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "core/files.h"

namespace sparekey {

LineReader::LineReader(int fd) : fd_(fd), buffer_(4 * kLongestListLine) {}

// False at the end of the file.
Result<bool> LineReader::Fill() {
  const auto space = buffer_.Expose();
  std::copy(space.begin() + static_cast<std::ptrdiff_t>(begin_),
            space.begin() + static_cast<std::ptrdiff_t>(end_), space.begin());
  end_ -= begin_;
  begin_ = 0;
  const auto rest = space.subspan(end_);
  for (;;) {
    const ssize_t got = read(fd_, rest.data(), rest.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("the list", "read");
    end_ += static_cast<std::size_t>(got);
    return got > 0;
  }
}

Result<std::optional<std::string_view>> LineReader::Next() {
  for (;;) {
    const std::string_view text = buffer_.ExposeText().substr(begin_, end_ - begin_);
    const std::size_t length = std::min(text.find('\n'), text.size());
    const bool whole = length < text.size() || (at_end_ && !text.empty());
    if (length > kLongestListLine) {
      return Invalid("line " + std::to_string(number_ + 1) + ": longer than " +
                     std::to_string(kLongestListLine) + " bytes");
    }
    if (whole) {
      begin_ += std::min(length + 1, text.size());
      ++number_;
      return std::optional(text.substr(0, length));
    }
    if (at_end_) return std::optional<std::string_view>();
    const auto more = Fill();
    if (!more) return more.error();
    at_end_ = !*more;
  }
}

}  // namespace sparekey
