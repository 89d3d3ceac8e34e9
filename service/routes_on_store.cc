// SPDX-License-Identifier: Apache-2.0
#include "service/routes_on_store.h"

#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "core/sqlite_store.h"
#include "service/query.h"
#include "service/routes.h"
#include "version.h"

namespace sparekey {
namespace {

constexpr std::size_t kHashThreads = 2;
constexpr std::size_t kHashesWaiting = 64;

// The server's thread is whoever waits for an answer.
class Tasks {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  void Post(std::function<void()> task) { Add(TimePoint(), std::move(task)); }
  void After(std::chrono::milliseconds delay, std::function<void()> task) {
    Add(std::chrono::steady_clock::now() + delay, std::move(task));
  }
  void RunUntil(const std::function<bool()>& done) {
    while (!done()) Take()();
  }
  void RunFor(std::chrono::milliseconds time) {
    bool over = false;
    After(time, [&over] { over = true; });
    RunUntil([&over] { return over; });
  }
  void Drop() {
    std::multimap<TimePoint, std::function<void()>> dropped;
    const std::lock_guard lock(mutex_);
    tasks_.swap(dropped);
  }

 private:
  void Add(TimePoint due, std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.emplace(due, std::move(task));
    ready_.notify_one();
  }
  // The first one that is due; waits for it.
  std::function<void()> Take() {
    std::unique_lock lock(mutex_);
    while (true) {
      ready_.wait(lock, [this] { return !tasks_.empty(); });
      const auto first = tasks_.begin();
      if (first->first <= std::chrono::steady_clock::now()) {
        auto task = std::move(first->second);
        tasks_.erase(first);
        return task;
      }
      ready_.wait_until(lock, TimePoint(first->first));
    }
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::multimap<TimePoint, std::function<void()>> tasks_;
};

class AskedDirectory : public Directory {
 public:
  AskedDirectory(Tasks& tasks, AskDirectory ask) : tasks_(tasks), ask_(std::move(ask)) {}
  void Lookup(std::string name, Found found) override {
    tasks_.Post([found = std::move(found), answer = ask_(name)] { found(answer); });
  }

 private:
  Tasks& tasks_;
  AskDirectory ask_;
};

// Nobody proves anything here: root needs no proof.
class NoFirstFactor : public FirstFactor {
 public:
  void Check(std::string, SecretBytes, Checked checked) override {
    checked(Error{ErrorCode::kUnavailable, "the service is down"});
  }
};

}  // namespace

SignalsHeld::SignalsHeld() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before_);
}
SignalsHeld::~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

struct RoutesOnStore::Impl {
  Impl(const Config& config, StoreHost host, std::unique_ptr<Store> store, SecretBytes key)
      : code_key(std::move(key)),
        directory(tasks, std::move(host.people)),
        decider(std::in_place, std::move(store)),
        hashes(std::in_place, kHashThreads, kHashesWaiting),
        backend{*decider,
                directory,
                directory,
                *hashes,
                [this](std::function<void()> task) { tasks.Post(std::move(task)); },
                [this](std::chrono::milliseconds delay, std::function<void()> task) {
                  tasks.After(delay, std::move(task));
                },
                ReadClock,
                TimePoint(std::chrono::seconds(kReleaseDate)),
                std::move(host.name),
                code_key,
                config,
                true,
                geteuid(),
                first_factor,
                std::chrono::steady_clock::now,
                nullptr,  // sparekeyd tells it when it is back
                nullptr,
                [](const ConsoleConfig&, const Peer&) {
                  return ResetPermission{true, ""};
                }},
        routes(backend, (std::filesystem::path(config.socket).parent_path() / "sessions").string(),
               MakeSessionSystem(host.whole_machine)) {}
  // Their threads use all the rest.
  ~Impl() {
    routes.Stop();
    hashes.reset();
    decider.reset();
    tasks.Drop();
  }

  Tasks tasks;
  NoFirstFactor first_factor;
  SecretBytes code_key;
  AskedDirectory directory;
  std::optional<Decider> decider;
  std::optional<HashPool> hashes;
  Backend backend;
  Routes routes;
  bool resumed = false;
};

RoutesOnStore::RoutesOnStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RoutesOnStore::~RoutesOnStore() = default;

Result<std::unique_ptr<RoutesOnStore>> RoutesOnStore::Open(const Config& config, StoreHost host) {
  const SignalsHeld held;
  Result<MasterKey> key = MasterKey::Load(config.master_key);
  if (!key) return key.error();
  SecretBytes code_key = DeriveCodeKey(*key);
  Result<std::unique_ptr<Store>> store = OpenSqliteStore(config.state_dir, std::move(*key));
  if (!store) return store.error();
  auto impl =
      std::make_unique<Impl>(config, std::move(host), std::move(*store), std::move(code_key));
  return std::unique_ptr<RoutesOnStore>(new RoutesOnStore(std::move(impl)));
}

void RoutesOnStore::Wait(std::chrono::milliseconds time) {
  const SignalsHeld held;
  if (!std::exchange(impl_->resumed, true)) impl_->routes.Resume();
  impl_->tasks.RunFor(time);
}

HttpResponse RoutesOnStore::Call(const std::string& method, const std::string& target,
                                 SecretBytes body) {
  const SignalsHeld held;
  HttpRequest request;
  request.method = method;
  const auto mark = std::min(target.find('?'), target.size());
  request.path = DecodePercent(target.substr(0, mark));
  if (mark < target.size()) request.query = target.substr(mark + 1);
  request.body = std::move(body);
  request.peer = {SocketKind::kApi, 0, getegid(), getpid(), 1};
  std::optional<HttpResponse> answer;
  impl_->routes.Handle(std::move(request),
                       [&answer](HttpResponse response) { answer.emplace(std::move(response)); });
  impl_->tasks.RunUntil([&answer] { return answer.has_value(); });
  return std::move(*answer);
}

}  // namespace sparekey
