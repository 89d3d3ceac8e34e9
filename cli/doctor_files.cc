// SPDX-License-Identifier: Apache-2.0
// Clock, files and disk.
#include <sys/stat.h>

#include <array>
#include <cstdio>

#include "cli/doctor.h"
#include "core/files.h"
#include "core/sqlite_store.h"
#include "core/store_renewal.h"

namespace sparekey {
namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t kTooLittle = 16 * kMebibyte, kLittle = 200 * kMebibyte;
constexpr std::uint64_t kFewNodes = 100;

std::string Octal(mode_t mode) {
  std::array<char, 12> text{};
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode));
  return text.data();
}

std::string_view NameOf(FileKind kind) {
  switch (kind) {
    case FileKind::kFile:
      return "a file";
    case FileKind::kFolder:
      return "a folder";
    case FileKind::kSocket:
      return "a socket";
    default:
      return "of another kind";
  }
}

struct Wanted {
  std::string path;
  FileKind kind = FileKind::kFile;
  mode_t most = 0600;          // no permission beyond these
  bool must_be_there = false;  // else it is looked at where it is
  const char* missing = "";    // what to do where it is missing
  bool may_be_roots = false;   // also where sparekey runs as somebody else
};

void CheckFile(const System& system, const Wanted& wanted, Findings& findings) {
  const FileFacts facts = system.look(wanted.path);
  const auto problem = [&](const std::string& found, const std::string& advice) {
    findings.push_back({"files", Severity::kProblem, wanted.path + ' ' + found, advice});
  };
  if (facts.kind == FileKind::kMissing) {
    if (wanted.must_be_there) problem("is missing.", wanted.missing);
    return;
  }
  if (facts.kind == FileKind::kHidden) {
    findings.push_back({"files.hidden", Severity::kWarning, wanted.path + " cannot be looked at.",
                        "Run doctor as root."});
    return;
  }
  if (facts.kind != wanted.kind) {
    return problem("is not " + std::string(NameOf(wanted.kind)) + '.', "Put the right one there.");
  }
  const bool roots = facts.owner == 0 && wanted.may_be_roots;
  if (facts.owner != system.user && !roots) {
    problem("belongs to uid " + std::to_string(facts.owner) + '.',
            "Run: chown " + std::to_string(system.user) + ' ' + wanted.path);
  }
  // In a folder like /tmp nobody can take away what is another's.
  const bool shared = wanted.may_be_roots && (facts.mode & S_ISVTX) != 0;
  if (!shared && (facts.mode & 0777 & ~wanted.most) != 0) {
    problem("has the mode " + Octal(facts.mode) + ", which lets others in.",
            "Run: chmod " + Octal(facts.mode & wanted.most) + ' ' + wanted.path);
  }
}

}  // namespace

Findings CheckClock(const System& system) {
  if (system.now < system.built) {
    return {{"clock.wrong", Severity::kProblem,
             "The clock says " + FormatLocalTime(system.now) +
                 ", before this program was released: no time-based code is accepted.",
             "Set the clock, and keep it right with chrony or systemd-timesyncd."}};
  }
  if (!system.clock_synchronised) {
    return {{"clock.not_synchronised", Severity::kWarning,
             "Nothing keeps the clock right; it says " + FormatLocalTime(system.now) +
                 ". A clock that is a minute off refuses every time-based code.",
             "Install and start chrony or systemd-timesyncd."}};
  }
  return {{"clock.synchronised", Severity::kOk, "The clock is synchronised.", ""}};
}

bool IsNotSetUp(const System& system, const Config& config, const OwnFacts& own) {
  return !own.service_answers && !system.Exists(config.master_key) &&
         !system.Exists(NewKeyPath(config.master_key)) &&
         !system.Exists(config.state_dir + '/' + kStoreFile);
}

Findings CheckFiles(const System& system, const Config& config, const OwnFacts& own) {
  Findings findings;
  const bool set_up = !IsNotSetUp(system, config, own);
  const char* missing =
      "Put it back from a backup. Lost for good: sparekey console reset --new-key";
  std::vector<Wanted> wanted = {
      {ParentFolder(config.path), FileKind::kFolder, 0755, false, "", true},
      {config.path, FileKind::kFile, 0644, false, "", true},
      {config.master_key, FileKind::kFile, 0600, set_up, missing},
      {config.state_dir, FileKind::kFolder, 0700, set_up, missing},
      {config.state_dir + '/' + kStoreFile, FileKind::kFile, 0600, set_up, missing},
  };
  for (const char* name : {"sparekey.db-wal", kLockFile, kReserveFile}) {
    wanted.push_back({config.state_dir + '/' + name, FileKind::kFile, 0600});
  }
  // What does not pass here is not run: sparekey alerts test names it, too.
  wanted.push_back({config.notify_dir, FileKind::kFolder, 0755, false, "", true});
  for (const std::string& program : system.List(config.notify_dir + "/*")) {
    wanted.push_back({program, FileKind::kFile, 0755, false, "", true});
  }
  const std::string run = ParentFolder(config.socket);
  if (run != config.state_dir) wanted.push_back({run, FileKind::kFolder, 0755, false, "", true});
  // Without the service they are not there; it is told as such.
  const char* restart = "Restart the service: systemctl restart sparekeyd.socket sparekeyd";
  wanted.push_back({config.socket, FileKind::kSocket, 0666, own.service_answers, restart});
  wanted.push_back({config.PamSocket(), FileKind::kSocket, 0600, own.service_answers, restart});
  for (const Wanted& one : wanted) CheckFile(system, one, findings);
  if (set_up && !system.Exists(config.state_dir + '/' + kReserveFile) &&
      system.Exists(config.state_dir)) {
    findings.push_back(
        {"files.reserve", Severity::kWarning,
         "The reserve file is missing, which makes room for a console reset on a full "
         "disk.",
         "Make room on the disk and restart sparekeyd: it makes a new one."});
  }
  if (findings.empty() && set_up) {
    findings.push_back({"files.modes", Severity::kOk,
                        "Files, folders and sockets have the right owners and modes.", ""});
  }
  return findings;
}

Findings CheckDisk(const System& system, const Config& config) {
  const auto disk = system.measure(config.state_dir);
  if (!disk) return {};  // a folder that is missing is told as such
  const std::string left = std::to_string(disk->bytes_free / kMebibyte) + " MiB";
  const bool few_nodes = disk->counts_nodes && disk->nodes_free < kFewNodes;
  const std::string what = few_nodes ? std::to_string(disk->nodes_free) + " files" : left;
  if (disk->bytes_free < kTooLittle || few_nodes) {
    return {{"disk.full", Severity::kProblem,
             "The disk of " + config.state_dir + " has room for " + what +
                 " more: when it is full, every login that needs a code is denied.",
             "Make room there."}};
  }
  if (disk->bytes_free < kLittle) {
    return {{"disk.low", Severity::kWarning,
             "The disk of " + config.state_dir + " has only " + left + " left.",
             "Make room there before logins are denied."}};
  }
  return {{"disk.room", Severity::kOk, "The disk of the store has room.", ""}};
}

}  // namespace sparekey
