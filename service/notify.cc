// SPDX-License-Identifier: Apache-2.0
#include "service/notify.h"

#include <spdlog/fmt/fmt.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "core/unique_fd.h"
#include "service/logging.h"
#include "service/notification.h"
#include "service/notify_cursor.h"

namespace sparekey {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kPage = 200;
constexpr std::int64_t kCursorEvery = 1000;  // ids of plain logins

void LogEvent(const Event& event) {
  Log(LogLevel::kWarning, fmt::format("event id={} kind={} account={} door={} host={} detail={}",
                                      event.id, ToString(event.kind), LogField(event.account),
                                      event.door ? ToString(*event.door) : "-",
                                      LogField(event.remote_host), LogField(event.detail)));
}

Result<std::int64_t> FindLastEvent(Store& store) {
  EventQuery newest;
  newest.limit = 1;
  const auto events = store.ReadEvents(newest);
  if (!events) return events.error();
  return events->events.empty() ? 0 : events->events.front().id;
}

}  // namespace

// --- what waits

struct Notifications::Impl {
  Impl(std::size_t most, std::chrono::minutes pause) : waiting(most), clock_wrong(pause) {}

  void Offer(std::span<const Event> recorded);

  const std::size_t waiting;
  const std::chrono::minutes clock_wrong;
  std::int64_t begin = 0;                   // everything after this is told by the queue
  std::int64_t told = 0;                    // and everything up to this is not to be told any more
  TimePoint not_before = TimePoint::min();  // nor what happened before this
  std::mutex mutex;                         // guards what follows
  std::condition_variable woken;
  std::deque<Event> events;
  bool telling = false;  // the first of them, which takes no place any more
  std::uint64_t missed = 0;
  std::int64_t seen = 0;     // the highest id that was offered
  std::int64_t written = 0;  // the cursor
  std::optional<SteadyClock::time_point> last_clock_wrong;
  bool stopping = false;
};

void Notifications::Impl::Offer(std::span<const Event> recorded) {
  const std::lock_guard lock(mutex);
  bool wake = false;
  for (const Event& event : recorded) {
    seen = event.id;
    if (!IsNotified(event.kind)) continue;
    if (event.kind == EventKind::kClockWrong) {
      const auto now = SteadyClock::now();
      if (last_clock_wrong && now - *last_clock_wrong < clock_wrong) continue;
      last_clock_wrong = now;
    }
    LogEvent(event);
    wake = true;
    if (events.size() < waiting + (telling ? 1 : 0)) {
      events.push_back(event);
    } else if (++missed == 1) {
      Log(LogLevel::kError, "notify too many events wait; the next one tells how many are missed");
    }
  }
  if (wake || seen - written >= kCursorEvery) woken.notify_one();
}

Notifications::Notifications(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Notifications::~Notifications() = default;

Result<std::shared_ptr<Notifications>> Notifications::Attach(Store& store,
                                                             const NotifySettings& settings) {
  const auto last = FindLastEvent(store);
  if (!last) return last.error();
  auto impl = std::make_unique<Impl>(settings.waiting, settings.clock_wrong);
  impl->begin = impl->seen = *last;
  const auto cursor = ReadNotifyCursor(settings.cursor);
  impl->told = cursor ? cursor->id : *last;
  // Another store's: a new one, of which all is to be told, or an older one that was restored.
  const bool fits = !cursor || cursor->store.empty() || cursor->store == settings.store;
  if (!fits || impl->told > *last) {
    impl->told = 0;
    impl->not_before = cursor->written;
  }
  impl->written = impl->told;
  std::shared_ptr<Notifications> notifications(new Notifications(std::move(impl)));
  store.SetListener(
      [notifications](std::span<const Event> recorded) { notifications->impl_->Offer(recorded); });
  return notifications;
}

// --- the thread

struct Notifier::Impl {
  Impl(Decider& asked, std::shared_ptr<Notifications> shared, NotifySettings chosen)
      : decider(asked),
        owner(std::move(shared)),
        queue(*owner->impl_),
        settings(std::move(chosen)),
        stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    // Ignored, as whoever started this may have left it, it would reap the children.
    (void)std::signal(SIGCHLD, SIG_DFL);
    thread = std::thread([this] { Run(); });
  }
  ~Impl() {
    {
      const std::lock_guard lock(queue.mutex);
      queue.stopping = true;
    }
    eventfd_write(stop.get(), 1);
    queue.woken.notify_one();
    thread.join();
  }

  void Run();
  void Loop();
  bool TellBacklog();
  Result<std::vector<Event>> ReadPage(std::int64_t after);
  void Pause();
  bool IsStopping() {
    const std::lock_guard lock(queue.mutex);
    return queue.stopping;
  }
  bool Tell(const Event& event, std::uint64_t missed);
  Result<HookList> LookForHooks();
  Delivery Deliver(const Event& event, std::uint64_t missed, Result<HookList> found);
  void KeepCursor(std::int64_t id);

  Decider& decider;
  const std::shared_ptr<Notifications> owner;
  Notifications::Impl& queue;
  const NotifySettings settings;
  const UniqueFd stop;
  bool cursor_failed = false;
  std::uint64_t missed_untold = 0;                     // taken from the queue's, not told yet
  std::vector<std::function<void(Delivery)>> on_test;  // queue.mutex guards it
  std::thread thread;                                  // last: it uses all of the above
};

