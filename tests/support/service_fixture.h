// SPDX-License-Identifier: Apache-2.0
// The whole service without sockets: real store, decider and hash pool, a directory and a clock
// that the test sets, and a server's thread that is the test's own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>

#include "core/base32.h"
#include "core/random.h"
#include "core/sqlite_store.h"
#include "service/json.h"
#include "service/routes.h"
#include "tests/support/accounts.h"
#include "tests/support/failing_store.h"

namespace sparekey::testing {

// Tasks posted from any thread, run by whoever waits.
class TaskQueue {
 public:
  void Post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    ready_.notify_one();
  }
  // What a server that has stopped runs no more.
  void Drop() {
    std::deque<std::function<void()>> dropped;
    const std::lock_guard lock(mutex_);
    tasks_.swap(dropped);
  }
  void RunUntil(const std::function<bool()>& done) {
    auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done()) {
      std::unique_lock lock(mutex_);
      // In slices: what is waited for may also be done by another thread, without a task.
      ready_.wait_for(lock, std::chrono::milliseconds(5), [this] { return !tasks_.empty(); });
      const auto now = std::chrono::steady_clock::now();
      ASSERT_LT(now, patience) << "nothing happens any more";
      if (tasks_.empty()) continue;
      patience = now + std::chrono::seconds(60);
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> tasks_;
};

class FakeDirectory : public Directory {
 public:
  explicit FakeDirectory(TaskQueue& queue) : queue_(queue) {}
  void Lookup(std::string name, Found found) override {
    Result<std::optional<Identity>> answer = std::optional<Identity>();
    if (hangs) {
      answer = Error{ErrorCode::kUnavailable, "the directory of users does not answer"};
    } else if (const auto known = people.find(name); known != people.end()) {
      answer = std::optional<Identity>(known->second);
    }
    queue_.Post([found = std::move(found), answer] { found(answer); });
  }
  std::map<std::string, Identity> people;
  bool hangs = false;

 private:
  TaskQueue& queue_;
};

// The same people, for peers that are not root.
class CountingDirectory : public Directory {
 public:
  explicit CountingDirectory(Directory& inner) : inner_(inner) {}
  void Lookup(std::string name, Found found) override {
    ++lookups;
    inner_.Lookup(std::move(name), std::move(found));
  }
  int lookups = 0;

 private:
  Directory& inner_;
};

// Knows one password for everybody.
class FakeFirstFactor : public FirstFactor {
 public:
  explicit FakeFirstFactor(TaskQueue& queue) : queue_(queue) {}
  void Check(std::string name, SecretBytes given, Checked checked) override {
    asked.push_back(std::move(name));
    Result<bool> proven = given.ExposeText() == password;
    if (fails) proven = Error{ErrorCode::kUnavailable, "PAM gave no answer in time"};
    queue_.Post([checked = std::move(checked), proven] { checked(proven); });
  }
  std::string password = "correct horse";
  bool fails = false;
  std::vector<std::string> asked;

 private:
  TaskQueue& queue_;
};

struct Answer {
  int status = 0;
  Json body;
};

class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() {
    folder = std::filesystem::temp_directory_path() / ("sparekey-service-test-" + RandomHex(8));
    const auto bytes = std::array<std::uint8_t, kMasterKeyBytes>{1, 2, 3};
    EXPECT_TRUE(CreateSqliteStore(folder, MasterKey::FromBytes(bytes)));
    people().emplace("ada", Identity{"ada", 1000, {"ada", "sudo"}, false});
    people().emplace("bob", Identity{"bob", 1001, {"bob"}, false});
    people().emplace("root", Identity{"root", 0, {"root"}, false});
    Start();
  }
  ~ServiceTest() override {
    Stop();
    std::filesystem::remove_all(folder);
  }

  void Start() {
    const auto bytes = std::array<std::uint8_t, kMasterKeyBytes>{1, 2, 3};
    const MasterKey key = MasterKey::FromBytes(bytes);
    code_key = key.Derive(1, "bkpcodes");
    auto store = OpenSqliteStore(folder, MasterKey::FromBytes(bytes));
    ASSERT_TRUE(store) << store.error().message;
    decider = std::make_unique<Decider>(std::make_unique<FailingStore>(*std::move(store), faults));
    hashes = std::make_unique<HashPool>(2, 8);
    backend.reset(new Backend{*decider, directory, self_directory, *hashes,
                              [this](std::function<void()> task) { queue.Post(std::move(task)); },
                              [this](std::chrono::milliseconds, std::function<void()> task) {
                                queue.Post(std::move(task));
                              },
                              [this] { return now; }, kBuilt, "nas.example.net", code_key, config,
                              true, 0, first_factor, [this] { return steady_now; }});
    routes = std::make_unique<Routes>(
        *backend, folder + "/sessions",
        make_session_system ? make_session_system() : MakeSessionSystem(false));
    routes->Resume();
  }
  void Stop() {
    if (routes) routes->Stop();
    hashes.reset();
    decider.reset();
    queue.Drop();
    routes.reset();
    backend.reset();
  }
  void Restart() {
    Stop();
    Start();
  }

