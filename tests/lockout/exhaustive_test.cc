// SPDX-License-Identifier: Apache-2.0
// The rules hold in every state that can be reached: the real Decide, Admit, DecideAccess and
// transitions, breadth first over a small policy. Prints how many states that were.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <set>

#include "tests/lockout/exhaustive/explorer.h"

namespace sparekey::testing {
namespace {

constexpr std::array kScopes = {LockoutScope::kAccount, LockoutScope::kAdmins,
                                LockoutScope::kSystem};
constexpr std::array kClosings = {CloseGateOn::kLockout, CloseGateOn::kSuperLockout,
                                  CloseGateOn::kNever};

// Some values are below the ranges that SetSetting allows.
Policy SmallPolicy(LockoutScope scope = LockoutScope::kAdmins,
                   CloseGateOn closing = CloseGateOn::kSuperLockout) {
  Policy policy;
  policy.lockout_otp_attempts = 2;
  policy.lockout_otp_budget = 3;
  policy.codes_max_attempts = 2;
  policy.codes_count = 3;
  policy.codes_required = 2;
  policy.otp_window = 1;
  policy.lockout_scope = scope;
  policy.ssh_close_gate_on = closing;
  return policy;
}

Scene SceneOf(Policy policy, std::vector<AuthenticatorEntry> enrolled = {{}}) {
  Scene scene;
  scene.policy = std::move(policy);
  scene.enrolled = std::move(enrolled);
  return scene;
}

class Inputs {
 public:
  Inputs(Scene& scene, int who) : scene_(scene), who_(who) {}

  // At which doors the next inputs come; at first, all.
  Inputs& At(std::vector<Door> doors) {
    doors_ = std::move(doors);
    return *this;
  }

  Inputs& Type(TypedCode code, std::vector<int> clocks, bool given_away = false) {
    for (const int clock : clocks) {
      for (const Door door : doors_) {
        Input input = Make(Verb::kOneTimeCode, clock);
        input.door = door;
        input.code = code;
        input.given_away = given_away;
        scene_.inputs.push_back(input);
      }
    }
    return *this;
  }

  Inputs& TypeSet(std::vector<std::optional<int>> codes, int sheets_ago = 0,
                  bool given_away = false) {
    for (const Door door : doors_) {
      Input input = Make(Verb::kBackupCodes, 1);
      input.door = door;
      input.set = {sheets_ago, codes};
      input.given_away = given_away;
      scene_.inputs.push_back(input);
    }
    return *this;
  }

  Inputs& Ask(std::vector<Verb> verbs, int clock = 1) {
    for (const Verb verb : verbs) scene_.inputs.push_back(Make(verb, clock));
    return *this;
  }

 private:
  Input Make(Verb verb, int clock) const {
    Input input;
    input.verb = verb;
    input.who = who_;
    input.clock = clock;
    return input;
  }

  Scene& scene_;
  int who_;
  std::vector<Door> doors_{Door::kSsh, Door::kWeb, Door::kOther, Door::kConsole};
};

constexpr auto kWrong = std::nullopt;
const std::vector<int> kAllClocks = {kBeforeTheBuild, 0, 1, 2};

// Right, old, early and wrong codes of every step, of a secret that is not the account's, and what
// is no code; every set of backup codes, right, wrong, spent, doubled, too short, too long, of the
// sheet before; every verb.
void EverythingBy(int who, Scene& scene) {
  Inputs inputs(scene, who);
  for (const int step : {0, 1, 2}) inputs.Type({0, step, 6}, kAllClocks);
  inputs.Type({1, 2, 6}, {1, 2}).Type({0, kWrong, 6}, kAllClocks).Type({0, kWrong, 5}, {1});
  inputs.Type({0, 1, 6}, {1}, true).TypeSet({0, 1}, 0, true);
  inputs.TypeSet({0, 1}).TypeSet({1, 0}).TypeSet({0, 2}).TypeSet({1, 2});
  inputs.TypeSet({0, kWrong}).TypeSet({kWrong, kWrong}).TypeSet({0, 3}).TypeSet({0, 1}, 1);
  inputs.TypeSet({1, 1}).TypeSet({0}).TypeSet({0, 1, 2}).TypeSet({});
  inputs.Ask({Verb::kUnlock, Verb::kBeginEnrolment, Verb::kRemoveTwoFactor, Verb::kNewSheet,
              Verb::kCloseGate, Verb::kOpenGate, Verb::kFinishContainment, Verb::kResetAccount});
  inputs.Ask({Verb::kFinishEnrolment}, 0);
}

void EverythingAboutTheSystem(Scene& scene) {
  Inputs(scene, kNobody)
      .Ask({Verb::kCloseGate, Verb::kOpenGate, Verb::kFinishContainment, Verb::kResetSystem});
}

const char* Name(LockoutScope scope) {
  return scope == LockoutScope::kAccount  ? "account"
         : scope == LockoutScope::kAdmins ? "admins"
                                          : "system";
}
const char* Name(CloseGateOn closing) {
  return closing == CloseGateOn::kLockout        ? "lockout"
         : closing == CloseGateOn::kSuperLockout ? "super_lockout"
                                                 : "never";
}

class EveryState : public ::testing::Test {
 protected:
  void Check(const std::string& name, const Scene& scene) {
    if (HasFailure()) return;
    const auto start = std::chrono::steady_clock::now();
    const Exploration found = Explore(scene);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    Print(name, found, took.count());
    total_ += found;
    seconds_ += took.count();
    if (!found.violation.empty()) ADD_FAILURE() << name << ": " << found.violation;
  }

