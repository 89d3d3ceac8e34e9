// SPDX-License-Identifier: Apache-2.0
#include "tests/support/real_service.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include "core/base32.h"
#include "core/otp.h"
#include "service/client.h"
#include "tests/support/processes.h"

namespace sparekey::testing {
namespace {

using Json = nlohmann::json;
constexpr int kPatienceMilliseconds = 30'000;

int BindNotifySocket(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  unlink(path.c_str());
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot bind " + path);
  }
  return fd;
}

// With SPAREKEY_SANITIZED the programs of that build tree, which were built with a sanitizer.
std::string ProgramOf(const char* built, const char* below) {
  const char* sanitized = std::getenv("SPAREKEY_SANITIZED");
  return sanitized == nullptr ? built : std::string(sanitized) + below;
}
std::string Sparekeyd() { return ProgramOf(SPAREKEYD_PROGRAM, "/service/sparekeyd"); }
std::string Sparekey() { return ProgramOf(SPAREKEY_PROGRAM, "/cli/sparekey"); }

// A service that outlived its test would stay for ever.
[[noreturn]] void BecomeService(const std::string& folder, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int log = open((folder + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(log, STDERR_FILENO);
  setenv("NOTIFY_SOCKET", (folder + "/notify").c_str(), 1);
  execl(Sparekeyd().c_str(), "sparekeyd", "--config", (folder + "/conf").c_str(), "--state-dir",
        (folder + "/state").c_str(), nullptr);
  _exit(126);
}

}  // namespace

std::string Owner::CodeOf(std::int64_t step) const {
  return std::string(
      ComputeOtp(phone.algorithm, phone.secret, static_cast<std::uint64_t>(step), phone.digits)
          .ExposeText());
}

std::int64_t Owner::StepNow() const { return *TotpStep(ReadClock(), phone.interval); }

RealService::RealService() {
  std::ofstream(folder_ / "conf") << "accounts = any\nlog_level = warn\n";
  const auto made = RunProgram(Command({"init"}));
  if (made.status != 0) throw std::runtime_error("sparekey init: " + made.err);
  Start();
}

RealService::~RealService() {
  if (pid_ > 0) Stop();
}

void RealService::Start() {
  const int ready = BindNotifySocket(folder_ / "notify");
  const pid_t parent = getpid();
  pid_ = CheckedFork();
  if (pid_ == 0) BecomeService(folder_.path(), parent);
  AwaitReady(ready);
  close(ready);
}

void RealService::AwaitReady(int ready) {
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  std::array<pollfd, 2> waits{{{ready, POLLIN, 0}, {process, POLLIN, 0}}};
  bool is_ready = false;
  while (!is_ready && poll(waits.data(), waits.size(), kPatienceMilliseconds) > 0 &&
         waits[0].revents != 0) {
    std::array<char, 4096> told{};
    const ssize_t bytes = recv(ready, told.data(), told.size(), 0);
    const std::string_view text(told.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0)));
    is_ready = text.find("READY=1") != std::string_view::npos;
  }
  close(process);
  if (is_ready) return;
  Kill();
  throw std::runtime_error("sparekeyd does not start: " + Log());
}

int RealService::Reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

void RealService::Stop() {
  CheckedKill(pid_, SIGTERM);
  EXPECT_EQ(Reap(), 0) << Log();
}

void RealService::Kill() {
  CheckedKill(pid_, SIGKILL);
  Reap();
}

std::vector<std::string> RealService::Command(const std::vector<std::string>& words) const {
  std::vector<std::string> command{Sparekey(),    "--config",        folder_ / "conf",
                                   "--state-dir", folder_ / "state", "--json"};
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

Json RealService::Try(const std::string& method, const std::string& target,
                      const Json& body) const {
  ApiClient client(api());
  const auto reply = client.Call(method, target, body.is_null() ? "" : body.dump(),
                                 std::chrono::milliseconds(kPatienceMilliseconds));
  if (!reply) return {{"status", 0}, {"body", reply.error().message}};
  return {{"status", reply->status},
          {"body", Json::parse(reply->body.ExposeText(), nullptr, false)}};
}

Json RealService::Call(const std::string& method, const std::string& target,
                       const Json& body) const {
  Json answer = Try(method, target, body);
  const int status = answer["status"];
  EXPECT_TRUE(status >= 200 && status < 300) << method << " " << target << ": " << answer << "\n"
                                             << Log();
  return answer["body"];
}

Owner RealService::MakeOwner(const Json& enrolment) {
  Owner owner;
  owner.name = enrolment.at("account");
  owner.phone.type = *ParseOtpType(enrolment.at("type").get<std::string>());
  owner.phone.algorithm = *ParseHashAlgorithm(enrolment.at("algorithm").get<std::string>());
  owner.phone.digits = enrolment.at("digits");
  owner.phone.interval = std::chrono::seconds(enrolment.at("interval").get<int>());
  owner.phone.secret = *DecodeBase32(enrolment.at("secret").get<std::string>());
  owner.sheet = enrolment.at("backup_codes").get<std::vector<std::string>>();
  owner.sheet_number = enrolment.at("sheet");
  return owner;
}

Owner RealService::Enrol(const std::string& name, const Json& wishes) const {
  Json request = wishes.is_null() ? Json::object() : wishes;
  request["confirm"] = false;
  return MakeOwner(Call("POST", Target(name) + "/enrolment", request));
}

void RealService::NewSheet(Owner& owner) const {
  const Json made = Call("POST", Target(owner.name) + "/backup-codes");
  owner.sheet = made.at("backup_codes").get<std::vector<std::string>>();
  owner.sheet_number = made.at("sheet");
}

}  // namespace sparekey::testing
