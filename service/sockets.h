// SPDX-License-Identifier: Apache-2.0
// The service's two listening sockets: systemd's where it has them, its own otherwise.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "core/result.h"

namespace sparekey {

// Both sockets, listening. Owns the descriptors until they are taken.
class Sockets {
 public:
  Sockets() = default;
  Sockets(Sockets&& other) noexcept;
  Sockets& operator=(Sockets&& other) noexcept;
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  // Closes what was not taken; removes own sockets' files, unless somebody else's are there now.
  ~Sockets();

  int TakePam();
  int TakeApi();
  bool are_systemds() const { return own_[0].path.empty() && own_[1].path.empty(); }

 private:
  friend Result<Sockets> OpenSockets(const std::string& pam_path, const std::string& api_path);
  struct OwnFile {
    std::string path;  // "" for systemd's
    dev_t device = 0;
    ino_t inode = 0;
  };
  int fds_[2] = {-1, -1};
  OwnFile own_[2];
};

// systemd's sockets are those named "pam" and "api" (FileDescriptorName=); they must be where the
// configuration says, and pam's must be its owner's alone. Own ones (pam 0600, api 0666) appear at
// their path when they are ready, replacing what a dead process left. Their folder is made (0755)
// where it is missing in a parent to which the same rules apply. An error where a live process
// listens already, where something else lies there, or where others may write to the folder.
Result<Sockets> OpenSockets(const std::string& pam_path, const std::string& api_path);

// sd_notify(3); without systemd they do nothing.
// Before what may take long: a start of `time` from now is no failure.
void NotifyStarting(std::chrono::seconds time);
void NotifyReady(const std::string& status);
void NotifyStopping();

}  // namespace sparekey
