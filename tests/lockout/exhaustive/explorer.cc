// SPDX-License-Identifier: Apache-2.0
#include "tests/lockout/exhaustive/explorer.h"

#include <deque>
#include <set>
#include <unordered_set>
#include <vector>

#include "tests/lockout/exhaustive/rule_checks.h"
#include "tests/lockout/exhaustive/small_world.h"

namespace sparekey::testing {
namespace {

constexpr std::array kDoors = {Door::kSsh, Door::kWeb, Door::kOther, Door::kConsole};

struct Node {
  World world;
  WorldBytes bytes;
  Ledger books;
  std::size_t id = 0;
};

class Walk {
 public:
  explicit Walk(const Scene& scene) : scene_(scene), rules_(scene) {}

  Exploration Run() {
    World begin = rules_.Begin();
    WorldBytes bytes = begin.Encode();
    Visit({std::move(begin), std::move(bytes), Opening()}, 0, 0);
    while (!frontier_.empty() && result_.violation.empty()) {
      const Node node = std::move(frontier_.front());
      frontier_.pop_front();
      AskAll(node);
      for (std::size_t i = 0; i < scene_.inputs.size() && result_.violation.empty(); ++i) {
        if (rules_.IsPossible(node.books, scene_.inputs[i])) Take(node, i);
      }
    }
    result_.states = seen_.size();
    return std::move(result_);
  }

 private:
  Ledger Opening() const {
    Ledger books;
    for (AccountLedger& account : books.accounts) {
      account.authenticators = scene_.enrolled;
      account.sheet = account.sheets_issued = scene_.sheet_size > 0 ? 1 : 0;
    }
    return books;
  }

  void Visit(Node node, std::size_t from, std::size_t input) {
    // The books say the same as the records, but for how often an account has enrolled.
    std::string bytes = node.bytes.Together();
    for (const AccountLedger& account : node.books.accounts) {
      bytes += static_cast<char>('0' + account.enrolments);
    }
    if (!seen_.insert(std::move(bytes)).second) return;
    node.id = ways_.size();
    ways_.push_back({from, input});
    frontier_.push_back(std::move(node));
  }

  void Take(const Node& node, std::size_t i) {
    const Input& input = scene_.inputs[i];
    ++result_.transitions;
    Node next{node.world.Clone(), {}, {}};
    const Outcome outcome = rules_.Apply(next.world, input);
    next.bytes = next.world.Encode();
    auto rulings = RulingsOn(scene_, node.books, input);
    if (rulings.size() != 1) {
      std::string rules;
      for (const Ruling& ruling : rulings) rules += " " + ruling.rule;
      return Fail(node, i, std::to_string(rulings.size()) + " rules speak:" + rules);
    }
    const Observation seen{scene_,     node.books, node.world,
                           node.bytes, input,      outcome,
                           next.world, next.bytes, rules_.ClockAt(input.clock).now};
    const std::string wrong = FindContradiction(seen, rulings[0]) + FindBrokenPromise(seen);
    if (!wrong.empty()) return Fail(node, i, wrong);
    next.books = std::move(rulings[0].after);
    Visit(std::move(next), node.id, i);
  }

  void Fail(const Node& node, std::size_t input, const std::string& what) {
    result_.violation = WayTo(node.id) + "\n  " + Describe(scene_.inputs[input]) + "\n=> " + what;
  }

  std::string WayTo(std::size_t id) const {
    if (id == 0) return "from the beginning:";
    return WayTo(ways_[id].from) + "\n  " + Describe(scene_.inputs[ways_[id].input]);
  }

  // Before a code is asked and in the account phase: of both accounts and of one without a record,
  // at every door, under every setting and for everybody who may stand there; once for each
  // combination of what the books say of enrolment, lockouts and gates.
  void AskAll(const Node& node) {
    for (const int who : {kNobody, kAda, kBob}) {
      if (!asked_.insert(FlagsOf(node.books, who)).second) continue;
      for (const Door door : kDoors) {
        for (int subject = 0; subject < 16; ++subject) AskOne(node, who, door, subject);
      }
    }
  }

  static std::vector<bool> FlagsOf(const Ledger& books, int who) {
    std::vector<bool> flags{who == kNobody, books.super_locked, books.gate_closed};
    if (who == kNobody) return flags;
    const AccountLedger& one = books.accounts[who];
    for (const bool flag : {!one.authenticators.empty(), one.pending, one.must_enrol, one.locked,
                            one.super_locked, one.gate_closed}) {
      flags.push_back(flag);
    }
    return flags;
  }

  void AskOne(const Node& node, int who, Door door, int bits) {
    Subject subject;
    subject.exempt = bits & 1;
    subject.root = bits & 2;
    subject.required = bits & 4;
    subject.identity_changed = bits & 8;
    Policy policy = scene_.policy;
    for (int settings = 0; settings < 96; ++settings) {
      policy.enabled = settings & 1;
      policy.services_ssh = settings & 2;
      policy.services_web = settings & 4;
      policy.services_other = settings & 8;
      policy.ssh_keys = settings & 16 ? SshKeys::kAccept : SshKeys::kRequireCode;
      policy.required_for = static_cast<RequiredFor>(settings / 32);
      const Account* account = who == kNobody ? nullptr : &node.world.accounts[who];
      const AccountLedger* books = who == kNobody ? nullptr : &node.books.accounts[who];
      Check(node, {policy, account, books, node.books.super_locked, node.books.gate_closed, subject,
                   door});
    }
  }

  void CheckAdmission(const Node& node, const Question& question, const char* whose,
                      const AdmissionDecision& expected, const AdmissionDecision& decided) {
    ++result_.questions;
    const bool is_decided = expected.admission == Admission::kDecided;
    if (decided.admission != expected.admission ||
        (is_decided && decided.reason != expected.reason)) {
      result_.violation = WayTo(node.id) + "\n=> " + whose + " before a code at " +
                          std::string(ToString(question.door)) + ": " +
                          std::string(ToString(decided.reason)) + " instead of " +
                          std::string(ToString(expected.reason));
    }
  }

  void Check(const Node& node, const Question& question) {
    const SystemState& system = node.world.system;
    CheckAdmission(
        node, question, "a login", ExpectedAdmission(question),
        Admit(question.policy, question.account, system, question.subject, question.door));
    CheckAdmission(node, question, "the owner", ExpectedOwnerAdmission(question),
                   AdmitOwner(question.account, system, question.subject));
    result_.questions += 2;
    for (const bool proven : {false, true}) {
      const Reason reason = DecideAccess(question.policy, question.account, system,
                                         question.subject, question.door, proven);
      if (reason == ExpectedAccess(question, proven)) continue;
      result_.violation = WayTo(node.id) + "\n=> account phase at " +
                          std::string(ToString(question.door)) + ": " +
                          std::string(ToString(reason)) + " instead of " +
                          std::string(ToString(ExpectedAccess(question, proven)));
    }
  }

  struct Way {
    std::size_t from;
    std::size_t input;
  };

  const Scene& scene_;
  const SmallWorld rules_;
  std::deque<Node> frontier_;
  std::unordered_set<std::string> seen_;
  std::set<std::vector<bool>> asked_;
  std::vector<Way> ways_;
  Exploration result_;
};

}  // namespace

Exploration& Exploration::operator+=(const Exploration& other) {
  states += other.states;
  transitions += other.transitions;
  questions += other.questions;
  if (violation.empty()) violation = other.violation;
  return *this;
}

Exploration Explore(const Scene& scene) { return Walk(scene).Run(); }

}  // namespace sparekey::testing
