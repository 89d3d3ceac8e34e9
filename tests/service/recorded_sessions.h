// SPDX-License-Identifier: Apache-2.0
// sshd's processes as a test states them, in the place of the kernel's.
#pragma once

#include <sys/sysmacros.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <string>
#include <vector>

#include "service/session_system.h"

namespace sparekey::testing {

// A machine whose processes do what the test says.
class RecordedSystem final : public SessionSystem {
 public:
  std::vector<SshProcess> ListSshProcesses() override {
    ++sweeps;
    return ssh;
  }
  bool SawAll() override { return saw_all; }
  std::vector<LogindSession> ListLogindSessions() override { return logind; }
  std::vector<TerminalUse> ListTerminals() override {
    ++looks_for_terminals;
    return terminals;
  }
  Result<std::unique_ptr<HeldProcess>> Hold(const ProcessId& id) override {
    if (fails) return Error{ErrorCode::kUnavailable, "pidfd_open: Too many open files"};
    if (!Lives(id)) return std::unique_ptr<HeldProcess>();
    return std::unique_ptr<HeldProcess>(std::make_unique<Held>(*this, id));
  }
  bool Tell(dev_t terminal, uid_t owner, std::string_view line) override {
    told.push_back(std::to_string(minor(terminal)) + " of " + std::to_string(owner) +
                   std::string(line));
    return tells;
  }

  void Begin(pid_t pid, pid_t parent, uid_t uid, const std::string& title) {
    ssh.push_back({{pid, 7}, parent, uid, "/usr/sbin/sshd", true, true, title});
  }
  // A monitor and its child, which is pid + 1.
  void LogIn(pid_t pid, uid_t uid, const std::string& name) {
    Begin(pid, 1, 0, "sshd: " + name + " [priv]");
    Begin(pid + 1, pid, uid, "sshd: " + name + "@notty");
  }
  void End(pid_t pid) {
    std::erase_if(ssh, [pid](const SshProcess& one) { return one.id.pid == pid; });
  }
  bool Lives(const ProcessId& id) const {
    return std::ranges::any_of(ssh, [&](const SshProcess& one) { return one.id == id; });
  }

  std::vector<SshProcess> ssh;
  std::vector<LogindSession> logind;
  std::vector<TerminalUse> terminals;
  std::vector<std::string> told, signals;
  bool tells = true, obeys = true, saw_all = true;
  std::atomic<bool> fails = false;  // set by the test while another thread sweeps
  std::atomic<int> sweeps = 0;
  int looks_for_terminals = 0;

 private:
  class Held final : public HeldProcess {
   public:
    Held(RecordedSystem& system, const ProcessId& id) : system_(system), id_(id) {}
    bool HasEnded() override { return !system_.Lives(id_); }
    Status Signal(int number) override {
      system_.signals.push_back((number == SIGTERM ? "term " : "kill ") + std::to_string(id_.pid));
      if (number == SIGKILL) system_.End(id_.pid);
      if (number == SIGTERM && system_.obeys) {
        system_.End(id_.pid);
        system_.End(id_.pid + 1);
      }
      return Ok();
    }

   private:
    RecordedSystem& system_;
    ProcessId id_;
  };
};

}  // namespace sparekey::testing
