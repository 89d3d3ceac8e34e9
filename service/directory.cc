// SPDX-License-Identifier: Apache-2.0
#include "service/directory.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "core/account.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostSilent = 4096;

Error NoAnswer(std::string_view why) {
  return {ErrorCode::kUnavailable, "the user directory does not answer: " + std::string(why)};
}

struct Lookup {
  std::string name;
  Directory::Found found;  // the server's thread only; empty once called
  std::chrono::steady_clock::time_point expires;
  std::atomic<bool> expired = false;

  void Answer(Result<std::optional<Identity>> identity) {
    if (auto call = std::exchange(found, nullptr)) call(std::move(identity));
  }
};
using LookupPtr = std::shared_ptr<Lookup>;

// Shared with the threads, which are detached: one that hangs in NSS may outlive the directory.
class LookupPool : public std::enable_shared_from_this<LookupPool> {
 public:
  LookupPool(std::function<void(std::function<void()>)> post, AskDirectory ask, PoolLimits limits)
      : post_(std::move(post)), ask_(std::move(ask)), limits_(limits) {}

  // False: too many wait.
  bool Submit(LookupPtr lookup) {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= limits_.waiting || !EnsureThread()) return false;
    queue_.push_back(std::move(lookup));
    changed_.notify_one();
    return true;
  }

  void Post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    if (!ended_) post_(std::move(task));
  }

  void End() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    queue_.clear();
    changed_.notify_all();
  }

 private:
  bool EnsureThread() {
    if (idle_ > queue_.size() || threads_ == limits_.threads) return true;
    try {
      std::thread([self = shared_from_this()] { self->Run(); }).detach();
    } catch (const std::system_error&) {
      return threads_ > 0;
    }
    ++threads_;
    return true;
  }

  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      changed_.wait(lock, [this] { return ended_ || !queue_.empty(); });
      --idle_;
      if (ended_) return;
      const LookupPtr lookup = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      lookup->expired ? Finish(lookup, NoAnswer("it was too late")) : Serve(lookup);
      lock.lock();
    }
  }

  // What cannot even be answered, for want of memory, is kUnavailable at the deadline.
  void Serve(const LookupPtr& lookup) {
    try {
      Finish(lookup, Ask(lookup->name));
    } catch (...) {
    }
  }

  Result<std::optional<Identity>> Ask(const std::string& name) {
    try {
      return ask_(name);
    } catch (const std::exception& exception) {
      return NoAnswer(exception.what());
    }
  }

  void Finish(LookupPtr lookup, Result<std::optional<Identity>> identity) {
    // std::function wants what can be copied.
    auto shared = std::make_shared<Result<std::optional<Identity>>>(std::move(identity));
    Post([lookup = std::move(lookup), shared] { lookup->Answer(std::move(*shared)); });
  }

  const std::function<void(std::function<void()>)> post_;
  const AskDirectory ask_;
  const PoolLimits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<LookupPtr> queue_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
  bool ended_ = false;
};

class NssDirectory : public Directory {
 public:
  NssDirectory(ServerThread server, std::chrono::milliseconds deadline, AskDirectory ask,
               PoolLimits limits)
      : after_(std::move(server.after)),
        deadline_(deadline),
        silence_(limits.silence),
        pool_(std::make_shared<LookupPool>(std::move(server.post), std::move(ask), limits)) {}
  ~NssDirectory() override {
    pool_->End();
    for (const LookupPtr& lookup : running_) lookup->found = nullptr;  // a thread may hold it on
  }

  void Lookup(std::string name, Found found) override {
    const auto now = std::chrono::steady_clock::now();
    auto lookup = std::make_shared<sparekey::Lookup>();
    lookup->found = std::move(found);
    if (IsSilent(name, now)) {
      pool_->Post([lookup] { lookup->Answer(NoAnswer("it did not a moment ago")); });
      return;
    }
    lookup->name = std::move(name);
    lookup->expires = now + deadline_;
    if (!pool_->Submit(lookup)) {
      pool_->Post([lookup] { lookup->Answer(NoAnswer("too many lookups wait")); });
      return;
    }
    running_.push_back(std::move(lookup));
    if (!timer_runs_) StartTimer(deadline_);
  }

