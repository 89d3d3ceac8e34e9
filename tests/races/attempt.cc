// SPDX-License-Identifier: Apache-2.0
#include "tests/races/attempt.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>
#include <utility>

#include "tests/support/processes.h"

namespace sparekey::races {
namespace {

using testing::RealService;

constexpr std::array<const char*, 3> kDoors{"ssh", "web", "other"};
constexpr int kPatienceMilliseconds = 60'000;

const char* NameOf(Door door) { return kDoors.at(static_cast<std::size_t>(door)); }

// A person with these codes: what to type at a prompt, or nothing, and whether that is all.
struct Typed {
  std::optional<std::string> text;
  bool is_last = false;
};
Typed AnswerTo(const Attempt& attempt, std::string_view prompt) {
  const bool asks_backup_code = prompt.starts_with("Backup code ");
  if (!attempt.IsRecovery()) {
    return asks_backup_code ? Typed{} : Typed{attempt.codes[0], true};
  }
  if (asks_backup_code) {
    const bool second = prompt.starts_with("Backup code 2 of 2");
    return {attempt.codes[second ? 1 : 0], second};
  }
  return {attempt.way == Way::kPamAskFirst ? attempt.codes[0] : "recover", false};
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Ending EndingOfWords(std::string_view said) {
  if (Contains(said, "Too many wrong codes")) return Ending::kLocked;
  if (Contains(said, "Reset it at the local console")) return Ending::kSuperLocked;
  if (Contains(said, "SSH is disabled")) return Ending::kGateClosed;
  if (Contains(said, "It was not counted")) return Ending::kNotAnAttempt;
  const bool wrong = Contains(said, "That code is wrong") || Contains(said, "were not accepted");
  return wrong ? Ending::kDenied : Ending::kBroken;
}

// The command's exit status (docs of sparekey).
Ending EndingOfStatus(int status, std::string_view shown) {
  switch (status) {
    case 0:
      return Ending::kAccept;
    case 1:
      if (Contains(shown, "not_an_attempt")) return Ending::kNotAnAttempt;
      return Contains(shown, "wrong_code") ? Ending::kDenied : Ending::kBroken;
    case 3:
      return Ending::kLocked;
    case 4:
      return Ending::kSuperLocked;
    case 5:
    case 9:
      return Ending::kUndecided;
    case 8:
      return Ending::kGateClosed;
    default:
      return Ending::kBroken;
  }
}

// The command at a pseudo-terminal of its own, whose prompts come through a pipe.
class CommandAtTerminal {
 public:
  explicit CommandAtTerminal(const std::vector<std::string>& command) {
    int slave = -1;
    std::array<int, 2> ends{-1, -1};
    if (openpty(&keyboard_, &slave, nullptr, nullptr, nullptr) != 0) return;
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return;
    shown_fd_ = ends[0];
    pid_ = CheckedFork();
    if (pid_ == 0) Become(command, slave, ends[1]);
    close(slave);
    close(ends[1]);
  }
  ~CommandAtTerminal() {
    if (pid_ > 0) {
      CheckedKill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(keyboard_);
    close(shown_fd_);
  }
  CommandAtTerminal(const CommandAtTerminal&) = delete;
  CommandAtTerminal& operator=(const CommandAtTerminal&) = delete;

  // The next prompt; nothing when the command has said its last.
  std::optional<std::string> AwaitPrompt() {
    for (;;) {
      for (const std::string_view start : {"One-time code", "Backup code "}) {
        const auto at = shown_.find(start, seen_);
        const auto end = at == std::string::npos ? at : shown_.find(": ", at);
        if (end == std::string::npos) continue;
        seen_ = end + 2;
        return shown_.substr(at, end + 2 - at);
      }
      if (!Read()) return std::nullopt;
    }
  }
  void Type(const std::string& text) {
    const std::string line = text + "\n";
    (void)!write(keyboard_, line.data(), line.size());
  }
  Ending Wait() {
    while (Read()) {
    }
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? EndingOfStatus(WEXITSTATUS(status), shown_) : Ending::kBroken;
  }

 private:
  [[noreturn]] static void Become(const std::vector<std::string>& command, int in, int out) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    close(in);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execv(words[0], words.data());
    _exit(126);
  }
  bool Read() {
    std::array<char, 1024> bytes{};
    pollfd wait{shown_fd_, POLLIN, 0};
    if (poll(&wait, 1, kPatienceMilliseconds) <= 0) return false;
    const ssize_t got = read(shown_fd_, bytes.data(), bytes.size());
    if (got > 0) shown_.append(bytes.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  int keyboard_ = -1, shown_fd_ = -1;
  pid_t pid_ = -1;
  std::string shown_;
  std::size_t seen_ = 0;
};

void Copy(const std::string& text, char* place, std::size_t size) { text.copy(place, size - 1); }

}  // namespace

Attempt OneTime(Way way, Door door, const std::string& account, const std::string& code) {
  return Recovery(way, door, account, code, "");
}

Attempt Recovery(Way way, Door door, const std::string& account, const std::string& first,
                 const std::string& second) {
  Attempt attempt;
  attempt.way = way;
  attempt.door = door;
  Copy(account, attempt.account, sizeof attempt.account);
  Copy(first, attempt.codes[0], sizeof attempt.codes[0]);
  Copy(second, attempt.codes[1], sizeof attempt.codes[1]);
  return attempt;
}

const char* ToString(Ending ending) {
  static constexpr std::array<const char*, 9> kNames{"none",           "accept",    "denied",
                                                     "not an attempt", "locked",    "super-locked",
                                                     "gate closed",    "undecided", "broken"};
  return kNames.at(static_cast<std::size_t>(ending));
}

Ways::Ways(const RealService& service) : service_(service), services_("") {
  // A client that gives up sooner than sparekeyd would hide an accept from the test.
  const std::string module =
      "auth required $sparekey socket=" + service.pam() + " timeout=30 door=";
  for (const std::string door : kDoors) {
    const std::string first = "auth required $first password=proven\n";
    services_.Write("at-" + door, first + module + door);
    services_.Write("first-at-" + door, first + module + door + " ask_first");
  }
}

Ending Ways::Run(const Attempt& attempt, const std::function<void()>& last) const {
  return attempt.way == Way::kCommand ? RunCommand(attempt, last) : RunPam(attempt, last);
}

Ending Ways::RunPam(const Attempt& attempt, const std::function<void()>& last) const {
  const std::string door = NameOf(attempt.door);
  PamLogin login(services_.path(), attempt.account,
                 (attempt.way == Way::kPamAskFirst ? "first-at-" : "at-") + door);
  login.AnsweredBy([&](const std::string& prompt) {
    const Typed typed = AnswerTo(attempt, prompt);
    if (typed.is_last) last();
    return typed.text;
  });
  const int code = login.Authenticate();
  if (code == PAM_SUCCESS) return Ending::kAccept;
  if (code == PAM_AUTH_ERR) return EndingOfWords(login.Texts());
  return code == PAM_AUTHINFO_UNAVAIL ? Ending::kUndecided : Ending::kBroken;
}

Ending Ways::RunCommand(const Attempt& attempt, const std::function<void()>& last) const {
  CommandAtTerminal command(service_.Command({attempt.IsRecovery() ? "recover" : "verify",
                                              attempt.account, "--door", NameOf(attempt.door)}));
  while (const auto prompt = command.AwaitPrompt()) {
    const Typed typed = AnswerTo(attempt, *prompt);
    if (typed.is_last) last();
    if (!typed.text) break;
    command.Type(*typed.text);
  }
  return command.Wait();
}

}  // namespace sparekey::races
