// SPDX-License-Identifier: Apache-2.0
#include "service/first_factor.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <filesystem>
#include <list>
#include <system_error>
#include <thread>
#include <utility>

#include "core/unique_fd.h"
#include "service/child_process.h"
#include "service/first_factor_child.h"

namespace sparekey {
namespace {

constexpr std::chrono::milliseconds kGrace{500};  // for a killed child to end

Error NotChecked(const std::string& why) {
  return {ErrorCode::kUnavailable, "the password could not be checked: " + why};
}

// Into the empty pipe before anybody can close its other end: neither waits nor raises SIGPIPE.
Status WriteRequest(UniqueFd to, const std::string& name, const SecretBytes& password) {
  static_assert(kMostFirstFactorBytes <= PIPE_BUF);
  SecretBytes request(name.size() + 1 + password.size());
  if (request.size() > kMostFirstFactorBytes) return Invalid("the password is too long");
  std::copy(name.begin(), name.end(), request.Expose().begin());
  std::ranges::copy(password.Expose(), request.Expose().begin() + name.size() + 1);
  const auto bytes = request.ExposeText();
  const bool written = write(to.get(), bytes.data(), bytes.size()) == std::ssize(bytes);
  return written ? Ok() : Status(NotChecked("the pipe takes no request"));
}

// What it wrote; it has ended, so nothing more comes.
std::string ReadVerdict(int from) {
  std::array<char, 16> text{};
  fcntl(from, F_SETFL, O_NONBLOCK);
  const ssize_t got = read(from, text.data(), text.size());
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

// One password, in a thread of its own. `answer` is called once; the thread may stay on with a
// child that does not even die, until `stop` is ready.
class Check {
 public:
  Check(const FirstFactorChild& child, int stop) : settings_(child), stop_(stop) {}

  void Run(const std::string& name, const SecretBytes& password,
           const std::function<void(Result<bool>)>& answer) const {
    auto in = MakePipe();
    auto out = MakePipe();
    if (!in || !out) return answer(NotChecked((in ? out : in).error().message));
    if (const auto written = WriteRequest(std::move(in->to), name, password); !written) {
      return answer(written.error());
    }
    const auto pid = SpawnAlone(settings_.command, {in->from.get(), out->to.get(), -1});
    in->from = UniqueFd();
    out->to = UniqueFd();
    if (!pid) return answer(NotChecked(pid.error().message));
    Child child(*pid);
    Await(child, out->from.get(), answer);
  }

 private:
  void Await(Child& child, int from, const std::function<void(Result<bool>)>& answer) const {
    child.WaitFor(stop_, settings_.deadline);
    const bool ended = child.HasEnded();
    child.Kill();  // what it left behind in its group, too
    if (!ended) {
      answer(NotChecked("PAM gave no answer in time"));
      child.WaitFor(stop_, std::chrono::milliseconds(-1));
      child.WaitFor(Child::kNobody, kGrace);
      if (child.HasEnded()) child.Reap();
      return;
    }
    const bool clean = child.Reap() == 0;
    const std::string verdict = ReadVerdict(from);
    if (clean && verdict == kFirstFactorAccepts) return answer(true);
    if (clean && verdict == kFirstFactorDenies) return answer(false);
    answer(NotChecked("PAM's service \"sparekey\" failed; the log of PAM says why"));
  }

  const FirstFactorChild& settings_;
  const int stop_;
};

class PamFirstFactor : public FirstFactor {
 public:
  PamFirstFactor(ServerThread server, FirstFactorChild child)
      : post_(std::move(server.post)),
        child_(std::move(child)),
        stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~PamFirstFactor() override {
    alive_.reset();
    eventfd_write(stop_.get(), 1);
    for (Running& running : running_) running.thread.join();
  }

  void Check(std::string name, SecretBytes password, Checked checked) override {
    if (running_.size() >= child_.at_once || !stop_) {
      return Refuse({ErrorCode::kBusy, "too many passwords are being checked"}, checked);
    }
    const auto running = running_.emplace(running_.end());
    running->checked = std::move(checked);
    try {
      running->thread = std::thread(
          [this, running, name = std::move(name), password = std::move(password)]() mutable {
            const SecretBytes secret = std::move(password);
            Work(running, name, secret);
          });
    } catch (const std::system_error&) {
      Refuse({ErrorCode::kBusy, "there is no thread to check a password"}, running->checked);
      running_.erase(running);
    }
  }

 private:
  struct Running {
    std::thread thread;
    Checked checked;
  };
  using RunningIt = std::list<Running>::iterator;

  void Refuse(Error error, const Checked& checked) {
    post_([error = std::move(error), checked] { checked(error); });
  }

  // In a thread.
  void Work(RunningIt running, const std::string& name, const SecretBytes& password) {
    const std::weak_ptr<char> alive = alive_watch_;
    const auto answer = [&](const Result<bool>& proven) {
      post_([running, alive, proven] {
        if (alive.expired() || !running->checked) return;
        std::exchange(running->checked, nullptr)(proven);
      });
    };
    try {
      sparekey::Check(child_, stop_.get()).Run(name, password, answer);
    } catch (const std::exception& exception) {
      answer(NotChecked(exception.what()));
    }
    post_([this, running, alive] {
      if (alive.expired()) return;
      running->thread.join();
      running_.erase(running);
    });
  }

  const std::function<void(std::function<void()>)> post_;
  const FirstFactorChild child_;
  const UniqueFd stop_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // nobody else holds it
  const std::weak_ptr<char> alive_watch_ = alive_;
  std::list<Running> running_;  // the server's thread only
};

}  // namespace

std::unique_ptr<FirstFactor> MakePamFirstFactor(ServerThread server, FirstFactorChild child) {
  // Ignored, as whoever started this may have left it, it would reap the children.
  (void)std::signal(SIGCHLD, SIG_DFL);
  return std::make_unique<PamFirstFactor>(std::move(server), std::move(child));
}

std::string FindFirstFactorProgram() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  const fs::path installed = (folder / SPAREKEY_FIRST_FACTOR).lexically_normal();
  if (fs::exists(installed, error)) return installed.string();
  const fs::path beside = folder / installed.filename();
  return fs::exists(beside, error) ? beside.string() : installed.string();
}

}  // namespace sparekey
