// SPDX-License-Identifier: Apache-2.0
// Containment over the real store: marks, restarts, gates that are closed by hand or opened early,
// sessions that begin late.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <csignal>

#include "lockout/transitions.h"
#include "tests/service/recorded_sessions.h"
#include "tests/support/processes.h"
#include "tests/support/service_fixture.h"
#include "tests/support/store_file.h"

namespace sparekey::testing {
namespace {

using ::testing::HasSubstr;

// Stands for an sshd that told of its session.
class Monitor {
 public:
  Monitor() : pid_(CheckedFork()) {
    if (pid_ == 0) {
      pause();
      _exit(0);
    }
  }
  ~Monitor() {
    CheckedKill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  bool HasEnded() {
    int how = 0;
    ended_ = ended_ || waitpid(pid_, &how, WNOHANG) == pid_;
    return ended_;
  }

 private:
  pid_t pid_;
  bool ended_ = false;
};

class ContainmentsTest : public ServiceTest {
 protected:
  int BeginSession(const std::string& account, const Monitor& monitor) {
    return Send("POST", "/v1/sessions", {{"account", account}, {"service", "sshd"}},
                Peer{SocketKind::kPam, 0, 0, monitor.pid(), 1})
        .status;
  }
  void SuperLock(const std::string& name, const std::string& door) {
    for (int i = 0; i < 10; ++i) {
      const Answer login = Begin(name, door);
      Give(login, {{"code", "recover"}});
      Give(login,
           {{"backup_code_1", "0000-0000-0000-0000"}, {"backup_code_2", "1111-1111-1111-1111"}});
    }
  }
  void AwaitEnd(Monitor& monitor) {
    queue.RunUntil([&monitor] { return monitor.HasEnded(); });
  }
  std::vector<std::string> Ended() {
    queue.RunUntil([this] { return routes->IsQuiet(); });
    std::vector<std::string> lines;
    const Json events = Send("GET", "/v1/events").body["events"];
    for (const Json& event : events) {
      if (event["kind"] != "sessions_ended") continue;
      const std::string whose = event["account"].is_null() ? "everybody" : event["account"];
      lines.push_back(whose + ": " + event["detail"].get<std::string>());
    }
    return lines;
  }
  // A sparekeyd that finds these sessions of sshd's; where it `fails`, none of them ends.
  struct LoggedIn {
    pid_t monitor;
    uid_t uid;
    const char* name;
  };
  RecordedSystem& RestartWith(const std::vector<LoggedIn>& sessions, bool fails) {
    auto made = std::make_unique<RecordedSystem>();
    RecordedSystem& system = *made;
    system.fails = fails;
    for (const auto& [monitor, uid, name] : sessions) system.LogIn(monitor, uid, name);
    make_session_system = [&made] { return std::move(made); };
    Restart();
    make_session_system = nullptr;
    return system;
  }
  // At the console, while his sessions are still being ended.
  void SuperLockAndReset(const std::string& name) {
    config.console.allow_root = true;
    Enrol(name);
    awaits_containment = false;
    SuperLock(name, "web");
    Send("POST", "/v1/console/resets", {{"account", name}});
  }
  // Until what the answers so far have begun is known to the thread that ends sessions.
  void AwaitSweep(const RecordedSystem& system) {
    for (int i = 0; i < 2; ++i) Send("GET", "/v1/ssh-gate");
    const int before = system.sweeps;  // one of them may be under way
    queue.RunUntil([&] { return system.sweeps > before + 1; });
  }
  int OpenGate() { return Send("PUT", "/v1/ssh-gate", {{"state", "open"}}).status; }
  // What a sparekeyd commits that is killed right after.
  void CommitALockoutOf(const std::string& name, bool everybody) {
    Stop();
    const auto bytes = std::array<std::uint8_t, kMasterKeyBytes>{1, 2, 3};
    auto store = OpenSqliteStore(folder, MasterKey::FromBytes(bytes));
    ASSERT_TRUE(store);
    const Status done = RunStep(**store, {{name, {}}}, [&](Records& records) -> Result<Changes> {
      Changes changes{{0}, true, false, {}};
      Policy policy;
      policy.lockout_scope = everybody ? LockoutScope::kSystem : LockoutScope::kAccount;
      sparekey::SuperLock(policy, *records.accounts[0].account, records.system, false, now,
                          changes.events);
      return changes;
    });
    EXPECT_TRUE(done);
    store->reset();
    Start();
  }
};

TEST_F(ContainmentsTest, EndSessionsBehindAGateThatWasClosedByHand) {
  Enrol("bob");
  Monitor bobs, adas;
  EXPECT_EQ(BeginSession("bob", bobs), 201);
  EXPECT_EQ(BeginSession("ada", adas), 201);
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}, {"account", "bob"}});
  EXPECT_FALSE(bobs.HasEnded());
  SuperLock("bob", "web");
  AwaitEnd(bobs);
  EXPECT_FALSE(adas.HasEnded());
  EXPECT_THAT(Ended(), ::testing::ElementsAre("bob: 1 SSH session ended"));
}

