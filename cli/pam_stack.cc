// SPDX-License-Identifier: Apache-2.0
// After pam.d(5), libpam's pam_handlers.c (reading) and pam_dispatch.c (deciding).
#include "cli/pam_stack.h"

#include <algorithm>
#include <charconv>

namespace sparekey {
namespace {

constexpr int kDeepest = 16;  // libpam: 32
constexpr std::array<std::string_view, kPamCodes> kCodeNames = {
    "success", "new_authtok_reqd", "ignore", "auth_err", "perm_denied", "authinfo_unavail"};

std::array<PamAction, kPamCodes> Actions(PamAction::Kind success, PamAction::Kind otherwise) {
  std::array<PamAction, kPamCodes> actions;
  actions.fill({otherwise, 0});
  actions[static_cast<std::size_t>(PamCode::kSuccess)] = {success, 0};
  actions[static_cast<std::size_t>(PamCode::kNewAuthtokReqd)] = {success, 0};
  actions[static_cast<std::size_t>(PamCode::kIgnore)] = {PamAction::kIgnore, 0};
  return actions;
}

std::optional<PamAction> ParseAction(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, PamAction::Kind>, 6> kNames = {
      {{"ignore", PamAction::kIgnore},
       {"ok", PamAction::kOk},
       {"done", PamAction::kDone},
       {"bad", PamAction::kBad},
       {"die", PamAction::kDie},
       {"reset", PamAction::kReset}}};
  for (const auto& [name, kind] : kNames) {
    if (text == name) return PamAction{kind, 0};
  }
  int jump = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), jump);
  if (error != std::errc() || end != text.data() + text.size() || jump < 1) return std::nullopt;
  return PamAction{PamAction::kJump, jump};
}

// "[success=1 default=ignore]"; what is not named is bad.
std::optional<std::array<PamAction, kPamCodes>> ParseBrackets(const std::string& text) {
  std::array<PamAction, kPamCodes> actions;
  std::array<bool, kPamCodes> named{};
  for (const std::string& word : SplitWords(text)) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) return std::nullopt;
    const auto action = ParseAction(std::string_view(word).substr(equals + 1));
    if (!action) return std::nullopt;
    const std::string_view name = std::string_view(word).substr(0, equals);
    for (std::size_t i = 0; i < kPamCodes; ++i) {
      if (name == kCodeNames[i]) named[i] = true;
      if (name == kCodeNames[i] || (name == "default" && !named[i])) actions[i] = *action;
    }
  }
  return actions;
}

std::optional<std::array<PamAction, kPamCodes>> ParseControl(const std::string& control) {
  using A = PamAction;
  if (control.starts_with('[')) return ParseBrackets(control.substr(1, control.size() - 2));
  if (control == "required") return Actions(A::kOk, A::kBad);
  if (control == "requisite") return Actions(A::kOk, A::kDie);
  if (control == "sufficient") return Actions(A::kDone, A::kIgnore);
  if (control == "optional") return Actions(A::kOk, A::kIgnore);
  return std::nullopt;
}