  void TearDown() override { Print("together", total_, seconds_); }

 private:
  static void Print(const std::string& name, const Exploration& found, double seconds) {
    std::printf("%-46s %8zu states %9zu transitions %9zu questions %6.2f s\n", name.c_str(),
                found.states, found.transitions, found.questions, seconds);
  }

  Exploration total_;
  double seconds_ = 0;
};

constexpr AuthenticatorEntry kPhone{0, OtpType::kTotp, 6};
constexpr AuthenticatorEntry kTablet{0, OtpType::kTotp, 8};  // the phone's secret
constexpr AuthenticatorEntry kWatch{1, OtpType::kTotp, 6};
constexpr AuthenticatorEntry kKey{2, OtpType::kHotp, 6};
constexpr AuthenticatorEntry kBigKey{2, OtpType::kHotp, 8};  // the key's secret
constexpr AuthenticatorEntry kLongKey{3, OtpType::kHotp, 8};

// One-time codes of both authenticators, before 1970 too; a recovery, a reset and an unlock.
Scene SceneOfAuthenticators(std::vector<AuthenticatorEntry> enrolled, AuthenticatorEntry second) {
  Scene scene = SceneOf(SmallPolicy(), enrolled);
  scene.second = second;
  Inputs inputs(scene, kBob);
  inputs.At({Door::kWeb});
  std::vector<int> clocks = kAllClocks;
  clocks.push_back(kBefore1970);
  std::set<std::pair<int, int>> typed;
  enrolled.push_back(second);
  for (const AuthenticatorEntry& one : enrolled) {
    if (!typed.insert({one.secret, one.digits}).second) continue;
    const bool counts = one.type == OtpType::kHotp;
    // Counters at both ends of the look-ahead of 10, and one past it.
    for (const int step : counts ? std::vector{0, 1, 9, 10, 11, 20} : std::vector{0, 1, 2}) {
      inputs.Type({one.secret, step, one.digits}, counts ? std::vector{1} : clocks);
    }
    inputs.Type({one.secret, kWrong, one.digits}, clocks);
  }
  inputs.Type({0, kWrong, 7}, {1}).TypeSet({0, 1}).TypeSet({kWrong, kWrong});
  inputs.Ask({Verb::kUnlock, Verb::kResetAccount, Verb::kAddAuthenticator});
  inputs.Ask({Verb::kAddAuthenticator}, 2);
  return scene;
}

TEST_F(EveryState, OfEveryKindOfAuthenticatorKeepsTheRules) {
  Check("counter", SceneOfAuthenticators({kKey}, kLongKey));
  Check("phone and watch", SceneOfAuthenticators({kPhone}, kWatch));
  Check("phone and counter", SceneOfAuthenticators({kPhone}, kKey));
  Check("phone and counter of 8 digits", SceneOfAuthenticators({kPhone}, kLongKey));
}

// A step of a secret that was accepted once is never accepted again, whatever else has that secret.
TEST_F(EveryState, OfTwoAuthenticatorsWithOneSecretKeepsTheRules) {
  Check("phone twice", SceneOfAuthenticators({kPhone}, kPhone));
  Check("phone, and its secret with 8 digits", SceneOfAuthenticators({kPhone}, kTablet));
  Check("counter twice", SceneOfAuthenticators({kKey}, kKey));
  Check("counter, and its secret with 8 digits", SceneOfAuthenticators({kKey}, kBigKey));
}

// More codes than one recovery needs: a set that was spent before the last one is no replay.
TEST_F(EveryState, OfASheetOfSeveralRecoveriesKeepsTheRules) {
  Scene scene = SceneOf(SmallPolicy());
  scene.policy.codes_count = scene.sheet_size = 5;
  Inputs inputs(scene, kAda);
  inputs.At({Door::kOther}).Type({0, kWrong, 6}, {1});
  for (int a = 0; a < 5; ++a) {
    for (int b = 0; b < 5; ++b) inputs.TypeSet({a, b});
    inputs.TypeSet({a, kWrong}).TypeSet({kWrong, a});
  }
  inputs.TypeSet({0, 1}, 1).Ask({Verb::kNewSheet, Verb::kUnlock, Verb::kResetAccount});
  EverythingAboutTheSystem(scene);
  Check("five codes, two needed", scene);
  scene.policy.codes_required = 1;
  for (int a = 0; a < 5; ++a) inputs.TypeSet({a});
  Check("five codes, one needed", scene);
  scene.policy.codes_low = 0;
  Check("five codes, one needed, none is few", scene);
}

// With 2 attempts in a row a budget of 3 never runs dry: each login gives back what one wrong code
// took.
TEST_F(EveryState, OfAnAccountWithAnotherBudgetOrNoSheetKeepsTheRules) {
  Scene scene = SceneOf(SmallPolicy());
  scene.sheet_size = 0;
  EverythingBy(kBob, scene);
  Check("no sheet", scene);
  scene.sheet_size = 3;
  std::erase_if(scene.inputs, [](const Input& input) {
    return input.door == Door::kOther || input.door == Door::kConsole;
  });
  scene.policy.lockout_otp_attempts = 3;
  Check("three attempts, budget of three", scene);
  scene.policy.lockout_otp_attempts = 4;
  Check("four attempts, budget of three", scene);
  scene.policy.lockout_otp_attempts = 3;
  scene.policy.lockout_otp_budget = 0;
  Check("three attempts, no budget", scene);
}

// An administrator and a user at once: whose failures shut which doors for whom.
TEST_F(EveryState, OfTwoAccountsKeepsTheRulesUnderEveryScopeAndGateSetting) {
  for (const LockoutScope scope : kScopes) {
    for (const CloseGateOn closing : kClosings) {
      Scene scene = SceneOf(SmallPolicy(scope, closing));
      for (const int who : {kAda, kBob}) {
        Inputs inputs(scene, who);
        inputs.At({Door::kSsh, Door::kWeb}).Type({0, 1, 6}, {1}).Type({0, kWrong, 6}, {1});
        inputs.TypeSet({0, 1}).TypeSet({kWrong, kWrong});
        inputs.Ask({Verb::kUnlock, Verb::kResetAccount, Verb::kOpenGate});
      }
      EverythingAboutTheSystem(scene);
      Check(std::string("two accounts, scope ") + Name(scope) + ", gate " + Name(closing), scene);
    }
  }
}

// Sessions that nobody ends: no mark is ever set.
TEST_F(EveryState, WithoutEndingSessionsKeepsTheRules) {
  for (const LockoutScope scope : kScopes) {
    Scene scene = SceneOf(SmallPolicy(scope, CloseGateOn::kLockout));
    scene.policy.ssh_end_sessions = false;
    Inputs inputs(scene, kAda);
    inputs.At({Door::kSsh}).Type({0, 1, 6}, {1}).Type({0, kWrong, 6}, {1});
    inputs.TypeSet({kWrong, kWrong}).Ask({Verb::kUnlock, Verb::kCloseGate, Verb::kOpenGate});
    EverythingAboutTheSystem(scene);
    Check(std::string("no session ends, scope ") + Name(scope), scene);
  }
}

TEST_F(EveryState, OfAnAccountKeepsTheRulesUnderEveryScopeAndGateSetting) {
  for (const LockoutScope scope : kScopes) {
    for (const CloseGateOn closing : kClosings) {
      for (const int who : {kAda, kBob}) {
        Scene scene = SceneOf(SmallPolicy(scope, closing));
        EverythingBy(who, scene);
        EverythingAboutTheSystem(scene);
        Check(std::string(who == kAda ? "administrator" : "user") + ", scope " + Name(scope) +
                  ", gate " + Name(closing),
              scene);
      }
    }
  }
}

}  // namespace
}  // namespace sparekey::testing