TEST_F(ContainmentsTest, EndNothingByHandAlone) {
  Enrol("bob");
  Monitor bobs;
  BeginSession("bob", bobs);
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}});
  EXPECT_THAT(Ended(), ::testing::IsEmpty());
  EXPECT_FALSE(bobs.HasEnded());
}

TEST_F(ContainmentsTest, AreFinishedByTheNextSparekeyd) {
  Enrol("bob");
  Monitor bobs, adas;
  BeginSession("bob", bobs);
  BeginSession("ada", adas);
  CommitALockoutOf("bob", false);
  AwaitEnd(bobs);
  EXPECT_THAT(Ended(), ::testing::ElementsAre("bob: 1 SSH session ended"));
  EXPECT_FALSE(adas.HasEnded());
  Restart();
  EXPECT_EQ(Ended().size(), 1);
}

TEST_F(ContainmentsTest, OfEverybodyAreFinishedByTheNextSparekeyd) {
  Enrol("bob");
  Monitor bobs, adas;
  BeginSession("bob", bobs);
  BeginSession("ada", adas);
  CommitALockoutOf("bob", true);
  AwaitEnd(bobs);
  AwaitEnd(adas);
  EXPECT_THAT(Ended(), ::testing::ElementsAre("everybody: 2 SSH sessions ended"));
}

// Costs the ten seconds of the bound.
TEST_F(ContainmentsTest, HoldTheGateNoLongerThanTheBoundAndForgetWhoIsLetInAgain) {
  people().emplace("eve", Identity{"eve", 1002, {}, false});
  RecordedSystem* system = &RestartWith({{10, 1001, "bob"}, {20, 1002, "eve"}}, true);
  SuperLockAndReset("bob");
  EXPECT_EQ(OpenGate(), 429);
  queue.RunUntil([this] { return routes->IsQuiet(); });
  EXPECT_THAT(Ended(),
              ::testing::ElementsAre("bob: no SSH session ended; 1 could not be ended yet"));
  SuperLockAndReset("eve");
  EXPECT_EQ(OpenGate(), 429);  // for eve's sake
  EXPECT_EQ(Show("bob")["ssh_gate"], "open");
  AwaitSweep(*system);
  system->fails = false;
  EXPECT_THAT(Ended(), ::testing::Contains("eve: 1 SSH session ended"));
  EXPECT_EQ(OpenGate(), 200);
  EXPECT_THAT(system->signals, ::testing::ElementsAre("term 20"));
  system = &RestartWith({{10, 1001, "bob"}}, false);
  Ended();  // by then the new one has read what is due
  EXPECT_EQ(Ended().size(), 2);
  EXPECT_THAT(system->signals, ::testing::IsEmpty());
}

TEST_F(ContainmentsTest, HoldTheGateUntilNobodyIsThrownOutAnyMore) {
  RecordedSystem& system = RestartWith({{10, 1001, "bob"}}, true);
  SuperLockAndReset("bob");
  for (const Json& gate : {Json{{"state", "open"}}, Json{{"state", "open"}, {"account", "bob"}}}) {
    const Answer answer = Send("PUT", "/v1/ssh-gate", gate);
    EXPECT_EQ(answer.status, 429) << answer.body;
    EXPECT_THAT(answer.body["detail"].get<std::string>(),
                HasSubstr("still being ended (super-lockout of bob); try again"));
  }
  EXPECT_EQ(Send("PUT", "/v1/ssh-gate", {{"state", "closed"}}).status, 200);
  EXPECT_EQ(Send("PUT", "/v1/ssh-gate", {{"state", "open"}, {"account", "ada"}}).status, 404);
  system.fails = false;
  queue.RunUntil([this] { return routes->IsQuiet(); });
  EXPECT_EQ(OpenGate(), 200);
  EXPECT_EQ(Show("bob")["ssh_gate"], "open");
  EXPECT_THAT(Ended(), ::testing::ElementsAre("bob: 1 SSH session ended"));
}

