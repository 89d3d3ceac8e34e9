// SPDX-License-Identifier: Apache-2.0
// What the checks of the set-up ask of the machine. Tests give recorded answers.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"

namespace sparekey {

enum class FileKind { kMissing, kHidden, kFile, kFolder, kLink, kSocket, kOther };

struct FileFacts {
  FileKind kind = FileKind::kMissing;  // of the path itself, links are not followed
  uid_t owner = 0;
  mode_t mode = 0;  // permission bits
};

struct DiskFacts {
  std::uint64_t bytes_free = 0;  // for root
  std::uint64_t nodes_free = 0;
  bool counts_nodes = false;  // some file systems have no number of them
};

struct CommandResult {
  int status = -1;  // -1: could not be run, or did not end in time
  std::string out, err;
};

// A process on a terminal that is no pseudo-terminal.
struct TerminalProcess {
  std::string program;   // the kernel's short name: "agetty"
  std::string terminal;  // below /dev: "tty1"
};

struct System {
  std::string root;  // stands before every path that is read or listed
  uid_t user = 0;    // whom the files of sparekey must belong to
  TimePoint now{};
  TimePoint built{};
  bool clock_synchronised = false;
  std::function<CommandResult(const std::vector<std::string>& command)> run;
  std::function<FileFacts(const std::string& path)> look;
  std::function<std::optional<DiskFacts>(const std::string& path)> measure;
  std::function<std::vector<TerminalProcess>()> list_terminals;

  // At most 1 MiB; nothing where it cannot be read.
  std::optional<std::string> Read(const std::string& path) const;
  // Paths that match a glob(7) pattern, in order.
  std::vector<std::string> List(const std::string& pattern) const;
  bool Exists(const std::string& path) const { return look(path).kind != FileKind::kMissing; }
};

// This machine, as it is now.
System RealSystem();

// Lines without what stands behind '#' and without blanks at both ends; a line that ends in '\'
// goes on in the next one. Empty ones are left out, so that SplitWords finds a word in each.
std::vector<std::string> PlainLines(const std::string& text);
std::vector<std::string> SplitWords(const std::string& line);
// Empty fields count: "a::b" has three.
std::vector<std::string> SplitFields(const std::string& line, char separator);

}  // namespace sparekey