 private:
  bool IsSilent(const std::string& name, std::chrono::steady_clock::time_point now) {
    const auto silent = silent_.find(name);
    if (silent == silent_.end()) return false;
    if (silent->second > now) return true;
    silent_.erase(silent);
    return false;
  }

  // Until the late answer comes.
  void Remember(const LookupPtr& lookup, std::chrono::steady_clock::time_point now) {
    if (silent_.size() >= kMostSilent) {
      std::erase_if(silent_, [now](const auto& silent) { return silent.second <= now; });
    }
    if (silent_.size() >= kMostSilent) return;
    silent_[lookup->name] = now + silence_;
    lookup->found = [this, name = lookup->name, alive = std::weak_ptr<char>(alive_)](auto) {
      if (!alive.expired()) silent_.erase(name);
    };
  }

  // One timer for all: they expire in the order in which they began.
  void StartTimer(std::chrono::milliseconds delay) {
    timer_runs_ = true;
    after_(delay, [this, alive = std::weak_ptr<char>(alive_)] {
      if (!alive.expired()) Expire();
    });
  }

  void Expire() {
    timer_runs_ = false;
    const auto now = std::chrono::steady_clock::now();
    while (!running_.empty() && (!running_.front()->found || running_.front()->expires <= now)) {
      const LookupPtr lookup = std::move(running_.front());
      running_.pop_front();
      if (!lookup->found) continue;  // answered
      lookup->expired = true;
      lookup->Answer(NoAnswer("no answer in " + std::to_string(deadline_.count()) + " ms"));
      Remember(lookup, now);
    }
    if (running_.empty() || timer_runs_) return;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(running_.front()->expires - now);
    StartTimer(std::max(left, std::chrono::milliseconds(1)));
  }

  std::function<void(std::chrono::milliseconds, std::function<void()>)> after_;
  const std::chrono::milliseconds deadline_;
  const std::chrono::milliseconds silence_;
  std::shared_ptr<LookupPool> pool_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // nobody else holds it
  std::deque<LookupPtr> running_;
  std::map<std::string, std::chrono::steady_clock::time_point> silent_;  // not asked for until then
  bool timer_runs_ = false;
};

class AnyDirectory : public Directory {
 public:
  AnyDirectory(ServerThread server, std::vector<std::string> admin_accounts)
      : post_(std::move(server.post)), admin_accounts_(std::move(admin_accounts)) {}

  void Lookup(std::string name, Found found) override {
    std::optional<Identity> identity;
    if (IsAccountName(name)) {
      identity.emplace();
      identity->administrator_by_config =
          std::find(admin_accounts_.begin(), admin_accounts_.end(), name) != admin_accounts_.end();
      identity->name = std::move(name);
    }
    post_([found = std::move(found), identity = std::move(identity)] { found(identity); });
  }

 private:
  std::function<void(std::function<void()>)> post_;
  const std::vector<std::string> admin_accounts_;
};

class OwnDirectory : public Directory {
 public:
  OwnDirectory(std::unique_ptr<Directory> inner, uid_t uid) : inner_(std::move(inner)), uid_(uid) {}

  void Lookup(std::string name, Found found) override {
    inner_->Lookup(std::move(name), [found = std::move(found),
                                     uid = uid_](Result<std::optional<Identity>> identity) {
      if (identity && *identity && (*identity)->uid != uid) return found(std::optional<Identity>());
      found(std::move(identity));
    });
  }

 private:
  std::unique_ptr<Directory> inner_;
  const uid_t uid_;
};

}  // namespace

std::unique_ptr<Directory> MakeNssDirectory(ServerThread server, std::chrono::milliseconds deadline,
                                            AskDirectory ask, PoolLimits limits) {
  return std::make_unique<NssDirectory>(std::move(server), deadline, std::move(ask), limits);
}

std::unique_ptr<Directory> MakeAnyDirectory(ServerThread server,
                                            std::vector<std::string> admin_accounts) {
  return std::make_unique<AnyDirectory>(std::move(server), std::move(admin_accounts));
}

std::unique_ptr<Directory> MakeOwnDirectory(std::unique_ptr<Directory> inner, uid_t uid) {
  return std::make_unique<OwnDirectory>(std::move(inner), uid);
}

}  // namespace sparekey