// Without memory it begins again a little later.
void Notifier::Impl::Run() {
  for (bool begun = false; !IsStopping();) {
    try {
      if (!begun && !TellBacklog()) return;
      begun = true;
      return Loop();
    } catch (const std::exception& exception) {
      Log(LogLevel::kError, std::string("notify ") + exception.what());
    }
    Pause();
  }
}

// What happened before this process listened. Where more of it is to be told than may wait, the
// newest is. False: it was stopped, and the cursor stays before what was not told.
bool Notifier::Impl::TellBacklog() {
  std::deque<Event> backlog;
  std::uint64_t missed = 0;
  std::optional<TimePoint> last_clock_wrong;
  for (std::int64_t at = queue.told; at < queue.begin && !IsStopping();) {
    const auto page = ReadPage(at);
    if (!page) {  // the store is out of reach for now
      Pause();
      continue;
    }
    if (page->empty()) break;
    at = page->back().id;
    for (const Event& event : *page) {
      if (event.id > queue.begin || event.damaged || !IsNotified(event.kind)) continue;
      if (event.time < queue.not_before) continue;
      if (event.kind == EventKind::kClockWrong) {
        // A wrong clock jumps both ways.
        if (last_clock_wrong &&
            std::chrono::abs(event.time - *last_clock_wrong) < settings.clock_wrong) {
          continue;
        }
        last_clock_wrong = event.time;
      }
      backlog.push_back(event);
      if (backlog.size() <= settings.waiting) continue;
      backlog.pop_front();
      ++missed;
    }
  }
  if (IsStopping()) return false;
  for (const Event& event : backlog) {
    if (!Tell(event, std::exchange(missed, 0))) return false;
  }
  KeepCursor(queue.begin);
  return true;
}

Result<std::vector<Event>> Notifier::Impl::ReadPage(std::int64_t after) {
  auto read = std::make_shared<std::promise<Result<std::vector<Event>>>>();
  auto page = read->get_future();
  EventQuery query;
  query.after_id = after;
  query.limit = kPage;
  decider.Read([read, query](Store& store) {
    auto found = store.ReadEvents(query);
    if (found) return read->set_value(std::move(found->events));
    Log(LogLevel::kWarning, "notify " + EscapeForLog(found.error().message));
    read->set_value(found.error());
  });
  return page.get();
}

void Notifier::Impl::Pause() {
  std::unique_lock lock(queue.mutex);
  queue.woken.wait_for(lock, settings.retry, [this] { return queue.stopping; });
}

void Notifier::Impl::Loop() {
  std::unique_lock lock(queue.mutex);
  for (;;) {
    queue.woken.wait(lock, [this] {
      return queue.stopping || !queue.events.empty() || queue.seen - queue.written >= kCursorEvery;
    });
    if (queue.stopping && queue.events.empty()) break;
    if (queue.stopping) return;  // the cursor stays before what was not told
    if (queue.events.empty()) {
      const std::int64_t seen = queue.seen;
      lock.unlock();
      KeepCursor(seen);
      lock.lock();
      continue;
    }
    // It stays there until it is told, for when that throws. Nobody else takes it out, and what is
    // added leaves it where it is.
    const Event& event = queue.events.front();
    queue.telling = true;
    missed_untold += std::exchange(queue.missed, 0);
    lock.unlock();
    if (!Tell(event, missed_untold)) return;
    missed_untold = 0;
    lock.lock();
    queue.telling = false;
    queue.events.pop_front();
  }
  const std::int64_t seen = queue.seen;
  lock.unlock();
  KeepCursor(seen);
}