// The words of a line; what stands in brackets is one word.
std::vector<std::string> LineWords(const std::string& line) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(" \t", at)) != std::string::npos) {
    auto end = std::min(line.find_first_of(" \t", at), line.size());
    if (line[at] == '[') end = std::min(line.find(']', at), line.size() - 1) + 1;
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

class StackReader {
 public:
  StackReader(const System& system, std::string_view phase) : system_(system), phase_(phase) {}

  PamStack Read(const std::string& service) {
    ReadService(service, 0, 0);
    return std::move(stack_);
  }

 private:
  void ReadService(const std::string& service, int level, int depth) {
    const std::string path = service.starts_with('/') ? service : FindPamFile(system_, service);
    const auto text = path.empty() ? std::nullopt : system_.Read(path);
    if (!text || depth > kDeepest) {
      stack_.faults.push_back(depth > kDeepest ? service + " includes itself"
                                               : "there is no PAM file " + service);
      return;
    }
    for (const std::string& line : PlainLines(*text)) ReadLine(line, path, level, depth);
  }

  void ReadLine(const std::string& line, const std::string& path, int level, int depth) {
    std::vector<std::string> words = LineWords(line);
    if (words[0] == "@include" && words.size() > 1) return ReadService(words[1], level, depth + 1);
    if (words[0].starts_with('-')) words[0].erase(0, 1);
    std::transform(words[0].begin(), words[0].end(), words[0].begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (words[0] != phase_) return;
    if (words.size() < 3) {
      stack_.faults.push_back(path + ": \"" + line + "\" is incomplete");
      return;
    }
    if (words[1] == "include") return ReadService(words[2], level, depth + 1);
    if (words[1] == "substack") {
      PamLine begin;  // keeps two substacks apart, and is what a jump counts
      begin.actions.fill({PamAction::kIgnore, 0});
      begin.level = level;
      stack_.lines.push_back(std::move(begin));
      return ReadService(words[2], level + 1, depth + 1);
    }
    const auto actions = ParseControl(words[1]);
    if (!actions) {
      stack_.faults.push_back(path + ": \"" + words[1] + "\" is no control");
      return;
    }
    const std::string name = words[2].substr(words[2].rfind('/') + 1);
    stack_.lines.push_back(
        {name, words[2], {words.begin() + 3, words.end()}, *actions, level, path});
  }

  const System& system_;
  std::string_view phase_;
  PamStack stack_;
};

enum class Impression { kUndefined, kPositive, kNegative };
struct State {
  Impression impression = Impression::kUndefined;
  PamCode status = PamCode::kPermDenied;
};

void CountAsGood(State& state, PamCode code) {
  const bool open =
      state.impression == Impression::kUndefined ||
      (state.impression == Impression::kPositive && state.status == PamCode::kSuccess);
  if (open && code != PamCode::kIgnore) state = {Impression::kPositive, code};
}

void CountAsBad(State& state, PamCode code) {
  if (state.impression != Impression::kNegative) state = {Impression::kNegative, code};
}

// The last line of the substack that `at` stands in; the stack's own last line on level 0.
std::size_t LastOfLevel(const std::vector<PamLine>& lines, std::size_t at) {
  const int level = lines[at].level;
  while (at + 1 < lines.size() && lines[at + 1].level >= level) ++at;
  return at;
}

// Where a jump over `count` modules from `at` ends; a substack counts as one of them.
std::optional<std::size_t> Jump(const std::vector<PamLine>& lines, std::size_t at, int count) {
  const int level = lines[at].level;
  for (; count > 0; --count) {
    if (at + 1 >= lines.size() || lines[at + 1].level < level) return std::nullopt;
    ++at;
    while (at + 1 < lines.size() && lines[at + 1].level > level) ++at;
  }
  return at;
}

}  // namespace

bool PamLine::HasArgument(std::string_view argument) const {
  return std::find(arguments.begin(), arguments.end(), argument) != arguments.end();
}

bool PamOutcome::Reached(const PamStack& stack, std::string_view module) const {
  for (std::size_t i = 0; i < stack.lines.size(); ++i) {
    if (reached[i] && stack.lines[i].module == module) return true;
  }
  return false;
}

std::string FindPamFile(const System& system, const std::string& service) {
  for (const char* folder : {"/etc/pam.d/", "/usr/lib/pam.d/", "/usr/etc/pam.d/"}) {
    if (system.Read(folder + service)) return folder + service;
  }
  return "";
}

PamStack ReadPamStack(const System& system, const std::string& service, std::string_view phase) {
  const bool own = !FindPamFile(system, service).empty();
  return StackReader(system, phase).Read(own ? service : "other");
}

PamOutcome RunPamStack(const PamStack& stack,
                       const std::function<PamCode(const PamLine& line)>& answer) {
  const std::vector<PamLine>& lines = stack.lines;
  PamOutcome outcome{false, std::vector<bool>(lines.size(), false)};
  State state;
  std::vector<State> before(1);  // each substack's begin, for reset
  int level = 0;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const PamLine& line = lines[at];
    if (line.level > level) before.resize(static_cast<std::size_t>(line.level) + 1, state);
    level = line.level;
    before.resize(static_cast<std::size_t>(level) + 1);
    outcome.reached[at] = true;
    const PamCode code = line.module.empty() ? PamCode::kIgnore : answer(line);
    const PamAction action = line.actions[static_cast<std::size_t>(code)];
    switch (action.kind) {
      case PamAction::kIgnore:
        break;
      case PamAction::kReset:
        state = before.back();
        break;
      case PamAction::kOk:
        CountAsGood(state, code);
        break;
      case PamAction::kDone:
        CountAsGood(state, code);
        if (state.impression == Impression::kPositive) at = LastOfLevel(lines, at);
        break;
      case PamAction::kBad:
        CountAsBad(state, code);
        break;
      case PamAction::kDie:
        CountAsBad(state, code);
        at = LastOfLevel(lines, at);
        break;
      case PamAction::kJump: {
        const auto to = Jump(lines, at, action.jump);
        if (!to) CountAsBad(state, PamCode::kPermDenied);
        at = to.value_or(lines.size() - 1);
        break;
      }
    }
  }
  // An expired password is no refusal of the auth phase.
  outcome.accepted =
      stack.faults.empty() && state.impression == Impression::kPositive &&
      (state.status == PamCode::kSuccess || state.status == PamCode::kNewAuthtokReqd);
  return outcome;
}

}  // namespace sparekey
