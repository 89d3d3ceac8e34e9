// SPDX-License-Identifier: Apache-2.0
#include "cli/prompt.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "cli/text.h"
#include "tests/support/processes.h"
#include "tests/support/program.h"

namespace sparekey {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::TerminalProgram;

int AskHidden() {
  const auto answer = ReadAnswer("Code: ", Echo::kOff);
  if (!answer) return 1;
  Print("<" + std::to_string(answer->size()) + ">");
  return answer->ExposeText() == "topsecret" ? 0 : 2;
}

TEST(HiddenPrompt, ShowsNothingOfWhatIsTyped) {
  TerminalProgram program(AskHidden);
  ASSERT_TRUE(program.WaitFor("Code: "));
  ASSERT_TRUE(program.WaitForEcho(false));
  program.Type("topsecret\n");
  ASSERT_TRUE(program.WaitFor("<9>"));
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_THAT(program.shown(), Not(HasSubstr("topsecret")));
}

// A shell stays on the terminal after the program has died from the signal.
class HiddenPromptUnderSignal : public ::testing::TestWithParam<int> {};

TEST_P(HiddenPromptUnderSignal, RestoresTheTerminalAndDiesFromIt) {
  TerminalProgram shell([] {
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGQUIT, SIG_IGN);
    std::signal(SIGHUP, SIG_IGN);
    const pid_t child = CheckedFork();
    if (child == 0) {
      for (const int signal : {SIGINT, SIGQUIT, SIGHUP}) std::signal(signal, SIG_DFL);
      Print("pid=" + std::to_string(getpid()) + ";");
      _exit(AskHidden());
    }
    int status = 0;
    waitpid(child, &status, 0);
    Print("died=" + std::to_string(WIFSIGNALED(status) ? WTERMSIG(status) : 0) + ";");
    ReadAnswer("", Echo::kOn);
    return 0;
  });
  ASSERT_TRUE(shell.WaitFor("Code: "));
  ASSERT_TRUE(shell.WaitForEcho(false));
  const std::size_t at = shell.shown().find("pid=") + 4;
  ASSERT_EQ(CheckedKill(std::stoi(shell.shown().substr(at)), GetParam()), 0);
  ASSERT_TRUE(shell.WaitFor("died=" + std::to_string(GetParam())));
  EXPECT_TRUE(shell.WaitForEcho(true));
  shell.Type("\n");
  EXPECT_EQ(shell.Wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(Signals, HiddenPromptUnderSignal,
                         ::testing::Values(SIGINT, SIGTERM, SIGHUP, SIGQUIT));

TEST(HiddenPrompt, RestoresTheTerminalWhileStoppedAndAsksAgain) {
  TerminalProgram shell([] {
    std::signal(SIGTTOU, SIG_IGN);
    const pid_t child = CheckedFork();
    setpgid(child, child);
    tcsetpgrp(0, child == 0 ? getpid() : child);
    if (child == 0) {
      std::signal(SIGTTOU, SIG_DFL);
      _exit(AskHidden());
    }
    int status = 0;
    waitpid(child, &status, WUNTRACED);
    tcsetpgrp(0, getpgrp());
    Print(WIFSTOPPED(status) ? "stopped;" : "ended;");
    ReadAnswer("", Echo::kOn);
    tcsetpgrp(0, child);
    CheckedKill(child, SIGCONT);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
  });
  ASSERT_TRUE(shell.WaitFor("Code: "));
  ASSERT_TRUE(shell.WaitForEcho(false));
  shell.Type("\x1a");
  ASSERT_TRUE(shell.WaitFor("stopped;"));
  EXPECT_TRUE(shell.WaitForEcho(true));
  shell.Type("\n");
  ASSERT_TRUE(shell.WaitFor("Code: "));
  ASSERT_TRUE(shell.WaitForEcho(false));
  shell.Type("topsecret\n");
  EXPECT_EQ(shell.Wait(), 0);
}

TEST(HiddenPrompt, EndsWithoutAnAnswerAtTheEndOfInput) {
  TerminalProgram program(AskHidden);
  ASSERT_TRUE(program.WaitFor("Code: "));
  ASSERT_TRUE(program.WaitForEcho(false));
  program.Type("\x04");
  EXPECT_EQ(program.Wait(), 1);
}

// Standard input of this process, for a while.
class Input {
 public:
  explicit Input(const std::string& text) : before_(dup(0)) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(ends[1]);
    dup2(ends[0], 0);
    close(ends[0]);
  }
  ~Input() {
    dup2(before_, 0);
    close(before_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

 private:
  int before_;
};

TEST(ReadAnswer, TakesOneLineAndLeavesTheRest) {
  const Input input("first\r\nsecond\nlast");
  EXPECT_EQ(ReadAnswer("", Echo::kOff)->ExposeText(), "first");
  EXPECT_EQ(ReadAnswer("", Echo::kOff)->ExposeText(), "second");
  EXPECT_EQ(ReadAnswer("", Echo::kOff)->ExposeText(), "last");
  EXPECT_FALSE(ReadAnswer("", Echo::kOff).has_value());
}

TEST(ReadAnswer, RefusesALineThatIsTooLong) {
  const Input input(std::string(kMaxLineBytes + 1, 'x') + "\nnext\n");
  EXPECT_FALSE(ReadAnswer("", Echo::kOff).has_value());
  EXPECT_EQ(ReadAnswer("", Echo::kOff)->ExposeText(), "next");
}

TEST(ReadLines, SkipsBlankLinesAndStopsBehindOneTooMany) {
  const Input input("\na\n  \nb\nc\nd\n");
  const auto lines = ReadLines(2);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].ExposeText(), "a");
  EXPECT_EQ(lines[2].ExposeText(), "c");
}

TEST(IsYesTyped, TakesNothingButYes) {
  for (const char* text : {"", "\n", "yes\n", "Y\n", "YES \n", "YESS\n"}) {
    const Input input(text);
    EXPECT_FALSE(IsYesTyped("")) << text;
  }
  const Input input("YES\n");
  EXPECT_TRUE(IsYesTyped(""));
}

}  // namespace
}  // namespace sparekey
