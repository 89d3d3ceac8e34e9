// SPDX-License-Identifier: Apache-2.0
// `sparekey user enroll --from` and sparekeyd are killed at random moments, and the command goes
// on. In the end everybody's file holds the secret that logs in, and the sheet that recovers.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "core/base32.h"
#include "core/otp.h"
#include "core/otpauth.h"
#include "service/client.h"
#include "tests/races/race_fixture.h"
#include "tests/support/processes.h"

namespace sparekey::races {
namespace {

const int kAccounts = IsLongRun() ? 100'000 : 2'000;
const int kSheets = IsLongRun() ? 400 : 24;
const int kKills = IsLongRun() ? 60 : 12;
constexpr char kSecret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

class EnrollingAList : public ::testing::Test {
 protected:
  EnrollingAList() { std::cout << "SPAREKEY_SEED=" << seed_ << std::endl; }

  // The verb and its end: exit status, or 1000 + signal. Killed after `life`, where that is given.
  int Run(std::vector<std::string> words, std::optional<std::chrono::microseconds> life,
          bool kills_service) {
    words.insert(words.begin(), {"user", "enroll", "--no-confirm", "--out", out_});
    const auto command = service_.Command(words);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = CheckedFork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int output = open(summary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(output, STDOUT_FILENO);
      dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
      execv(arguments[0], arguments.data());
      _exit(126);
    }
    if (life) {
      std::this_thread::sleep_for(*life);
      if (kills_service) {
        service_.Kill();
        service_.Start();
      } else {
        CheckedKill(child, SIGKILL);
      }
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  // Killed now and then, until it comes to its end; its summary.
  Json RunThroughKills(const std::vector<std::string>& words, int most_milliseconds) {
    for (int kill = 0; kill < kKills; ++kill) {
      const auto life = std::uniform_int_distribution<int>(1000, 1000 * most_milliseconds)(random_);
      const bool kills_service = kill % 3 == 2;
      const int status = Run(words, std::chrono::microseconds(life), kills_service);
      ++(status == 1000 + SIGKILL ? killed_ : survived_);
      // The command is patient with a service that starts again, once it has the settings.
      const bool away = kills_service && status == 5;
      EXPECT_TRUE(status == 0 || status == 1000 + SIGKILL || away) << status << service_.Log();
    }
    EXPECT_EQ(Run(words, std::nullopt, false), 0) << testing::ReadWholeFile(summary_);
    return Json::parse(testing::ReadWholeFile(summary_), nullptr, false);
  }

  OtpauthUri UriOf(const std::string& account) const {
    std::string text = testing::ReadWholeFile(out_ + '/' + account + ".otpauth");
    EXPECT_TRUE(text.ends_with('\n')) << account;
    text.pop_back();
    auto uri = ParseOtpauth(text);
    EXPECT_TRUE(uri) << account;
    return std::move(*uri);
  }
  static std::string CodeOf(const Authenticator& one) {
    const std::int64_t step =
        one.type == OtpType::kHotp ? one.mark + 1 : *TotpStep(ReadClock(), one.interval);
    return std::string(
        ComputeOtp(one.algorithm, one.secret, static_cast<std::uint64_t>(step), one.digits)
            .ExposeText());
  }
  std::string LogIn(const std::string& account, const std::string& code) {
    const Json opening = {{"account", account},
                          {"door", "ssh"},
                          {"service", "sshd"},
                          {"first_factor", "password"},
                          {"answers", {{"code", code}}}};
    const auto reply =
        pam_.Call("POST", "/v1/logins", opening.dump(), std::chrono::milliseconds(10'000));
    if (!reply) return reply.error().message;
    return Json::parse(reply->body.ExposeText())["verdict"];
  }

  testing::RealService service_;
  testing::TestFolder folder_;
  const std::string out_ = folder_ / "out";
  const std::string summary_ = folder_ / "summary";
  ApiClient pam_{service_.pam()};
  const unsigned int seed_ = Seed();
  std::mt19937 random_{seed_};
  int killed_ = 0, survived_ = 0;
};

TEST_F(EnrollingAList, LosesNobodysSecretWhoeverIsKilled) {
  const std::string list = folder_ / "list.csv";
  {
    std::ofstream lines(list);
    lines << "account,type,digits,algorithm,secret\n";
    for (int i = 0; i < kAccounts; ++i) {
      lines << "user" << i << (i % 7 == 0 ? ",hotp" : ",") << (i % 5 == 0 ? ",8" : ",")
            << (i % 11 == 0 ? ",sha512" : ",") << ',' << (i % 10 == 0 ? kSecret : "") << '\n';
    }
  }
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> words = {"--from", list, "--codes", "later"};
  const Json summary = RunThroughKills(words, IsLongRun() ? 3000 : 150);
  EXPECT_EQ(summary["accounts"], kAccounts);
  EXPECT_EQ(summary["enrolled"].get<int>() + summary["unchanged"].get<int>(), kAccounts);
  EXPECT_EQ(summary["failed"], Json::array());
  ASSERT_EQ(Run(words, std::nullopt, false), 0);
  EXPECT_EQ(Json::parse(testing::ReadWholeFile(summary_))["unchanged"], kAccounts);

  int files = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(out_)) ++files;
  EXPECT_EQ(files, kAccounts - (kAccounts + 9) / 10);
  for (int i = 0; i < kAccounts; ++i) {
    if (i % 10 == 0) continue;
    const std::string account = "user" + std::to_string(i);
    ASSERT_EQ(LogIn(account, CodeOf(UriOf(account).authenticator)), "accept") << account;
  }
  Authenticator given;  // user10's
  given.secret = std::move(*DecodeBase32(kSecret));
  given.digits = 8;
  const auto verified =
      testing::RunProgram(service_.Command({"verify", "user10"}), CodeOf(given) + '\n');
  EXPECT_EQ(verified.status, 0) << verified.err;
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::cout << "[  totals  ] " << kAccounts << " accounts, command killed " << killed_
            << " times, ended well " << survived_ << " times; " << time.count() << " s"
            << std::endl;
}

TEST_F(EnrollingAList, LosesNobodysSheetWhoeverIsKilled) {
  service_.Set({{"backup_codes.low", "0"}, {"backup_codes.count", "2"}});  // few hashes
  const std::string list = folder_ / "list.jsonl";
  {
    std::ofstream lines(list);
    for (int i = 0; i < kSheets; ++i) lines << "{\"account\":\"user" << i << "\"}\n";
  }
  const Json summary = RunThroughKills({"--from", list, "--codes", "now", "--format", "json"},
                                       IsLongRun() ? 3000 : 400);
  EXPECT_EQ(summary["enrolled"].get<int>() + summary["unchanged"].get<int>(), kSheets);
  EXPECT_EQ(summary["failed"], Json::array());
  for (int i = 0; i < kSheets; ++i) {
    const std::string account = "user" + std::to_string(i);
    const Json sheet =
        Json::parse(testing::ReadWholeFile(out_ + '/' + account + ".json"), nullptr, false);
    ASSERT_TRUE(sheet.is_object()) << account;
    ASSERT_EQ(sheet["codes"].size(), 2U) << account;
    EXPECT_EQ(service_.Show(account)["sheet"], sheet["sheet"]) << account;
    if (i % 8 != 0) continue;
    const std::string codes =
        sheet["codes"][0].get<std::string>() + '\n' + sheet["codes"][1].get<std::string>() + '\n';
    const auto recovered = testing::RunProgram(service_.Command({"recover", account}), codes);
    EXPECT_EQ(recovered.status, 0) << recovered.out << recovered.err;
    const auto verified = testing::RunProgram(service_.Command({"verify", account}),
                                              CodeOf(UriOf(account).authenticator) + '\n');
    EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
  }
  std::cout << "[  totals  ] " << kSheets << " sheets, command killed " << killed_
            << " times, ended well " << survived_ << " times" << std::endl;
}

}  // namespace
}  // namespace sparekey::races
