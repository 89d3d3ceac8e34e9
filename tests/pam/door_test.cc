// SPDX-License-Identifier: Apache-2.0
// Doors and first factors as the module finds them from the process that calls PAM.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/local_console.h"
#include "tests/core/recorded_proc.h"
#include "tests/pam/pam_login.h"
#include "tests/pam/scripted_logins.h"

namespace sparekey {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// auth=0 for PAM_IGNORE alone.
constexpr char kTellsIgnore[] = "\nauth requisite pam_deny.so\nauth required pam_permit.so\n";

class Doors : public testing::Test {
 protected:
  void Serve(std::vector<std::string> replies) {
    daemon_ = std::make_unique<FakeDaemon>(socket_, InTurn(std::move(replies)));
  }
  // Runs the driver as a program called `name` and returns what it prints.
  std::string Run(const std::string& name, const std::string& service, const std::string& words) {
    const std::string program = folder_ / name;
    std::filesystem::copy_file(PAM_DRIVER, program,
                               std::filesystem::copy_options::overwrite_existing);
    const std::string command =
        program + " " + services_.path() + " " + service + " anna " + words + " 2>&1";
    FILE* const output = popen(command.c_str(), "re");
    std::string text;
    std::array<char, 1024> part;
    while (const std::size_t got = fread(part.data(), 1, part.size(), output)) {
      text.append(part.data(), got);
    }
    EXPECT_EQ(pclose(output), 0) << text;
    return text;
  }
  void WriteService(const std::string& service, const std::string& options = "") {
    services_.Write(service, "auth [ignore=1 default=bad] $sparekey socket=" + socket_ +
                                 " config=" + folder_.path() + "/none.conf " + options +
                                 kTellsIgnore);
  }
  json Request(std::size_t index) { return json::parse(daemon_->requests().at(index).body); }