// False: it was stopped in the middle.
bool Notifier::Impl::Tell(const Event& event, std::uint64_t missed) {
  auto found = LookForHooks();
  if (!found && found.error().code == ErrorCode::kBusy) return false;
  Delivery delivery = Deliver(event, missed, std::move(found));
  const auto is_stopped = [](const HookRun& run) { return run.end == HookEnd::kStopped; };
  if (std::any_of(delivery.runs.begin(), delivery.runs.end(), is_stopped)) return false;
  KeepCursor(event.id);
  if (event.kind != EventKind::kTest) return true;
  std::vector<std::function<void(Delivery)>> waiting;
  {
    const std::lock_guard lock(queue.mutex);
    waiting.swap(on_test);
  }
  for (const auto& told : waiting) told(delivery);
  return true;
}

// Waits while they cannot be read for now. kBusy: it was stopped meanwhile.
Result<HookList> Notifier::Impl::LookForHooks() {
  for (bool logged = false;; logged = true) {
    auto found = FindHooks(settings.folder);
    if (found || found.error().code != ErrorCode::kBusy) return found;
    if (!logged) Log(LogLevel::kError, "notify " + EscapeForLog(found.error().message));
    Pause();
    if (IsStopping()) return found;
  }
}

void LogRun(const Event& event, const HookRun& run) {
  const auto level = run.end == HookEnd::kDone ? LogLevel::kInfo : LogLevel::kWarning;
  Log(level,
      fmt::format("notify hook={} event={} id={} result={} status={} ms={}", LogField(run.name),
                  ToString(event.kind), event.id, ToString(run.end), run.status, run.time.count()));
  for (const std::string& line : run.said) {
    Log(level, fmt::format("notify hook={} says: {}", LogField(run.name), line));
  }
}

Notifier::Delivery Notifier::Impl::Deliver(const Event& event, std::uint64_t missed,
                                           Result<HookList> found) {
  Delivery delivery;
  delivery.event = event.id;
  if (!found) {
    delivery.failure = found.error().message;
    Log(LogLevel::kError, "notify " + EscapeForLog(delivery.failure));
    return delivery;
  }
  delivery.found = *std::move(found);
  const std::string json = NotificationJson(event, settings.host, missed);
  for (const std::string& name : delivery.found.names) {
    delivery.runs.push_back(
        RunHook(settings.folder, name, ToString(event.kind), json, settings.limit, stop.get()));
    LogRun(event, delivery.runs.back());
    if (delivery.runs.back().end == HookEnd::kStopped) break;
  }
  return delivery;
}

void Notifier::Impl::KeepCursor(std::int64_t id) {
  const Status written = WriteNotifyCursor(settings.cursor, id, settings.store);
  if (!written && !cursor_failed) {
    Log(LogLevel::kWarning, "notify " + EscapeForLog(written.error().message));
  }
  cursor_failed = !written;
  const std::lock_guard lock(queue.mutex);
  queue.written = id;
}

Notifier::Notifier(Decider& decider, std::shared_ptr<Notifications> notifications,
                   NotifySettings settings)
    : impl_(std::make_unique<Impl>(decider, std::move(notifications), std::move(settings))) {}
Notifier::~Notifier() = default;

const std::string& Notifier::folder() const { return impl_->settings.folder; }

void Notifier::OnTest(std::function<void(Delivery)> told) {
  // A test event that could not be recorded is never told; its caller has that answer already.
  constexpr std::size_t kMostWaiting = 32;
  const std::lock_guard lock(impl_->queue.mutex);
  auto& waiting = impl_->on_test;
  if (waiting.size() >= kMostWaiting) waiting.erase(waiting.begin());
  waiting.push_back(std::move(told));
}

}  // namespace sparekey
