// SPDX-License-Identifier: Apache-2.0
#include "service/first_factor.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <list>
#include <system_error>
#include <thread>
#include <utility>

#include "service/first_factor_child.h"

namespace sparekey {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kNobody = -1;                       // poll(2) passes it over
constexpr std::chrono::milliseconds kGrace{500};  // for a killed child to end

Error NotChecked(const std::string& why) {
  return {ErrorCode::kUnavailable, "the password could not be checked: " + why};
}
Error NotCheckedErrno(const char* what) {
  return NotChecked(std::string(what) + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

struct Pipe {
  Descriptor from, to;
};

// Never 0 to 2, which the child's own files take.
Result<Pipe> MakePipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return NotCheckedErrno("pipe");
  std::array<Descriptor, 2> high{Descriptor(ends[0]), Descriptor(ends[1])};
  for (Descriptor& end : high) {
    if (end.get() > 2) continue;
    Descriptor moved(fcntl(end.get(), F_DUPFD_CLOEXEC, 3));
    if (moved.get() < 0) return NotCheckedErrno("pipe");
    end = std::move(moved);
  }
  return Pipe{std::move(high[0]), std::move(high[1])};
}

// Into the empty pipe before anybody can close its other end: neither waits nor raises SIGPIPE.
Status WriteRequest(Descriptor& to, const std::string& name, const SecretBytes& password) {
  static_assert(kMostFirstFactorBytes <= PIPE_BUF);
  SecretBytes request(name.size() + 1 + password.size());
  if (request.size() > kMostFirstFactorBytes) return Invalid("the password is too long");
  std::copy(name.begin(), name.end(), request.Expose().begin());
  std::ranges::copy(password.Expose(), request.Expose().begin() + name.size() + 1);
  const auto bytes = request.ExposeText();
  const bool written = write(to.get(), bytes.data(), bytes.size()) == std::ssize(bytes);
  to.Close();
  return written ? Ok() : Status(NotChecked("the pipe takes no request"));
}

struct SpawnPlan {
  SpawnPlan() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
};

Result<pid_t> Spawn(const std::vector<std::string>& command, int in, int out) {
  SpawnPlan plan;
  posix_spawn_file_actions_adddup2(&plan.files, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&plan.files, out, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&plan.files, STDERR_FILENO, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_addclosefrom_np(&plan.files, STDERR_FILENO + 1);
  sigset_t none{};
  sigset_t all{};
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &all);
  posix_spawnattr_setflags(&plan.attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::array<char*, 2> environment{path.data(), nullptr};
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, words[0], &plan.files, &plan.attributes, words.data(), environment.data());
  if (error != 0) return NotChecked(command[0] + ": " + std::strerror(error));
  return pid;
}

// A child that has not been reaped: until then nobody else can get its pid or its group's.
class Child {
 public:
  explicit Child(pid_t pid)
      : pid_(pid), pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) Kill();
  }

  void Kill() const { kill(-pid_, SIGKILL); }

  // False: neither it nor `stop` has been ready by then. A negative time waits for ever.
  bool WaitFor(int stop, std::chrono::milliseconds time) const {
    const auto end = SteadyClock::now() + time;
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - SteadyClock::now());
      const int wait = time.count() < 0 ? -1 : static_cast<int>(std::max<long>(left.count(), 0));
      std::array<pollfd, 2> waits{{{pidfd_.get(), POLLIN, 0}, {stop, POLLIN, 0}}};
      const int ready = poll(waits.data(), waits.size(), wait);
      if (ready > 0) return true;
      if (ready == 0) return false;
    }
  }
  bool HasEnded() const {
    pollfd wait{pidfd_.get(), POLLIN, 0};
    return pidfd_.get() < 0 || poll(&wait, 1, 0) == 1;
  }
  // Waits for its end; its exit status, -1 where a signal ended it.
  int Reap() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) return -1;
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_;
  Descriptor pidfd_;
};

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
    if (!in || !out) return answer(in ? out.error() : in.error());
    if (const auto written = WriteRequest(in->to, name, password); !written) {
      return answer(written.error());
    }
    const auto pid = Spawn(settings_.command, in->from.get(), out->to.get());
    in->from.Close();
    out->to.Close();
    if (!pid) return answer(pid.error());
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
      child.WaitFor(kNobody, kGrace);
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
    if (running_.size() >= child_.at_once || stop_.get() < 0) {
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
  const Descriptor stop_;
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
