// SPDX-License-Identifier: Apache-2.0
#include "cli/local_users.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace sparekey {
namespace {

std::vector<std::vector<std::string>> ReadRows(const System& system, const char* path,
                                               std::size_t fields) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(system.Read(path).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    auto row = SplitFields(line, ':');
    if (row.size() >= fields) rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<long> ParseNumber(const std::string& text) {
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

// crypt(5): "$id$…", the two old kinds, and nothing that a '!' or '*' has locked.
bool IsHash(const std::string& field) {
  constexpr std::string_view kDes =
      "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  if (field.starts_with('$')) return field.find('$', 1) != std::string::npos;
  if (field.size() == 20 && field[0] == '_') return true;
  return field.size() == 13 && field.find_first_not_of(kDes) == std::string::npos;
}

bool TakesCommands(const std::string& shell) {
  const std::string program = shell.substr(shell.rfind('/') + 1);
  return program != "nologin" && program != "false" && program != "sync" && program != "true" &&
         program != "shutdown" && program != "halt";
}

}  // namespace

LocalUsers::LocalUsers(const System& system) {
  sees_passwords_ = system.Read("/etc/shadow").has_value();
  std::map<std::string, bool> usable;
  const long today =
      std::chrono::duration_cast<std::chrono::hours>(system.now.time_since_epoch()).count() / 24;
  for (const auto& row : ReadRows(system, "/etc/shadow", 2)) {
    const auto expires = row.size() > 7 ? ParseNumber(row[7]) : std::nullopt;
    usable[row[0]] = IsHash(row[1]) && !(expires && *expires <= today);
  }
  for (const auto& row : ReadRows(system, "/etc/passwd", 7)) {
    const auto uid = ParseNumber(row[2]), gid = ParseNumber(row[3]);
    if (!uid || !gid) continue;
    const bool shadowed = row[1] == "x";
    users_.push_back({row[0], static_cast<uid_t>(*uid), static_cast<gid_t>(*gid),
                      TakesCommands(row[6]), shadowed ? usable[row[0]] : IsHash(row[1])});
  }
  for (const auto& row : ReadRows(system, "/etc/group", 4)) {
    const auto id = ParseNumber(row[2]);
    if (id) groups_[row[0]] = {static_cast<gid_t>(*id), SplitFields(row[3], ',')};
  }
}

bool LocalUsers::IsMember(const LocalUser& user, const std::string& group) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return false;
  const auto& members = found->second.members;
  return found->second.id == user.group ||
         std::find(members.begin(), members.end(), user.name) != members.end();
}

std::vector<std::string> LocalUsers::GroupsOf(const LocalUser& user) const {
  std::vector<std::string> names;
  for (const auto& [name, group] : groups_) {
    if (IsMember(user, name)) names.push_back(name);
  }
  return names;
}

}  // namespace sparekey
