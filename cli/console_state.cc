// SPDX-License-Identifier: Apache-2.0
#include "cli/console_state.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <array>

#include "cli/console_screen.h"
#include "cli/store_holder.h"
#include "cli/text.h"
#include "core/clock.h"
#include "core/sqlite_store.h"

namespace sparekey {
namespace {

using Service = ConsolePlace::Service;

constexpr std::size_t kTitleColumns = 12;
constexpr std::size_t kMostLines = 12;
constexpr std::size_t kNamesLoaded = 20;
constexpr std::size_t kNamesShown = 4;

void LoadLocked(ConsolePlace& place, ConsoleState& state) {
  const Answer page = place.Look("/v1/accounts?locked=1&limit=" + std::to_string(kNamesLoaded));
  for (const Json& account : ListOf(page.body.Expose(), "accounts")) {
    const bool super = TextOf(account, "lockout") == "super_locked";
    (super ? state.super_locked : state.locked).push_back(TextOf(account, "account"));
  }
}

// One title with at most `most` lines of text beside it.
void Add(std::vector<std::string>& lines, std::string_view title, const std::string& text,
         std::size_t most = 1) {
  const std::string folded = Fold(text, kScreenColumns - kTitleColumns);
  std::string head(title);
  std::size_t begin = 0;
  for (std::size_t n = 0; n < most && begin <= folded.size(); ++n) {
    std::size_t end = std::min(folded.find('\n', begin), folded.size());
    if (n + 1 == most) end = folded.size();
    head.resize(kTitleColumns, ' ');
    std::string line = folded.substr(begin, end - begin);
    std::replace(line.begin(), line.end(), '\n', ' ');
    lines.push_back(Cut(head + line));
    head.clear();
    begin = end + 1;
  }
}

std::string NamesOf(const std::vector<std::string>& names, std::uint64_t count) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) {
    text += (i == 0 ? "" : ", ") + Cut(Ascii(names[i]), 24);
  }
  const std::uint64_t shown = std::min<std::uint64_t>(names.size(), kNamesShown);
  if (count > shown && shown > 0) text += " and " + std::to_string(count - shown) + " more";
  return text;
}

std::string CausesOf(const Json& status) {
  std::vector<std::string> causes;
  for (const Json& cause : ListOf(status, "lockout_causes")) {
    if (cause.is_string()) causes.push_back(cause.get<std::string>());
  }
  return NamesOf(causes, causes.size());
}

void AddLockout(std::vector<std::string>& lines, const Json& status) {
  if (TextOf(status, "lockout") != "super_locked")
    return Add(lines, "Lockout", "none of the system");
  Add(lines, "Lockout",
      "SUPER-LOCKED since " + LocalTime(TextOf(status, "lockout_since")) +
          ", caused by: " + CausesOf(status));
  Add(lines, "", "Nobody can log in but here, not even with the right codes.");
}

void AddGate(std::vector<std::string>& lines, const Json& status) {
  const bool open = TextOf(status, "ssh_gate") != "closed";
  Add(lines, "SSH gate",
      open ? "open"
           : "CLOSED since " + LocalTime(TextOf(status, "ssh_gate_since")) + ": " +
                 Ascii(TextOf(status, "ssh_gate_reason")));
}

void AddAccounts(std::vector<std::string>& lines, const ConsoleState& state) {
  const Json& accounts = ObjectOf(state.status.Expose(), "accounts");
  const auto number = [&accounts](const char* key) {
    return static_cast<std::uint64_t>(NumberOf(accounts, key));
  };
  Add(lines, "Accounts",
      std::to_string(number("active")) + " enrolled, " + std::to_string(number("pending")) +
          " pending, " + std::to_string(number("locked")) + " locked, " +
          std::to_string(number("super_locked")) + " super-locked");
  if (number("super_locked") > 0) {
    Add(lines, "", "super-locked: " + NamesOf(state.super_locked, number("super_locked")));
  }
  if (number("locked") > 0) Add(lines, "", "locked: " + NamesOf(state.locked, number("locked")));
}

void AddAlerts(std::vector<std::string>& lines, const Json& status) {
  const std::string problem = TextOf(status, "alerts_problem");
  if (!problem.empty()) return Add(lines, "Alerts", "UNKNOWN: " + Ascii(problem));
  const Json& alerts = ListOf(status, "alerts");
  if (alerts.empty()) return Add(lines, "Alerts", "none");
  const auto open = std::max(NumberOf(status, "alerts_open"), std::ssize(alerts));
  const std::string more = open > 1 ? std::to_string(open) + " (entry 9): " : "";
  const bool damaged = FlagOf(alerts[0], "damaged");
  Add(lines, "Alerts",
      more + (damaged ? "the first is damaged" : Ascii(TextOf(alerts[0], "text"))));
}

