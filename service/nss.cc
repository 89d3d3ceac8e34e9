// SPDX-License-Identifier: Apache-2.0
// getpwnam and groups with errors told apart from "no such user" (service/directory.h).
#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "core/account.h"
#include "service/directory.h"

namespace sparekey {
namespace {

constexpr std::size_t kFirstBuffer = 1024;
constexpr std::size_t kLargestBuffer = 4 * 1024 * 1024;  // a group's members are listed in it
constexpr char kNoSuchGroup[] = "sparekey-no-such-group";
constexpr int kMostGroups = 65536;  // NGROUPS_MAX of Linux

Error NssError(const char* what, int error) {
  return {ErrorCode::kUnavailable, std::string("the user directory cannot be asked (") + what +
                                       "): " + std::strerror(error)};
}

// Calls one of the get…_r functions with larger buffers until its entry fits. 0 and no entry: none.
template <typename Entry, typename Call>
int CallWithBuffer(std::vector<char>& buffer, Entry** entry, Call call) {
  if (buffer.empty()) buffer.resize(kFirstBuffer);
  for (;;) {
    *entry = nullptr;
    const int error = call(buffer.data(), buffer.size(), entry);
    if (error == EINTR) continue;
    if (error == ERANGE && buffer.size() < kLargestBuffer) {
      buffer.resize(buffer.size() * 4);
      continue;
    }
    // getpwnam(3): these, too, say that there is no such entry.
    if (*entry == nullptr && (error == ENOENT || error == ESRCH)) return 0;
    return error;
  }
}

Result<std::vector<gid_t>> GroupIds(const char* name, gid_t primary) {
  std::vector<gid_t> groups(64);
  for (;;) {
    int count = static_cast<int>(groups.size());
    const int status = getgrouplist(name, primary, groups.data(), &count);
    if (status >= 0) {
      groups.resize(static_cast<std::size_t>(count));
      return groups;
    }
    if (count <= static_cast<int>(groups.size()) || count > kMostGroups) {
      return NssError("groups", count > kMostGroups ? E2BIG : EIO);
    }
    groups.resize(static_cast<std::size_t>(count));
  }
}

// Not through CallWithBuffer: ENOENT, too, is a source that failed; "not found" is 0.
bool DoAllGroupSourcesAnswer() {
  group storage{};
  group* found = nullptr;
  std::vector<char> buffer(kFirstBuffer);
  const int error = getgrnam_r(kNoSuchGroup, &storage, buffer.data(), buffer.size(), &found);
  return error == 0 || error == ERANGE;
}

}  // namespace

Result<std::optional<Identity>> AskNss(const std::string& name) {
  if (!IsAccountName(name)) return std::optional<Identity>();
  std::vector<char> buffer;
  passwd storage{};
  passwd* user = nullptr;
  int error = CallWithBuffer(buffer, &user, [&](char* bytes, std::size_t size, passwd** entry) {
    return getpwnam_r(name.c_str(), &storage, bytes, size, entry);
  });
  if (error != 0) return NssError("user", error);
  if (user == nullptr) return std::optional<Identity>();
  Identity identity;
  identity.name = user->pw_name;
  identity.uid = user->pw_uid;
  const auto ids = GroupIds(identity.name.c_str(), user->pw_gid);
  if (!ids) return ids.error();
  for (const gid_t id : *ids) {
    group group_storage{};
    group* found = nullptr;
    error = CallWithBuffer(buffer, &found, [&](char* bytes, std::size_t size, group** entry) {
      return getgrgid_r(id, &group_storage, bytes, size, entry);
    });
    if (error != 0) return NssError("group", error);
    if (found != nullptr) identity.groups.emplace_back(found->gr_name);
  }
  identity.groups_complete = DoAllGroupSourcesAnswer();  // after the lists: it may fail between
  return std::optional<Identity>(std::move(identity));
}

}  // namespace sparekey
