// SPDX-License-Identifier: Apache-2.0
// A program that calls PAM, to be started under other names and in other places than a test's own.
// FOLDER SERVICE USER WORD…: tty=, rhost=, answer= set things up, `console` sits down at a console
// terminal first, `daemon` leaves every terminal; auth, account, open and close run the phases, in
// turn, and print PHASE=CODE; prompts are printed behind "?", texts behind "!".
#include <cstdio>
#include <functional>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "tests/pam/pam_login.h"
#include "tests/support/console_terminal.h"

namespace sparekey {
namespace {

std::string RunPhase(PamLogin& login, std::string_view word) {
  const std::string start = std::string(word) + "=";
  if (word == "auth") return start + std::to_string(login.Authenticate()) + "\n";
  if (word == "account") return start + std::to_string(login.Account()) + "\n";
  if (word == "open") return start + std::to_string(login.OpenSession()) + "\n";
  if (word == "close") return start + std::to_string(login.CloseSession()) + "\n";
  return "";
}

std::string Run(std::span<char*> arguments) {
  PamLogin login(arguments[0], arguments[2], arguments[1]);
  std::deque<std::optional<std::string>> answers;
  std::string output;
  for (const std::string_view word : arguments.subspan(3)) {
    const std::string value(word.substr(word.find('=') + 1));
    if (word.starts_with("tty=")) login.Item(PAM_TTY, value);
    if (word.starts_with("rhost=")) login.Item(PAM_RHOST, value);
    if (word.starts_with("answer=")) answers.emplace_back(value);
    if (word == "auth") login.Answers(answers);
    output += RunPhase(login, word);
  }
  for (const auto& prompt : login.Prompts()) output += "?" + prompt + "\n";
  const std::string texts = login.Texts();
  return texts.empty() ? output : output + "!" + texts;
}

bool Has(std::span<char*> arguments, std::string_view wanted) {
  for (const std::string_view word : arguments) {
    if (word == wanted) return true;
  }
  return false;
}

}  // namespace
}  // namespace sparekey

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const auto arguments = std::span(argv, static_cast<std::size_t>(argc)).subspan(1);
  const auto run = [&] { return sparekey::Run(arguments); };
  if (sparekey::Has(arguments, "console")) {
    std::cout << sparekey::RunAtConsole(run);
  } else {
    std::cout << (sparekey::Has(arguments, "daemon") ? sparekey::RunAsDaemon(run) : run());
  }
  return 0;
}
