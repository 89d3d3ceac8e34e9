// SPDX-License-Identifier: Apache-2.0
// The users of passwd(5), shadow(5) and group(5): those who can log in while every directory is
// away.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "cli/system.h"

namespace sparekey {

struct LocalUser {
  std::string name;
  uid_t uid = 0;
  gid_t group = 0;
  bool has_shell = false;     // one that takes commands
  bool has_password = false;  // a hash that some password fits, not locked, not expired
};

class LocalUsers {
 public:
  explicit LocalUsers(const System& system);

  const std::vector<LocalUser>& all() const { return users_; }
  bool sees_passwords() const { return sees_passwords_; }  // shadow(5) could be read
  bool IsMember(const LocalUser& user, const std::string& group) const;
  std::vector<std::string> GroupsOf(const LocalUser& user) const;  // the primary one included

 private:
  struct Group {
    gid_t id = 0;
    std::vector<std::string> members;
  };
  std::vector<LocalUser> users_;
  std::map<std::string, Group> groups_;
  bool sees_passwords_ = false;
};

}  // namespace sparekey
