// SPDX-License-Identifier: Apache-2.0
// Logs in through the real libpam from one process or from many at once, and writes down when each
// call began and ended:
//   bench_logins NAME=VALUE…     (driver_options.h)
// A line of the file `out` is: kind, session, begin, end (nanoseconds of CLOCK_MONOTONIC), PAM's
// code, its place in the order. Kinds: l pam_start to pam_end, a pam_authenticate, c pam_acct_mgmt,
// o pam_open_session, s pam_close_session; r a login of a race, which begins when its last answer
// is given. In the mode memory it is the private memory (KiB) before and during a login.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>

#include "tests/bench/login_plan.h"
#include "tests/races/shared_number.h"
#include "tests/support/processes.h"

namespace sparekey::bench {
namespace {

using races::SharedNumber;

std::uint64_t SecondsNow() { return static_cast<std::uint64_t>(time(nullptr)); }

struct Record {
  std::uint64_t begin = 0, end = 0, place = 0;
  std::uint32_t session = 0;
  std::int32_t code = 0;
  char kind = 0;
};

// What the sessions share.
class Board {
 public:
  explicit Board(std::size_t records) : size_(records) {
    void* const memory = mmap(nullptr, sizeof(Head) + records * sizeof(Record),
                              PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
    head_ = new (memory) Head();
    records_ = reinterpret_cast<Record*>(static_cast<char*>(memory) + sizeof(Head));
  }
  void Note(const Record& record) {
    const std::size_t place = head_->used++;
    if (place < size_) records_[place] = record;
  }
  // Waits until all have come for the `turn`-th time.
  void Meet(std::uint64_t sessions, std::uint64_t turn) {
    head_->arrived.Add();
    head_->arrived.AwaitAtLeast(sessions * turn);
  }
  // One time for all sessions in this round, so that all have one code: that of the first to ask.
  std::uint64_t TimeOfRound(std::uint64_t round) {
    constexpr int kTimeBits = 40;
    const std::uint64_t mine = (round + 1) << kTimeBits | SecondsNow();
    std::uint64_t told = head_->round_time;
    while (told >> kTimeBits <= round && !head_->round_time.compare_exchange_weak(told, mine)) {
    }
    if (told >> kTimeBits <= round) told = mine;
    return told & ((std::uint64_t{1} << kTimeBits) - 1);
  }
  void Write(const std::string& path) const {
    std::ofstream out(path, std::ios::trunc);
    for (std::size_t i = 0; i < std::min<std::size_t>(head_->used, size_); ++i) {
      const Record& record = records_[i];
      out << record.kind << ' ' << record.session << ' ' << record.begin << ' ' << record.end << ' '
          << record.code << ' ' << record.place << '\n';
    }
    if (!out.flush()) throw std::runtime_error("cannot write " + path);
  }

 private:
  struct Head {
    SharedNumber arrived;
    alignas(64) std::atomic<std::size_t> used = 0;
    std::atomic<std::uint64_t> round_time = 0;  // number of the round, and its time
  };
  std::size_t size_;
  Head* head_;
  Record* records_;
};

// The floor of every durable login: one append, one sync.
class Appender {
 public:
  Appender(const std::string& folder, std::uint64_t seat) {
    if (folder.empty()) return;
    const std::string path = folder + "/append" + std::to_string(seat);
    fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd_ < 0) throw std::runtime_error("cannot open " + path);
  }
  void Append() const {
    if (fd_ < 0) return;
    static constexpr std::array<char, 4096> kPage{'x'};
    if (write(fd_, kPage.data(), kPage.size()) != std::ssize(kPage) || fdatasync(fd_) != 0) {
      throw std::runtime_error("cannot append");
    }
  }

 private:
  int fd_ = -1;
};

class Session {
 public:
  Session(const DriverOptions& options, const LoginPlan& plan, Board& board, std::uint64_t seat)
      : options_(options),
        plan_(plan),
        board_(board),
        seat_(seat),
        stack_(options.confdir, options.service),
        appender_(options.append, seat) {}

  void Run() {
    if (options_.mode == "race") return Race();
    for (std::uint64_t i = 0; i < options_.warm + options_.count; ++i) {
      if (i == options_.warm) board_.Meet(options_.sessions, 1);
      place_ = options_.first + seat_ + options_.sessions * i;
      const Login login = plan_.At(place_, seat_, SecondsNow());
      keep_ = i >= options_.warm;
      options_.mode == "access" ? Access(login) : Once(login);
    }
  }

