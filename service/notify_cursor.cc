// SPDX-License-Identifier: Apache-2.0
#include "service/notify_cursor.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/files.h"

namespace sparekey {
namespace {

constexpr std::uint64_t kCursorKeyId = 2;

std::optional<NotifyCursor> ParseCursor(std::string_view text, TimePoint written) {
  if (!text.ends_with('\n')) return std::nullopt;
  text.remove_suffix(1);
  const std::size_t end = std::min(text.find(' '), text.size());
  NotifyCursor cursor{0, std::string(text.substr(std::min(end + 1, text.size()))), written};
  const auto [at, error] = std::from_chars(text.data(), text.data() + end, cursor.id);
  if (error != std::errc() || at != text.data() + end || cursor.id < 0) return std::nullopt;
  return cursor;
}

}  // namespace

std::string NameStore(const MasterKey& key) {
  constexpr std::size_t kBytes = 8;
  const SecretBytes derived = key.Derive(kCursorKeyId, "notified");
  std::string name;
  for (const std::uint8_t byte : derived.Expose().first(kBytes)) {
    name += fmt::format("{:02x}", byte);
  }
  return name;
}

std::optional<NotifyCursor> ReadNotifyCursor(const std::string& path) {
  const auto fd = OpenPrivate(path, O_RDONLY);
  std::array<char, 64> text{};
  struct stat info {};
  const ssize_t got = fd ? read(fd->get(), text.data(), text.size()) : -1;
  if (got <= 0 || fstat(fd->get(), &info) != 0) return std::nullopt;
  return ParseCursor({text.data(), static_cast<std::size_t>(got)},
                     TimePoint(std::chrono::seconds(info.st_mtim.tv_sec)));
}

Status WriteNotifyCursor(const std::string& path, std::int64_t id, const std::string& store) {
  const std::string draft = path + ".new";
  const UniqueFd fd(
      open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return SystemError(draft, "create");
  const std::string text = std::to_string(id) + (store.empty() ? "" : " " + store) + "\n";
  const Status written =
      WriteAll(fd.get(), {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, draft);
  if (!written) return written;
  if (fdatasync(fd.get()) != 0) return SystemError(draft, "sync");
  if (rename(draft.c_str(), path.c_str()) != 0) return SystemError(path, "create");
  return Ok();
}

}  // namespace sparekey