  const TemporaryFolder folder_;
  const std::string socket_ = folder_ / "pam.sock";
  PamServices services_{""};
  std::unique_ptr<FakeDaemon> daemon_;
};

TEST_F(Doors, IsSshForEveryProgramOfSshd) {
  WriteService("any");
  for (const std::string program : {"sshd", "sshd-session", "sshd-auth", "dropbear"}) {
    daemon_.reset();
    Serve({Denied("wrong_code")});
    Run(program, "any", "auth");
    EXPECT_EQ(Request(0)["door"], "ssh") << program;
  }
}

TEST_F(Doors, IsOtherForEveryOtherProgram) {
  WriteService("sshd");
  Serve({Denied("wrong_code")});
  Run("su", "sshd", "auth");
  EXPECT_EQ(Request(0)["door"], "other");
}

TEST_F(Doors, TakesSshdsWordForAKey) {
  const auto first_factor = [&](const std::string& program, const std::string& environment) {
    services_.Write("any", "auth required $first [env=SSH_AUTH_INFO_0=" + environment +
                               "]\nauth required $sparekey socket=" + socket_);
    daemon_.reset();
    Serve({Denied("wrong_code")});
    Run(program, "any", "auth");
    return Request(0)["first_factor"].get<std::string>();
  };
  EXPECT_EQ(first_factor("sshd", "publickey ssh-ed25519 AAAA"), "publickey");
  EXPECT_EQ(first_factor("sshd-session", "publickey ssh-ed25519 AAAA"), "publickey");
  EXPECT_EQ(first_factor("sshd", ""), "none");
  EXPECT_EQ(first_factor("sshd", "publickey"), "none");
  EXPECT_EQ(first_factor("sshd", "hostbased publickey x"), "none");
  EXPECT_EQ(first_factor("login", "publickey ssh-ed25519 AAAA"), "none");
}

// The stack that the guide gives for keys: nothing but this module.
TEST_F(Doors, PassesWhoNeedsNoCodeAfterAKeyInAStackOfItsOwn) {
  const auto login = [&](const std::string& program, const std::string& options,
                         const std::string& environment, const std::string& reply) {
    // Ignored: it only sets what sshd sets.
    services_.Write("any", "auth [default=ignore] $first [env=SSH_AUTH_INFO_0=" + environment +
                               "]\nauth required $sparekey socket=" + socket_ + " " + options);
    daemon_.reset();
    Serve({reply});
    return Run(program, "any", "auth");
  };
  const std::string key = "publickey ssh-ed25519 AAAA";
  EXPECT_EQ(login("sshd", "", key, kNotRequired), "auth=0\n");
  EXPECT_EQ(login("sshd", "unenrolled=skip", key, Denied("not_enrolled")), "auth=0\n");
  EXPECT_EQ(login("sshd", "unenrolled=deny", key, kNotRequired), "auth=7\n");
  EXPECT_EQ(login("sshd", "", key, Denied("not_enrolled")), "auth=7\n");
  EXPECT_EQ(login("sshd", "", key, Denied("gate_closed")), "auth=7\n");
  // Without a key nothing is proven: PAM_IGNORE, which libpam makes PAM_PERM_DENIED.
  EXPECT_EQ(login("sshd", "", "", kNotRequired), "auth=6\n");
  EXPECT_EQ(login("sshd", "first_factor=none", "", kNotRequired), "auth=6\n");
  EXPECT_EQ(login("sshd", "", "password", kNotRequired), "auth=6\n");
  EXPECT_EQ(login("su", "", key, kNotRequired), "auth=6\n");
}

TEST_F(Doors, AsksForPasswordAndCodeInOneLineAfterAKey) {
  services_.Write("any",
                  "auth required $first [env=SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA]\n"
                  "auth required $sparekey forward_pass socket=" +
                      socket_ + "\nauth required $first show");
  Serve({kAccepted});
  EXPECT_EQ(Run("sshd", "any", "answer=geheim123456 auth"),
            "auth=0\n?Password and one-time code: \n!authtok=geheim\n");
  EXPECT_EQ(Request(0)["first_factor"], "publickey");
}

TEST_F(Doors, TakesNoWordFromTheProcessesEnvironment) {
  WriteService("any");
  Serve({Denied("wrong_code")});
  setenv("SSH_AUTH_INFO_0", "publickey ssh-ed25519 AAAA", 1);
  Run("sshd", "any", "auth");
  unsetenv("SSH_AUTH_INFO_0");
  EXPECT_EQ(Request(0)["first_factor"], "none");
}

// ---- the local console

class ConsoleDoor : public Doors {
 protected:
  // A machine without a console terminal makes the statement with recorded facts.
  void ExpectOpen(const std::string& output) {
    if (output == "no terminal") {
      const RecordedProc proc({{"login", kTty1}, {"init", kNone}});
      const PamFacts facts{"login", "", "tty1", 0};
      EXPECT_TRUE(IsConsoleLogin(proc, {}, RecordedProc::kCaller, facts));
      return;
    }
    EXPECT_EQ(output, "auth=0\n");
  }
};

TEST_F(ConsoleDoor, IsOpenBeforeAnybodyIsContacted) {
  WriteService("login");
  Serve({Denied("super_locked")});
  ExpectOpen(Run("login", "login", "console tty=tty1 auth"));
  EXPECT_EQ(daemon_->connections(), 0U);
}

TEST_F(ConsoleDoor, IsOpenWithoutSparekeydAndWithAMistypedOption) {
  WriteService("login");
  ExpectOpen(Run("login", "login", "console auth"));
  WriteService("login", "nonsense timeout=never");
  ExpectOpen(Run("login", "login", "console auth"));
}

TEST_F(ConsoleDoor, IsClosedForServicesThatAreNotListed) {
  WriteService("gdm-password");
  Serve({Denied("super_locked"), Denied("super_locked")});
  EXPECT_THAT(Run("login", "gdm-password", "console auth"),
              testing::AnyOf(HasSubstr("auth=7"), "no terminal"));
  Run("login", "gdm-password", "auth");
  EXPECT_EQ(Request(0)["door"], "other");
}

TEST_F(ConsoleDoor, IsPermittedByTheOptionAndStillNeedsTheTerminal) {
  WriteService("kiosk", "door=console");
  Serve({Denied("wrong_code")});
  ExpectOpen(Run("login", "kiosk", "console auth"));
  EXPECT_EQ(daemon_->connections(), 0U);
  EXPECT_THAT(Run("login", "kiosk", "daemon auth"), HasSubstr("auth=7"));
  EXPECT_EQ(Request(0)["door"], "other");
}

TEST_F(ConsoleDoor, IsClosedWhereTheOptionNamesAnother) {
  WriteService("login", "door=other");
  Serve({Denied("wrong_code")});
  EXPECT_THAT(Run("login", "login", "console auth"),
              testing::AnyOf(HasSubstr("auth=7"), "no terminal"));
}

TEST_F(ConsoleDoor, IsClosedForRemoteHostsSshTerminalsAndSshd) {
  WriteService("login");
  Serve(std::vector(10, Denied("wrong_code")));
  for (const auto& [program, words] : {std::pair{"login", "console rhost=192.0.2.1 auth"},
                                       {"login", "console tty=ssh auth"},
                                       {"sshd", "console auth"},
                                       {"dropbear", "console auth"},
                                       {"sparekey-web", "console auth"},
                                       {"login", "daemon auth"}}) {
    EXPECT_THAT(Run(program, "login", words), testing::AnyOf(HasSubstr("auth=7"), "no terminal"))
        << program << " " << words;
  }
}

}  // namespace
}  // namespace sparekey