 private:
  void Note(char kind, std::uint64_t begin, int code) {
    if (!keep_) return;
    board_.Note({begin, NanosecondsNow(), place_, static_cast<std::uint32_t>(seat_), code, kind});
  }

  void Once(const Login& login) {
    int code = PAM_SYSTEM_ERR;
    const std::uint64_t begin = NanosecondsNow();
    stack_.With(login, nullptr,
                [&](pam_handle_t* handle) { return code = pam_authenticate(handle, 0); });
    appender_.Append();
    Note('l', begin, code);
  }

  void Access(const Login& login) {
    stack_.With(login, nullptr, [&](pam_handle_t* handle) {
      int code = PAM_SYSTEM_ERR;
      const auto timed = [&](char kind, auto call) {
        const std::uint64_t begin = NanosecondsNow();
        code = call(handle, 0);
        Note(kind, begin, code);
      };
      timed('a', pam_authenticate);
      timed('c', pam_acct_mgmt);
      timed('o', pam_open_session);
      timed('s', pam_close_session);
      return code;
    });
  }

  // All sessions give the last answer of the same login at one moment.
  void Race() {
    for (std::uint64_t round = 0; round < options_.count; ++round) {
      place_ = options_.first + round;
      const Login login = plan_.At(place_, seat_, board_.TimeOfRound(round));
      bool has_met = false;
      std::uint64_t begin = 0;
      const auto meet = [&] {
        if (!has_met) board_.Meet(options_.sessions, round + 1);
        has_met = true;
        begin = NanosecondsNow();
      };
      int code = PAM_SYSTEM_ERR;
      stack_.With(login, meet,
                  [&](pam_handle_t* handle) { return code = pam_authenticate(handle, 0); });
      if (!has_met) meet();
      Note('r', begin, code);
    }
  }

  const DriverOptions& options_;
  const LoginPlan& plan_;
  Board& board_;
  const std::uint64_t seat_;
  const PamStack stack_;
  const Appender appender_;
  bool keep_ = true;
  std::uint64_t place_ = 0;  // of the login that is under way
};

int RunSessions(const DriverOptions& options) {
  const LoginPlan plan(options);
  Board board(options.sessions * options.count * (options.mode == "access" ? 4 : 1));
  const pid_t parent = getpid();
  for (std::uint64_t seat = 0; seat < options.sessions; ++seat) {
    if (CheckedFork() != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    try {
      Session(options, plan, board, seat).Run();
    } catch (const std::exception& error) {
      std::cerr << "bench_logins: " << error.what() << std::endl;
      _exit(1);
    }
    _exit(0);
  }
  bool good = true;
  for (int status = 0; wait(&status) > 0;) good = good && status == 0;
  board.Write(options.out);
  return good ? 0 : 1;
}

// Pages that nobody else could share: written ones. What is only read of the module's file is the
// page cache's, once for all processes.
std::uint64_t PrivateKib() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string line; std::getline(rollup, line);) {
    if (line.starts_with("Private_Dirty:")) return std::stoull(line.substr(line.find(':') + 1));
  }
  return 0;
}

// What the service's modules add to a program that has used libpam before.
int MeasureMemory(const DriverOptions& options) {
  const LoginPlan plan(options);
  const Login login = plan.At(options.first, 0, SecondsNow());
  const PamStack warm(options.confdir, "floor");
  const PamStack stack(options.confdir, options.service);
  std::uint64_t before = 0, during = 0;
  int code = 0;
  warm.With(login, nullptr, [&](pam_handle_t* handle) {
    code = pam_authenticate(handle, 0);
    PrivateKib();  // what reading it takes is there from now on
    before = PrivateKib();
    return code;
  });
  stack.With(login, nullptr, [&](pam_handle_t* handle) {
    code = pam_authenticate(handle, 0);
    during = PrivateKib();
    return code;
  });
  std::ofstream(options.out) << before << ' ' << during << ' ' << code << '\n';
  return 0;
}

}  // namespace
}  // namespace sparekey::bench

int main(int count, char** words) {
  using namespace sparekey::bench;
  try {
    const DriverOptions options = ReadDriverOptions(std::span(words + 1, words + count));
    return options.mode == "memory" ? MeasureMemory(options) : RunSessions(options);
  } catch (const std::exception& error) {
    std::cerr << "bench_logins: " << error.what() << '\n';
    return 2;
  }
}
