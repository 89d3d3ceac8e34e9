// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "cli/text.h"

namespace sparekey {
namespace {

constexpr std::array kEnds = {SIGALRM, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
constexpr std::array kStops = {SIGTSTP, SIGTTIN, SIGTTOU};
std::array<volatile std::sig_atomic_t, NSIG> arrived;

extern "C" void NoteSignal(int signal) { arrived[static_cast<std::size_t>(signal)] = 1; }

// While it lives, signals interrupt the wait for input instead of ending the process with echo off.
// Those that a person sends are let in by that wait alone, so that none is lost in front of it.
class SignalNotes {
 public:
  SignalNotes() {
    struct sigaction note {};
    note.sa_handler = NoteSignal;  // no SA_RESTART: read(2) returns EINTR
    sigemptyset(&note.sa_mask);
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : kEnds) sigaddset(&held, signal);
    sigaddset(&held, SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &held, &mask_before_);
    ForEach([&note](int signal, struct sigaction& before) {
      arrived[static_cast<std::size_t>(signal)] = 0;
      sigaction(signal, &note, &before);
    });
  }
  ~SignalNotes() {
    ForEach([](int signal, struct sigaction& before) { sigaction(signal, &before, nullptr); });
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  SignalNotes(const SignalNotes&) = delete;
  SignalNotes& operator=(const SignalNotes&) = delete;

  // false: a signal came.
  bool WaitForInput() const {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return ppoll(&input, 1, nullptr, &mask_before_) >= 0 || errno != EINTR;
  }

 private:
  template <typename Visit>
  void ForEach(Visit visit) {
    std::size_t i = 0;
    for (const int signal : kEnds) visit(signal, before_[i++]);
    for (const int signal : kStops) visit(signal, before_[i++]);
  }
  sigset_t mask_before_{};
  std::array<struct sigaction, kEnds.size() + kStops.size()> before_{};
};

class HiddenEcho {
 public:
  explicit HiddenEcho(Echo echo) {
    if (echo == Echo::kOn || tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
  }
  ~HiddenEcho() {
    if (!changed_) return;
    while (tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_) != 0 && errno == EINTR) {
    }
    Say("");  // the end of the line that was not echoed
  }
  HiddenEcho(const HiddenEcho&) = delete;
  HiddenEcho& operator=(const HiddenEcho&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

// `notes` where signals are to interrupt it.
LineEnd ReadLine(const SignalNotes* notes, std::span<std::uint8_t> buffer, std::size_t& length) {
  length = 0;
  bool too_long = false;
  while (true) {
    std::uint8_t byte = 0;
    if (notes != nullptr && !notes->WaitForInput()) return LineEnd::kInterrupted;
    const ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR) return LineEnd::kInterrupted;
    if (got <= 0) return length == 0 ? LineEnd::kEndOfInput : LineEnd::kLine;
    if (byte == '\n') return too_long ? LineEnd::kTooLong : LineEnd::kLine;
    if (length == buffer.size()) {
      too_long = true;
    } else {
      buffer[length++] = byte;
    }
  }
}

std::optional<SecretBytes> ReadLineFromStdin(const SignalNotes* notes, LineEnd& end) {
  SecretBytes buffer(kMaxLineBytes);
  std::size_t length = 0;
  end = ReadLine(notes, buffer.Expose(), length);
  if (end != LineEnd::kLine) return std::nullopt;
  if (length > 0 && buffer.Expose()[length - 1] == '\r') --length;
  return SecretBytes(buffer.Expose().first(length));
}

// Sends what arrived again, now that the terminal is as it was. true: only stops, so that the
// question is asked again when the process goes on.
bool RaiseArrived() {
  bool only_stops = true;
  for (const int signal : kEnds) {
    if (arrived[static_cast<std::size_t>(signal)] == 0) continue;
    kill(getpid(), signal);
    only_stops = false;
  }
  for (const int signal : kStops) {
    if (arrived[static_cast<std::size_t>(signal)] != 0) kill(getpid(), signal);
  }
  return only_stops;
}

}  // namespace

Reply ReadReply(std::string_view prompt, Echo echo) {
  Reply reply;
  if (!IsTerminal(STDIN_FILENO)) {
    do {
      reply.line = ReadLineFromStdin(nullptr, reply.end);
    } while (reply.end == LineEnd::kInterrupted);
    return reply;
  }
  while (true) {
    {
      const SignalNotes notes;
      const HiddenEcho hidden(echo);
      if (write(STDERR_FILENO, prompt.data(), prompt.size()) < 0) return {LineEnd::kEndOfInput, {}};
      reply.line = ReadLineFromStdin(&notes, reply.end);
    }
    if (reply.end != LineEnd::kInterrupted || !RaiseArrived()) return reply;
  }
}

std::optional<SecretBytes> ReadAnswer(std::string_view prompt, Echo echo) {
  return ReadReply(prompt, echo).line;
}

std::vector<SecretBytes> ReadLines(std::size_t most) {
  std::vector<SecretBytes> lines;
  while (lines.size() <= most) {
    auto line = ReadAnswer("", Echo::kOff);
    if (!line) break;
    if (line->ExposeText().find_first_not_of(" \t") == std::string_view::npos) continue;
    lines.push_back(std::move(*line));
  }
  return lines;
}

bool IsYesTyped(std::string_view prompt) {
  const auto answer = ReadAnswer(prompt, Echo::kOn);
  return answer && answer->ExposeText() == "YES";
}

Status AskFirst(bool yes, std::string_view what) {
  if (yes) return Ok();
  Say(what);
  if (!IsTerminal(STDIN_FILENO)) return Invalid("nothing was changed; add --yes to agree");
  return IsYesTyped("Type YES to go on: ") ? Ok() : Status(Invalid("nothing was changed"));
}

}  // namespace sparekey
