// SPDX-License-Identifier: Apache-2.0
// What the module logs: one escaped line, and never what was typed. This program is its own log:
// libpam finds its syslog(3) here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdarg>
#include <cstdio>
#include <mutex>

#include "tests/pam/pam_login.h"
#include "tests/pam/scripted_logins.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
namespace {

std::mutex log_mutex;
std::vector<std::string> log_lines;

void Record(const char* format, va_list arguments) {
  std::array<char, 8192> line{};
  (void)vsnprintf(line.data(), line.size(), format, arguments);
  const std::lock_guard lock(log_mutex);
  log_lines.emplace_back(line.data());
}

}  // namespace

#define SINK extern "C" __attribute__((visibility("default")))
SINK void syslog(int, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  Record(format, arguments);
  va_end(arguments);
}
SINK void __syslog_chk(int, int, const char* format, ...) {  // NOLINT: libc's name
  va_list arguments;
  va_start(arguments, format);
  Record(format, arguments);
  va_end(arguments);
}

namespace sparekey {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

class Logs : public testing::Test {
 protected:
  void SetUp() override { log_lines.clear(); }
  // The module's own lines.
  std::vector<std::string> Login(const std::string& options, const std::string& user,
                                 std::vector<std::string> replies, const std::string& answer,
                                 const std::string& rhost = "192.0.2.7") {
    const FakeDaemon daemon(socket_, InTurn(std::move(replies)));
    services_.Write("test",
                    "auth required $first password=the-password\n"
                    "auth required $sparekey socket=" +
                        socket_ + " " + options);
    PamLogin login(services_.path(), user);
    login.Item(PAM_RHOST, rhost).Answers({answer}).Authenticate();
    std::vector<std::string> lines;
    for (const auto& line : log_lines) {
      if (line.find("pam_sparekey(test:auth)") != std::string::npos) lines.push_back(line);
    }
    return lines;
  }

  const TemporaryFolder folder_;
  const std::string socket_ = folder_ / "pam.sock";
  PamServices services_{""};
};

TEST_F(Logs, HoldOneLineForADenial) {
  const auto lines = Login("", "anna", {kAskCode, Denied("wrong_code")}, "918273");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("denied: account \"anna\", door other, from \"192.0.2.7\": "
                                  "wrong_code"));
}

TEST_F(Logs, HoldNothingThatWasTyped) {
  for (const std::string options : {"", "debug", "debug ask_first", "nonsense"}) {
    for (const std::string& reply : {kAccepted, Denied("wrong_code"), std::string("garbage")}) {
      Login(options, "anna", {kAskCode, reply}, "918273");
    }
  }
  EXPECT_FALSE(log_lines.empty());
  EXPECT_THAT(log_lines, Each(AllOf(Not(HasSubstr("918273")), Not(HasSubstr("the-password")))));
}

TEST_F(Logs, EscapeNamesAndHosts) {
  for (const std::string& name : {std::string("anna\nsshd: root accepted"), std::string("\x1b[2J"),
                                  std::string("\xff\xfe"), std::string(10240, 'a')}) {
    log_lines.clear();
    const auto lines = Login("", name, {}, "1");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].find_first_of("\n\x1b\xff"), std::string::npos);
    EXPECT_LT(lines[0].size(), 1200U);
  }
  log_lines.clear();
  const auto lines = Login("", "anna", {Denied("locked")}, "1", "evil\nhost");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("from \"evil\\x0ahost\""));
}

TEST_F(Logs, NameAnUnknownOption) {
  const auto lines = Login("nonsense", "anna", {}, "1");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("unknown option or bad value: \"nonsense\""));
}

TEST_F(Logs, NameForwardPassWhereItAsksTooEarly) {
  services_.Write("test", "auth required $sparekey forward_pass socket=" + socket_);
  PamLogin(services_.path(), "anna").Answers({"secret123456"}).Authenticate();
  EXPECT_THAT(log_lines, Contains(HasSubstr("option \"forward_pass\" asks before any first factor "
                                            "is proven: it needs first_factor=none")));
}

TEST_F(Logs, SayWhyNothingCouldBeDecided) {
  const auto lines = Login("", "anna", {"{}"}, "1");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("cannot decide"));
}

TEST_F(Logs, SayInTheSystemsWordsWhyNobodyWasAsked) {
  services_.Write("test", "auth required $sparekey socket=/nonexistent/pam.sock");
  PamLogin(services_.path(), "anna").Authenticate();
  EXPECT_THAT(log_lines,
              Contains(AllOf(HasSubstr("cannot decide"), HasSubstr("No such file or directory"))));
}

}  // namespace
}  // namespace sparekey
