// SPDX-License-Identifier: Apache-2.0
// Agreement with oathtool, an implementation of others, over random cases.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "core/otp.h"

namespace sparekey {
namespace {

constexpr int kCodesPerRun = 10;

std::string RunCommand(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t size = fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), size);
  }
  return pclose(pipe) == 0 ? output : "failed: " + command;
}

struct Case {
  Authenticator authenticator;
  std::int64_t step;
  std::int64_t time;
};

class Cases {
 public:
  std::int64_t Between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }

  Case Next() {
    Case made;
    Authenticator& authenticator = made.authenticator;
    authenticator.type = Between(0, 1) == 0 ? OtpType::kTotp : OtpType::kHotp;
    authenticator.digits = static_cast<int>(Between(6, 8));
    authenticator.interval = std::chrono::seconds(Between(5, 3600));
    authenticator.secret = SecretBytes(static_cast<std::size_t>(Between(16, 64)));
    for (std::uint8_t& byte : authenticator.secret.Expose()) {
      byte = static_cast<std::uint8_t>(Between(0, 255));
    }
    // Up to the year 2255 or, in every fourth case, beyond 32 bits of steps.
    made.time = Between(0, 9'000'000'000);
    if (Between(0, 3) == 0) made.time = Between(1LL << 33, 1LL << 36);
    made.step = made.time / authenticator.interval.count();
    if (authenticator.type == OtpType::kTotp) {
      authenticator.algorithm = static_cast<HashAlgorithm>(Between(0, 2));
    } else {
      made.step = Between(0, 1LL << 40);
    }
    return made;
  }

 private:
  std::mt19937_64 random_{20261123};
};

std::string CommandFor(const Case& one) {
  const Authenticator& authenticator = one.authenticator;
  std::ostringstream command;
  command << "oathtool -d" << authenticator.digits << " -w" << kCodesPerRun - 1;
  if (authenticator.type == OtpType::kHotp) {
    command << " --hotp -c" << one.step;
  } else {
    command << " --totp=" << ToString(authenticator.algorithm) << " -s"
            << authenticator.interval.count() << "s --now=@" << one.time;
  }
  command << " " << std::hex;
  for (const std::uint8_t byte : authenticator.secret.Expose()) {
    command << (byte >> 4) << (byte & 15);
  }
  return command.str();
}

TEST(ComputeOtp, AgreesWithOathtoolOver2000RandomCases) {
  Cases cases;
  std::array<int, 4> seen{};
  for (int run = 0; run < 2000 / kCodesPerRun; ++run) {
    const Case one = cases.Next();
    const Authenticator& authenticator = one.authenticator;
    const bool hotp = authenticator.type == OtpType::kHotp;
    ++seen[hotp ? 3 : static_cast<std::size_t>(authenticator.algorithm)];
    std::string expected;
    for (int i = 0; i < kCodesPerRun; ++i) {
      const auto code = ComputeOtp(authenticator.algorithm, authenticator.secret,
                                   static_cast<std::uint64_t>(one.step + i), authenticator.digits);
      expected.append(code.ExposeText()).append("\n");
    }
    ASSERT_EQ(RunCommand(CommandFor(one)), expected) << CommandFor(one);
  }
  for (const int count : seen) EXPECT_GT(count, 10);
}

}  // namespace
}  // namespace sparekey
