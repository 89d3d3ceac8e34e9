// SPDX-License-Identifier: Apache-2.0
// Sits down at a real console terminal: as root, in a process of its own, on a virtual terminal
// that nobody uses. Where a machine has none (a container), the caller has to say something else.
#pragma once

#include <functional>
#include <string>

namespace sparekey {

// For a process that is not a leader of its process group: gets it out of its parents' login
// (adopted by init, out of a remote session's cgroup) and into a session of its own.
void LeaveLogin();

// For a session leader: makes a private console terminal the controlling one and standard input and
// output, and returns its path; "" where there is none.
std::string TakeConsoleTerminal();

// Gives back what the kernel keeps for a virtual terminal that was used once.
void FreeConsoleTerminal(const std::string& path);

// Runs `work` at a console terminal, in a process that is adopted by init, and returns what it
// returned; "no terminal" where there is none.
std::string RunAtConsole(const std::function<std::string()>& work);
// The same without any terminal.
std::string RunAsDaemon(const std::function<std::string()>& work);

}  // namespace sparekey