  // One request to its answer; by root on the socket that the route wants, unless said otherwise.
  Answer Send(const std::string& method, const std::string& target, const Json& body = Json(),
              std::optional<Peer> peer = std::nullopt) {
    std::optional<Answer> answer;
    Start(method, target, body, peer, [&answer](HttpResponse response) {
      answer = Answer{
          response.status,
          response.body.empty() ? Json() : Json::parse(response.body.ExposeText(), nullptr, false)};
    });
    // What a lockout ended is over before the next request.
    queue.RunUntil(
        [&] { return answer.has_value() && (!awaits_containment || routes->IsQuiet()); });
    return answer.value_or(Answer{});
  }
  void Start(const std::string& method, const std::string& target, const Json& body,
             std::optional<Peer> peer, Respond respond) {
    HttpRequest request;
    request.method = method;
    const auto mark = std::min(target.find('?'), target.size());
    request.path = target.substr(0, mark);
    if (mark < target.size()) request.query = target.substr(mark + 1);
    if (!body.is_null()) request.body = SecretBytes(body.dump());
    const bool pam = target.starts_with("/v1/logins") || target.starts_with("/v1/access") ||
                     target.starts_with("/v1/sessions");
    request.peer =
        peer.value_or(Peer{pam ? SocketKind::kPam : SocketKind::kApi, 0, 0, getpid(), 1});
    routes->Handle(std::move(request), std::move(respond));
  }

  // Enrols at once and returns the enrolment's answer.
  Json Enrol(const std::string& name, Json wishes = Json::object()) {
    wishes["confirm"] = false;
    const Answer answer = Send("POST", "/v1/accounts/" + name + "/enrolment", wishes);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.body;
  }
  std::string CodeOf(const Json& enrolment, int steps = 0) const {
    Authenticator authenticator;
    authenticator.digits = enrolment["digits"];
    authenticator.interval = std::chrono::seconds(enrolment["interval"]);
    authenticator.algorithm = *ParseHashAlgorithm(enrolment["algorithm"].get<std::string>());
    authenticator.secret = std::move(*DecodeBase32(enrolment["secret"].get<std::string>()));
    return CodeAt(authenticator, now, steps);
  }
  // Six digits that are no code of the window.
  std::string WrongCodeOf(const Json& enrolment) const {
    for (int i = 0;; ++i) {
      const std::string code = std::to_string(100000 + i);
      bool hit = false;
      for (int step = -2; step <= 2; ++step) hit = hit || code == CodeOf(enrolment, step);
      if (!hit) return code;
    }
  }

  static Json Opening(const std::string& name, const std::string& door = "ssh") {
    return {{"account", name},
            {"door", door},
            {"service", "sshd"},
            {"remote_host", "192.0.2.7"},
            {"first_factor", "password"}};
  }
  Answer Begin(const std::string& name, const std::string& door = "ssh") {
    return Send("POST", "/v1/logins", Opening(name, door));
  }
  Answer Give(const Answer& login, const Json& answers) {
    return Send("POST", "/v1/logins/" + login.body["login"].get<std::string>() + "/answers",
                {{"answers", answers}});
  }
  Answer LogIn(const std::string& name, const std::string& code, const std::string& door = "ssh") {
    Json opening = Opening(name, door);
    opening["answers"] = {{"code", code}};
    return Send("POST", "/v1/logins", opening);
  }
  Answer Recover(const std::string& name, const std::vector<std::string>& codes) {
    const Answer login = Begin(name);
    if (!login.body["verdict"].is_null()) return login;
    Answer asked = login;
    if (login.body["ask"][0]["id"] == "code") asked = Give(login, {{"code", "recover"}});
    Json answers;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      answers["backup_code_" + std::to_string(i + 1)] = codes[i];
    }
    return Give(login, answers);
  }
  Json Show(const std::string& name) { return Send("GET", "/v1/accounts/" + name).body; }

  std::map<std::string, Identity>& people() { return directory.people; }

  std::string folder;
  TaskQueue queue;
  StoreFaults faults;
  FakeDirectory directory{queue};
  CountingDirectory self_directory{directory};
  FakeFirstFactor first_factor{queue};
  std::function<std::unique_ptr<SessionSystem>()> make_session_system;  // none: no sshd's sessions
  bool awaits_containment = true;
  Config config;
  TimePoint now = kNow;
  std::chrono::steady_clock::time_point steady_now{};  // of proofs
  SecretBytes code_key;
  std::unique_ptr<Decider> decider;
  std::unique_ptr<HashPool> hashes;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Routes> routes;
};

}  // namespace sparekey::testing