TEST_F(ContainmentsTest, EndASessionThatBeganBehindAClosedGate) {
  Enrol("bob");
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}, {"account", "bob"}});
  Monitor bobs, adas;
  EXPECT_EQ(BeginSession("ada", adas), 201);
  EXPECT_EQ(BeginSession("bob", bobs), 201);
  AwaitEnd(bobs);
  EXPECT_FALSE(adas.HasEnded());
  EXPECT_THAT(Ended(), ::testing::IsEmpty());
}

TEST_F(ContainmentsTest, EndASessionOfAnotherSpellingThatBeganBehindAClosedGate) {
  Enrol("bob");
  people().emplace("Bob", people().at("bob"));
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}, {"account", "bob"}});
  Monitor late;
  EXPECT_EQ(BeginSession("Bob", late), 201);
  AwaitEnd(late);
}

TEST_F(ContainmentsTest, AreFinishedWhereTheStoreCouldNotBeReadAtTheStart) {
  Enrol("bob");
  Monitor bobs;
  BeginSession("bob", bobs);
  faults.fails = true;
  CommitALockoutOf("bob", false);
  queue.RunUntil([this] { return faults.failed > 0; });
  EXPECT_FALSE(bobs.HasEnded());
  faults.fails = false;
  AwaitEnd(bobs);
  EXPECT_THAT(Ended(), ::testing::ElementsAre("bob: 1 SSH session ended"));
}

TEST_F(ContainmentsTest, EndALateSessionThatCouldNotBeLookedAtFirst) {
  Enrol("bob");
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}, {"account", "bob"}});
  Monitor bobs;
  faults.fails = true;
  EXPECT_EQ(BeginSession("bob", bobs), 201);
  queue.RunUntil([this] { return faults.failed > 0; });
  EXPECT_FALSE(bobs.HasEnded());
  faults.fails = false;
  AwaitEnd(bobs);
}

TEST_F(ContainmentsTest, EndALateSessionOfADamagedAccountBehindEverybodysGate) {
  Enrol("bob");
  Send("PUT", "/v1/ssh-gate", {{"state", "closed"}});
  Stop();
  EditStoreFile(folder + "/" + kStoreFile, "UPDATE account SET record=zeroblob(200)");
  Start();
  Monitor bobs;
  EXPECT_EQ(BeginSession("bob", bobs), 201);
  AwaitEnd(bobs);
}

TEST_F(ContainmentsTest, SayOnceThatTheyCannotBeRecorded) {
  Enrol("bob");
  Monitor bobs;
  BeginSession("bob", bobs);
  ::testing::internal::CaptureStderr();
  awaits_containment = false;
  SuperLock("bob", "web");
  faults.fails = true;
  AwaitEnd(bobs);
  const int before = faults.failed;
  queue.RunUntil([&] { return faults.failed > before + 2; });
  faults.fails = false;
  EXPECT_THAT(Ended(), ::testing::ElementsAre("bob: 1 SSH session ended"));
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(said.find("disk I/O error"), said.rfind("disk I/O error")) << said;
  EXPECT_EQ(said.find("containment of bob"), said.rfind("containment of bob")) << said;
}

TEST_F(ContainmentsTest, EndASessionOfASecondNameThatBeganUnderASuperLockout) {
  Enrol("bob");
  people().emplace("bob2", Identity{"bob2", 1001, {}, false});
  Send("PATCH", "/v1/settings", {{"ssh.close_gate_on", "never"}});
  SuperLock("bob", "web");
  Monitor late;
  EXPECT_EQ(BeginSession("bob2", late), 201);
  AwaitEnd(late);
}

TEST_F(ContainmentsTest, AreNotDueWhereSessionsAreNotToBeEnded) {
  Send("PATCH", "/v1/settings", {{"ssh.end_sessions", "false"}});
  Enrol("bob");
  Monitor bobs;
  BeginSession("bob", bobs);
  SuperLock("bob", "ssh");
  EXPECT_FALSE(bobs.HasEnded());
  EXPECT_THAT(Ended(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace sparekey::testing
