// SPDX-License-Identifier: Apache-2.0
// events: what happened, as a list or as it happens.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/json_list.h"
#include "core/clock.h"

namespace sparekey {
namespace {

constexpr std::size_t kPage = 100;  // logins wait behind a page
constexpr std::size_t kDefaultEvents = 100;
constexpr std::size_t kLongestKind = 21;                      // authenticator_renewed
constexpr std::chrono::milliseconds kFollowDeadline{35'000};  // the service answers within 25 s

struct Wish {
  std::string account;  // empty: all
  std::string since;    // RFC 3339, empty: the last kDefaultEvents
};

std::optional<std::chrono::seconds> ParseAge(std::string_view text) {
  if (text.size() < 2 || text.size() > 7) return std::nullopt;
  const std::string_view digits = text.substr(0, text.size() - 1);
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || number < 0)
    return std::nullopt;
  switch (text.back()) {
    case 's':
      return std::chrono::seconds(number);
    case 'm':
      return std::chrono::minutes(number);
    case 'h':
      return std::chrono::hours(number);
    case 'd':
      return std::chrono::hours(24) * number;
    default:
      return std::nullopt;
  }
}

Result<std::string> ParseSince(const std::string& text) {
  if (const auto age = ParseAge(text)) return FormatTime(ReadClock() - *age);
  const bool date_only = text.size() == 10;
  const auto time = ParseTime(date_only ? text + "T00:00:00Z" : text);
  if (time) return FormatTime(*time);
  return Invalid("--since: '" + Escape(text) +
                 "' is no time; possible: 2026-11-23T14:02:00Z, 2026-11-23, or 90m, 12h, 7d ago");
}

Result<Wish> ParseWish(const Invocation& invocation) {
  Wish wish;
  if (const auto account = invocation.Get("account")) {
    const Status named = CheckName("--account", *account);
    if (!named.ok()) return named.error();
    wish.account = *account;
  }
  if (const auto since = invocation.Get("since")) {
    Result<std::string> time = ParseSince(*since);
    if (!time.ok()) return time.error();
    wish.since = *time;
  }
  return wish;
}

std::string TargetOf(const Wish& wish) {
  return "/v1/events?account=" + PercentEncode(wish.account);
}

Colour ColourOf(std::string_view kind) {
  if (kind == "login" || kind == "recovery") return Colour::kGood;
  const auto is_one_of = [kind](std::initializer_list<std::string_view> kinds) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  if (is_one_of(
          {"lockout", "super_lockout", "gate_closed", "unsealing_failed", "two_factor_off"})) {
    return Colour::kBad;
  }
  const bool warning =
      is_one_of({"wrong_code", "replay", "failed_recovery", "clock_wrong", "codes_low"});
  return warning ? Colour::kWarning : Colour::kNone;
}

// To the second; no zone shifts the seconds.
std::string TimeOf(const Json& event) {
  const std::string time = TextOf(event, "time");
  return time.size() >= 20 && ParseTime(time) ? LocalTime(time) + time.substr(16, 3) : Escape(time);
}

std::string LineOf(const Json& event) {
  if (FlagOf(event, "damaged")) {
    return "event " + std::to_string(NumberOf(event, "id")) + " is damaged and cannot be read\n";
  }
  std::string kind = TextOf(event, "kind");
  std::string padded = Escape(kind);
  padded.resize(std::max(padded.size(), kLongestKind), ' ');
  std::string line = TimeOf(event) + "  " + Coloured(STDOUT_FILENO, ColourOf(kind), padded);
  const std::string account = TextOf(event, "account");
  line += "  " + (account.empty() ? "-" : Escape(account));
  if (const auto door = TextOf(event, "door"); !door.empty()) line += "  door=" + Escape(door);
  if (const auto host = TextOf(event, "remote_host"); !host.empty())
    line += "  from=" + Escape(host);
  if (const auto detail = TextOf(event, "detail"); !detail.empty()) line += "  " + Escape(detail);
  return line + '\n';
}

// Where events go, one after the other.
class Printer {
 public:
  Printer(bool json, bool follow) : json_(json), follow_(follow) {}