std::string TwoFactorText(const ConsoleState& state) {
  const auto on = state.IsTwoFactorOn();
  if (!on) return "NOT KNOWN";
  return *on ? "on" : "OFF: passwords alone are enough, until it is set back";
}

std::string ServiceText(const ConsoleState& state) {
  if (state.mounted) return "another system's disk: this works on its store";
  switch (state.service) {
    case Service::kUp:
      return "running since " + LocalTime(TextOf(state.status.Expose(), "started"));
    case Service::kHanging:
      return "HANGS: " + Ascii(state.holder) +
             ". Every entry offers to end it, and then works on the store itself.";
    case Service::kDown:
      break;
  }
  return "DOWN: entries work on the store. Start: systemctl start sparekeyd";
}

std::string StoreText(const ConsoleState& state) {
  std::string text = Ascii(state.state_dir);
  if (!state.bytes_free) return text + ": its disk cannot be measured";
  text += ", " + std::to_string(*state.bytes_free >> 20) + " MiB free";
  if (!state.disk_full) return text;
  return text + (state.has_reserve ? ": DISK FULL; changes take the reserve"
                                   : ": DISK FULL, no reserve: make room");
}

std::string ClockText(const Json& status) {
  const Json& clock = ObjectOf(status, "clock");
  if (clock.empty() || FlagOf(clock, "usable")) return "";
  return "WRONG: no time-based code is accepted. Set it: date -s 'YYYY-MM-DD HH:MM'";
}

}  // namespace

bool ConsoleState::IsSuperLocked() const {
  return TextOf(status.Expose(), "lockout") == "super_locked";
}

bool ConsoleState::IsGateClosed() const { return TextOf(status.Expose(), "ssh_gate") == "closed"; }

std::optional<bool> ConsoleState::IsTwoFactorOn() const {
  const Json& known = status.Expose();
  const auto enabled = known.find("enabled");
  if (!known.is_object() || enabled == known.end() || !enabled->is_boolean()) return std::nullopt;
  return enabled->get<bool>();
}

ConsoleState LoadConsoleState(const Config& config, ConsolePlace& place) {
  ConsoleState state;
  Answer status = place.Look("/v1/status");
  state.failure = status.failure;
  if (status.ok()) {
    state.status = std::move(status.body);
    LoadLocked(place, state);
  }
  state.service = place.service();
  state.mounted = place.mounted();
  state.holder = place.holder();
  state.state_dir = config.state_dir;
  struct statvfs disk {};
  if (statvfs(config.state_dir.c_str(), &disk) == 0) {
    state.bytes_free = std::uint64_t{disk.f_bfree} * disk.f_frsize;
  }
  state.disk_full = IsDiskFull(config.state_dir);
  state.has_reserve = HasReserve(config.state_dir);
  return state;
}

std::vector<std::string> LinesOf(const ConsoleState& state) {
  const Json& status = state.status.Expose();
  std::array<char, 65> host{};
  gethostname(host.data(), host.size() - 1);
  std::string head = "sparekey console on " + Cut(Ascii(host.data()), 30);
  head.resize(std::max(head.size() + 2, kScreenColumns - 18), ' ');
  std::vector<std::string> lines{Cut(head + FormatLocalTime(ReadClock()))};
  if (state.failure) {
    const bool hangs = state.service == Service::kHanging;
    Add(lines, "State", hangs ? "NOT KNOWN" : "NOT KNOWN: " + Ascii(state.failure->message), 5);
  } else {
    AddLockout(lines, status);
    AddGate(lines, status);
    Add(lines, "Two-factor", TwoFactorText(state));
    AddAccounts(lines, state);
  }
  Add(lines, "Service", ServiceText(state), state.service == Service::kHanging ? 2 : 1);
  Add(lines, "Store", StoreText(state));
  if (const std::string clock = ClockText(status); !clock.empty()) Add(lines, "Clock", clock);
  if (!state.failure) AddAlerts(lines, status);
  if (lines.size() > kMostLines) lines.resize(kMostLines);
  return lines;
}

Json JsonOf(const ConsoleState& state) {
  constexpr const char* kServices[] = {"up", "down", "hanging"};
  Json value = {
      {"service", state.mounted ? "none" : kServices[static_cast<std::size_t>(state.service)]},
      {"holder", state.holder.empty() ? Json(nullptr) : Json(state.holder)},
      {"error", state.failure ? Json(state.failure->message) : Json(nullptr)},
      {"store",
       {{"path", state.state_dir},
        {"bytes_free", state.bytes_free ? Json(*state.bytes_free) : Json(nullptr)},
        {"reserve", state.has_reserve}}},
      {"locked", state.locked},
      {"super_locked", state.super_locked}};
  value["status"] = state.failure ? Json(nullptr) : state.status.Expose();
  return value;
}

}  // namespace sparekey
