// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/login_plan.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "core/otp.h"
#include "tests/bench/population.h"

namespace sparekey::bench {
namespace {

constexpr std::uint64_t kInterval = 30;
constexpr std::uint64_t kNear = 12;  // steps that a window may reach, on either side
constexpr std::uint64_t kValues = 1'000'000;

std::string OtpOf(const SecretBytes& secret, std::uint64_t step, int digits) {
  return std::string(ComputeOtp(HashAlgorithm::kSha1, secret, step, digits).ExposeText());
}

// No code of a step near this one; another one for each seat.
std::string WrongCode(const SecretBytes& secret, std::uint64_t step, std::uint64_t seat,
                      int digits) {
  std::set<std::string> right;
  for (std::uint64_t near = step < kNear ? 0 : step - kNear; near <= step + kNear; ++near) {
    right.insert(OtpOf(secret, near, digits));
  }
  for (std::uint64_t value = 7919 * (seat + 1);; ++value) {
    std::string code = std::to_string(value % kValues);
    code.insert(0, static_cast<std::size_t>(digits) - code.size(), '0');
    if (!right.contains(code)) return code;
  }
}

}  // namespace

LoginPlan::LoginPlan(const DriverOptions& options) : options_(options) {
  if (options.plan.empty()) return;
  std::ifstream file(options.plan);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Login login;
    words >> login.account;
    for (std::string word; words >> word;) login.answers.push_back(word);
    lines_.push_back(std::move(login));
  }
  if (lines_.empty()) throw std::runtime_error("nothing in " + options.plan);
}

std::uint64_t LoginPlan::StepOf(std::uint64_t pass, std::uint64_t now) const {
  if (options_.counter != 0) return options_.counter_base + pass;
  return now / kInterval + std::min(pass, options_.ahead);
}

Login LoginPlan::At(std::uint64_t place, std::uint64_t seat, std::uint64_t now) const {
  if (!lines_.empty()) return lines_.at(static_cast<std::size_t>(place));
  const std::uint64_t all = options_.accounts / options_.stride;
  const std::uint64_t number = options_.stride * Shuffled(place, all) + options_.offset;
  const SecretBytes secret(SecretOf(number));
  const std::uint64_t step = StepOf(place / all, now);
  const int digits = static_cast<int>(options_.digits);
  return {
      NameOf(number),
      options_.remote_host,
      {options_.wrong != 0 ? WrongCode(secret, step, seat, digits) : OtpOf(secret, step, digits)}};
}

}  // namespace sparekey::bench
