// SPDX-License-Identifier: Apache-2.0
// A person at the console's menu: a pseudo-terminal of 80x24, on a store whose service is down
// unless the test says otherwise.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/cli/store_verb_test.h"

namespace sparekey::testing {

inline constexpr char kMenu[] = "q to quit: ";
inline constexpr char kBack[] = "-- Enter for the menu: ";
inline constexpr char kCode[] = "Enter: later): ";
inline constexpr std::size_t kLines = 24, kColumns = 79;

inline std::size_t ColumnsOf(std::string_view line) {
  return static_cast<std::size_t>(std::ranges::count_if(
      line, [](char c) { return c != '\r' && (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// A person at the menu: waits for each question, and holds what comes before it to the screen.
class Person {
 public:
  explicit Person(const std::vector<std::string>& command) : program_(command) {}

  // What was shown up to `prompt`, that included.
  std::string Await(const std::string& prompt) {
    EXPECT_TRUE(program_.WaitFor(prompt)) << "no '" << prompt << "' in:\n" << program_.shown();
    const std::string shown = program_.shown().substr(seen_);
    const std::size_t end = shown.find(prompt) + prompt.size();
    seen_ += end;
    CheckScreen(shown.substr(0, end));
    return shown.substr(0, end);
  }
  std::string Answer(const std::string& prompt, const std::string& text) {
    const std::string shown = Await(prompt);
    program_.Type(text);
    return shown;
  }
  void Resize(unsigned short rows) { program_.Resize(rows, 80); }
  int Quit() {
    Answer(kMenu, "q\n");
    return End();
  }
  int End() { return program_.Wait(); }
  const std::string& shown() const { return program_.shown(); }

 private:
  // Behind what the person typed, which the terminal echoes.
  static void CheckScreen(std::string_view text) {
    text.remove_prefix(std::min(text.find('\n'), text.size()));
    // What was moved out of sight is above it.
    constexpr std::string_view kPushed = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
    if (const auto pushed = text.rfind(kPushed); pushed != text.npos) text.remove_prefix(pushed);
    text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
    EXPECT_LE(std::ranges::count(text, '\n') + 1, kLines) << text;
    EXPECT_EQ(text.find('\x1b'), std::string_view::npos) << text;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      EXPECT_LE(ColumnsOf(text.substr(0, end)), kColumns) << text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
  TerminalProgram program_;
  std::size_t seen_ = 0;
};

class ConsoleMenuTest : public StoreVerbTest {
 protected:
  ConsoleMenuTest() { setenv("LC_ALL", "C.UTF-8", 1); }
  ~ConsoleMenuTest() override { unsetenv("LC_ALL"); }
  void GiveAdaAPhone() {
    Change({"ada"}, [](Records& records, auto&) {
      Authenticator one;
      one.label = "phone";
      one.secret = SecretBytes(20);
      records.accounts[0].account->authenticators.push_back(std::move(one));
    });
  }
  Person Sit(std::vector<std::string> more = {}) {
    more.insert(more.begin(), "console");
    return Person(Command(more));
  }
};

}  // namespace sparekey::testing