  // false: nobody reads any more.
  bool Add(const Json& event) {
    Pass(NumberOf(event, "id"));
    printed_ = true;
    if (!json_) return Print(LineOf(event));
    if (!follow_) return list_.Add(event);
    return Print(event.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n');
  }
  bool AddAll(const Json& events) {
    return std::all_of(events.begin(), events.end(), [this](const Json& one) { return Add(one); });
  }
  // Where a follower goes on: nothing up to here is wanted.
  void Pass(std::int64_t id) { last_ = std::max(last_, id); }
  bool End() { return !json_ || follow_ || list_.End(); }
  bool PrintsErrors() const { return json_ && !printed_; }
  std::int64_t last() const { return last_; }

 private:
  const bool json_, follow_;
  JsonList list_{"events"};
  std::int64_t last_ = 0;
  bool printed_ = false;
};

struct Loaded {
  std::optional<Failure> failure;
  bool read = true;  // false: nobody reads any more
};

// The last ones, which come newest first.
Loaded LoadNewest(Api& api, const Wish& wish, Printer& printer) {
  const Answer page = api.Get(TargetOf(wish) + "&limit=" + std::to_string(kDefaultEvents));
  if (!page.ok()) return {page.failure};
  const Json& events = ListOf(page.body.Expose(), "events");
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (!printer.Add(*event)) return {std::nullopt, false};
  }
  return {};
}

Loaded LoadSince(Api& api, const Wish& wish, Printer& printer) {
  const std::string target = TargetOf(wish) + "&limit=" + std::to_string(kPage) +
                             "&since=" + PercentEncode(wish.since) + "&after_id=";
  for (std::optional<std::int64_t> after = 0; after;) {
    const Answer page = api.Get(target + std::to_string(*after));
    if (!page.ok()) return {page.failure};
    const Json& body = page.body.Expose();
    if (!printer.AddAll(ListOf(body, "events"))) return {std::nullopt, false};
    after = NumberOf(body, "next");
    if (*after == 0) after.reset();
  }
  return {};
}

bool IsOutputGone() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

// Every line was written whole, so there is nothing to finish.
extern "C" void EndCleanly(int) { _exit(0); }

void EndCleanlyOnSignals() {
  struct sigaction action {};
  action.sa_handler = EndCleanly;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
}

int Follow(Context& context, Api& api, const Wish& wish, Printer& printer) {
  const std::string target = TargetOf(wish) + "&follow=1&after_id=";
  bool reachable = true;
  while (!IsOutputGone()) {
    const Answer answer = api.Get(target + std::to_string(printer.last()), kFollowDeadline);
    if (answer.ok()) {
      reachable = true;
      if (!printer.AddAll(ListOf(answer.body.Expose(), "events"))) break;
      continue;
    }
    const bool passing =
        !answer.failure->answered || answer.failure->status == ExitStatus::kTryAgain;
    if (!passing) return Fail(context, *answer.failure);
    if (reachable) Say("sparekey: " + answer.failure->message + "; trying again");
    reachable = false;
    poll(nullptr, 0, 1000);
  }
  return End(ExitStatus::kDone);
}

}  // namespace

int RunEvents(Context& context, const Invocation& invocation) {
  const Result<Wish> wish = ParseWish(invocation);
  if (!wish.ok()) return Fail(context, wish.error());
  const bool follow = invocation.Has("follow");
  if (follow) EndCleanlyOnSignals();
  Api api = context.OpenApi();
  Printer printer(context.json, follow);
  if (follow && !wish->since.empty()) {
    const Answer newest = api.Get(TargetOf(*wish) + "&limit=1");
    if (!newest.ok()) return Fail(context, *newest.failure);
    for (const Json& event : ListOf(newest.body.Expose(), "events"))
      printer.Pass(NumberOf(event, "id"));
  }
  const Loaded loaded =
      wish->since.empty() ? LoadNewest(api, *wish, printer) : LoadSince(api, *wish, printer);
  if (loaded.failure) return Fail({context.config, printer.PrintsErrors()}, *loaded.failure);
  if (!loaded.read) return End(ExitStatus::kDone);
  printer.End();
  return follow ? Follow(context, api, *wish, printer) : End(ExitStatus::kDone);
}

}  // namespace sparekey
