// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "cli/text.h"

namespace sparekey {
namespace {

constexpr std::size_t kUsualColumns = 80;
constexpr std::size_t kWidestBar = 30, kNarrowestBar = 8;

std::string Grouped(std::size_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

std::string TimeText(std::size_t seconds) {
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string((seconds + 30) / 60) + " min";
  return std::to_string((seconds + 1800) / 3600) + " h";
}

std::size_t Columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualColumns;
}

}  // namespace

std::string ProgressText(const ProgressState& state) {
  std::string text = Grouped(state.done) + " of " + Grouped(state.total) + " accounts";
  const double seconds = std::chrono::duration<double>(state.elapsed).count();
  if (state.done == 0 || seconds <= 0) return text;
  const double rate = static_cast<double>(state.done) / seconds;
  const bool slow = rate < 10;
  text += ", " + (slow ? Grouped(static_cast<std::size_t>(rate * 60)) + " a minute"
                       : Grouped(static_cast<std::size_t>(rate)) + " a second");
  const double left = static_cast<double>(state.total - std::min(state.done, state.total)) / rate;
  return text + ", " + TimeText(static_cast<std::size_t>(left + 0.5)) + " left";
}

std::string ProgressBar(const ProgressState& state, std::size_t columns) {
  const std::string text = ProgressText(state);
  const std::size_t room = columns > text.size() + 4 ? columns - text.size() - 4 : 0;
  if (room < kNarrowestBar) return text.substr(0, columns > 0 ? columns - 1 : 0);
  const std::size_t width = std::min(room, kWidestBar);
  const std::size_t total = std::max<std::size_t>(state.total, 1);
  const std::size_t filled = std::min(state.done, total) * width / total;
  return '[' + std::string(filled, '#') + std::string(width - filled, '.') + "] " + text;
}

Progress::Progress(std::size_t total)
    : on_terminal_(IsTerminal(STDERR_FILENO)),
      total_(total),
      next_(start_ + (on_terminal_ ? std::chrono::milliseconds(0) : kLineEvery)) {}

void Progress::Finish() {
  const std::lock_guard lock(mutex_);
  Clear();
}

std::chrono::milliseconds Progress::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start_);
}

void Progress::Advance(std::size_t by) {
  const std::lock_guard lock(mutex_);
  done_ += by;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + (on_terminal_ ? kBarEvery : std::chrono::milliseconds(kLineEvery));
  Show();
}

void Progress::Tell(std::string_view line) {
  const std::lock_guard lock(mutex_);
  Clear();
  Say(line);
}

void Progress::Show() {
  const ProgressState state{done_, total_, elapsed()};
  if (!on_terminal_) {
    Say(ProgressText(state));
    return;
  }
  const std::string bar = "\r\x1b[K" + ProgressBar(state, Columns());
  (void)!write(STDERR_FILENO, bar.data(), bar.size());
  shown_ = true;
}

void Progress::Clear() {
  if (shown_) (void)!write(STDERR_FILENO, "\r\x1b[K", 4);
  shown_ = false;
}

}  // namespace sparekey
