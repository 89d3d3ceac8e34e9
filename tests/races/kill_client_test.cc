// SPDX-License-Identifier: Apache-2.0
// A client that is killed while it logs in: between question and answer nothing is counted, spent
// or kept; at any other moment its code is spent once or not at all.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "tests/races/race_fixture.h"
#include "tests/support/processes.h"

namespace sparekey::races {
namespace {

using Clock = std::chrono::steady_clock;

const int kRounds = IsLongRun() ? 1000 : 100;

// A process of its own that makes one attempt.
class Client {
 public:
  Client(const Ways& ways, const Attempt& attempt, bool stops_at_last_prompt) {
    (void)!pipe2(at_prompt_.data(), O_CLOEXEC);
    pid_ = CheckedFork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const Ending ending = ways.Run(attempt, [&] {
      (void)!write(at_prompt_[1], "!", 1);
      while (stops_at_last_prompt) pause();
    });
    _exit(static_cast<int>(ending));
  }
  ~Client() {
    Kill();
    for (const int end : at_prompt_) close(end);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool AwaitPrompt() const {
    pollfd wait{at_prompt_[0], POLLIN, 0};
    return poll(&wait, 1, 30'000) == 1;
  }
  // Whatever it started dies with it.
  void Kill() {
    if (pid_ <= 0) return;
    CheckedKill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  std::array<int, 2> at_prompt_{};
  pid_t pid_ = -1;
};

class KillingAClient : public ::testing::Test {
 protected:
  // Connections of its sockets that sparekeyd has open. They bear the name under which a socket was
  // made, before it was renamed.
  int Connections() const {
    constexpr std::string_view kConnected = " 03 ";
    const std::string folder = service_.pam().substr(0, service_.pam().rfind('/') + 1);
    std::ifstream sockets("/proc/net/unix");
    int count = 0;
    for (std::string line; std::getline(sockets, line);) {
      const bool is_connected = line.find(kConnected) != std::string::npos;
      if (is_connected && line.find(folder) != std::string::npos) ++count;
    }
    return count;
  }
  // The kernel's list is not read at one moment, so that a look may miss some.
  void ExpectConnections(int wanted) const {
    const auto end = Clock::now() + std::chrono::seconds(10);
    int seen = Connections();
    while (seen != wanted && Clock::now() < end) {
      std::this_thread::yield();
      seen = Connections();
    }
    EXPECT_EQ(seen, wanted);
  }
  void ExpectNothingIsLeft() const { ExpectConnections(0); }
  void ExpectNothingCounted(const std::string& name) const {
    const Json shown = service_.Show(name);
    EXPECT_EQ(shown.at("otp_failures"), 0);
    EXPECT_EQ(shown.at("recovery_failures"), 0);
    EXPECT_EQ(shown.at("lockout"), "none");
  }
  Ending Run(const Attempt& attempt) const {
    return ways_.Run(attempt, [] {});
  }

  testing::RealService service_;
  Ways ways_{service_};
};

TEST_F(KillingAClient, BetweenQuestionAndAnswerLeavesNothing) {
  Owner owner = service_.Enrol("ada", {{"type", "hotp"}});
  int kills = 0;
  for (const Way way : {Way::kPam, Way::kPamAskFirst, Way::kCommand}) {
    const Attempt login = OneTime(way, Door::kSsh, "ada", owner.CodeOf(kills));
    const auto pair = static_cast<std::size_t>(2 * kills);
    const Attempt recovery =
        Recovery(way, Door::kSsh, "ada", owner.sheet[pair], owner.sheet[pair + 1]);
    for (const Attempt& attempt : {login, recovery}) {
      Client client(ways_, attempt, true);
      ASSERT_TRUE(client.AwaitPrompt());
      client.Kill();
      ExpectNothingIsLeft();
      ExpectNothingCounted("ada");
      EXPECT_EQ(Run(attempt), Ending::kAccept) << "its code was spent, or the next login hangs";
    }
    ++kills;
  }
}

TEST_F(KillingAClient, ManyOfThemAtTheirPromptsHinderNobody) {
  constexpr std::size_t kClients = 100;
  const Owner owner = service_.Enrol("ada", {{"type", "hotp"}});
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Client>(
        ways_, OneTime(Way::kPam, Door::kSsh, "ada", owner.CodeOf(0)), true));
  }
  for (const auto& client : clients) ASSERT_TRUE(client->AwaitPrompt());
  ExpectConnections(static_cast<int>(kClients));
  clients.clear();
  ExpectNothingIsLeft();
  ExpectNothingCounted("ada");
  EXPECT_EQ(Run(OneTime(Way::kPam, Door::kSsh, "ada", owner.CodeOf(0))), Ending::kAccept);
}

TEST_F(KillingAClient, AtAnyMomentSpendsItsCodeOnceOrNotAtAll) {
  const Owner owner = service_.Enrol("ada", {{"type", "hotp"}, {"digits", 8}});
  const unsigned int seed = Seed();
  std::mt19937 random(seed);
  const auto start = Clock::now();
  ASSERT_EQ(Run(OneTime(Way::kPam, Door::kSsh, "ada", owner.CodeOf(0))), Ending::kAccept);
  const auto usual = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  int spent = 0;
  for (int round = 1; round <= kRounds && !HasFailure(); ++round) {
    const Way way = round % 2 == 0 ? Way::kPam : Way::kPamAskFirst;
    const Attempt attempt = OneTime(way, Door::kSsh, "ada", owner.CodeOf(round));
    {
      Client client(ways_, attempt, false);
      const bool has_prompt = round % 4 < 2;  // else from its start on
      ASSERT_TRUE(!has_prompt || client.AwaitPrompt());
      const std::int64_t longest = has_prompt ? usual.count() / 16 : usual.count() / 2;
      const auto moment = std::uniform_int_distribution<std::int64_t>(0, longest)(random);
      std::this_thread::sleep_for(std::chrono::microseconds(moment));
    }
    ExpectNothingIsLeft();
    const Ending again = Run(attempt);
    EXPECT_TRUE(again == Ending::kAccept || again == Ending::kDenied) << again;
    if (again == Ending::kDenied) ++spent;
    EXPECT_EQ(Run(attempt), Ending::kDenied) << "accepted twice";
    ExpectNothingCounted("ada");
  }
  std::cout << "[  totals  ] seed " << seed << ": " << kRounds << " clients killed, " << spent
            << " codes spent by them, " << kRounds - spent << " still good" << std::endl;
}

}  // namespace
}  // namespace sparekey::races
