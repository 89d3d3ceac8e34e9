// SPDX-License-Identifier: Apache-2.0
// The process that holds the store when the service does not answer: shown, and ended if asked.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/result.h"

namespace sparekey {

// "process 812 (/usr/sbin/sparekeyd), stopped"; what /proc does not tell is left out. 0: one that
// this pid namespace does not see.
std::string DescribeHolder(pid_t pid);

// SIGKILL by pidfd, after making sure that the process still holds the store, and waits for its
// end (5 s). Not SIGTERM: a stopped process would not heed it, and the store survives a kill.
Status EndHolder(const std::string& state_dir, pid_t pid);

bool IsDiskFull(const std::string& state_dir);  // of bytes or of files
bool HasReserve(const std::string& state_dir);
// Gives up the reserve file if the disk of the store is full. false: there is no more room than
// before.
bool MakeRoomOnFullDisk(const std::string& state_dir);

}  // namespace sparekey
